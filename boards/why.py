"""Why the battery did what it did: both bounds of one second in words, from its journal row.

It is read, not reasoned: a row carries what was known, which rule set each bound, and what the gate
did with the command.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from boards import why_idle, why_store
from boards.journal_file import Header, JournalError, JournalReader, files
from boards.local_time import Moment, TimeError, local, parse, seconds
from boards.why_words import Row, Side, age, meaning, power, share
from edge.gate import PASSED, WORDS
from edge.snapshot import CLOCK_OK, FAULT, NEVER_MS, TRUSTED, UNPRICED, UNPUSHED

__all__ = ["JournalError", "Second", "TimeError", "explain", "find", "text"]

_KNOWN = (("grid", "grid_w", "grid_age_ms"), ("battery", "store_w", "store_age_ms"),
          ("state of charge", "soc_pm", "soc_age_ms"), ("PV", "pv_w", "pv_age_ms"))

_PRICES = ((UNPRICED, "the tariff is not valid today: its last prices go on, nothing is traded"),
           (UNPUSHED, "today's prices were to be pushed and did not come: the calendar's go on"))

_NEEDED = ("day", "second", "flags", "lo_w", "lo_by", "hi_w", "hi_by", "chosen_w", "command_w",
           "verdict", "charge_max_w", "discharge_max_w", "net_w", "target_w", "hold_w", "price_e4",
           "peak_w", *(name for _, field, aged in _KNOWN for name in (field, aged)))


@dataclass(frozen=True)
class Second:
    """The row that was in force at a moment."""

    asked: Moment
    row: Row
    header: Header
    idle: why_idle.Idle | str = "a store does not keep the tariff"  # or why it cannot be told

    @property
    def age_s(self) -> int:
        """How long before the moment the row was written."""
        return seconds(self.asked) - seconds((self.row["day"], self.row["second"]))


def find(path: Path, at: str | None = None, gateway: str | None = None) -> Second:
    """The row in force at a time of a journal file, a folder of them or a store; without a time
    the newest. Raises JournalError when there is none, TimeError, OSError."""
    stored = why_store.is_store(path)
    second = Second(*why_store.find(path, at, gateway)) if stored else _in_journal(path, at)
    missing = [name for name in _NEEDED if name not in second.row]
    if missing:
        raise JournalError(f"{path}: its rows do not say {' '.join(missing)}: written by another "
                           "version")
    if stored:
        return second
    return replace(second, idle=why_idle.idle(path, second.asked, second.header))


def _in_journal(path: Path, at: str | None) -> Second:
    candidates = [file for file in files(path) if _rows(file)]
    if not candidates:
        raise JournalError(f"{path}: no journal rows there")
    with JournalReader(candidates[-1]) as newest:
        last = newest.moment(len(newest) - 1)
        asked = parse(at, last, newest.header.offsets) if at else last
    for file in reversed(candidates):
        with JournalReader(file) as reader:
            number = reader.find(*asked)
            if number >= 0:
                row = dict(zip(reader.header.fields, reader[number], strict=True))
                return Second(asked, row, reader.header)
            first, offsets = reader.moment(0), reader.header.offsets
    raise JournalError(f"{path}: begins only at {local(first, offsets).isoformat(' ')}")


def _rows(file: Path) -> int:
    with JournalReader(file) as reader:
        return len(reader)


def explain(second: Second) -> dict[str, Any]:
    """Everything that is to be said about one row, for a machine."""
    row, header = second.row, second.header
    written = local((row["day"], row["second"]), header.offsets)
    return {
        "asked": local(second.asked, header.offsets).isoformat(), "row_time": written.isoformat(),
        "row_age_s": second.age_s, "site": header.name, "image": header.site,
        "low": _bound(row, header, "lo"), "high": _bound(row, header, "hi"),
        "chosen_w": row["chosen_w"], "chosen": _command(row["chosen_w"]),
        "command_w": row["command_w"], "command": _command(row["command_w"]),
        "gate": _gate(row), "trusted": bool(row["flags"] & TRUSTED),
        "fault": bool(row["flags"] & FAULT), "clock_set": bool(row["flags"] & CLOCK_OK),
        "price_e4": row["price_e4"],
        "price_doubts": [words for bit, words in _PRICES if row["flags"] & bit],
        "known": {name: {field: row[field], "age_ms": row[aged]} for name, field, aged in _KNOWN},
        "idle": why_idle.for_machine(second.idle), "row": dict(row),
    }


def _bound(row: Row, header: Header, side: Side) -> dict[str, Any]:
    w, by = row[f"{side}_w"], row[f"{side}_by"]
    rule = header.rules[by] if 0 <= by < len(header.rules) else f"rule {by}"
    low = side == "lo"
    if w == 0:
        text = "no charging" if low else "no discharging"
    elif w > 0:
        text = f"discharge at {'least' if low else 'most'} {power(w)}"
    else:
        text = f"charge at {'most' if low else 'least'} {power(-w)}"
    return {"w": w, "rule": rule, "bound": text, "why": meaning(rule, row, header, side)}


def _command(w: int) -> str:
    if w == 0:
        return "idle"
    return f"discharge {power(w)}" if w > 0 else f"charge {power(-w)}"


def _gate(row: Row) -> str:
    verdict = row["verdict"]
    word = WORDS[verdict] if 0 <= verdict < len(WORDS) else f"verdict {verdict}"
    if row["command_w"] == row["chosen_w"]:
        return "passed unchanged" if verdict == PASSED else word
    if verdict == PASSED:
        does = "gives" if row["chosen_w"] > 0 else "takes"
        return f"passed, but the battery {does} only {power(abs(row['command_w']))} now"
    return f"cut to {power(abs(row['command_w']))}: {word}"


def text(second: Second) -> str:
    """The same for people."""
    said, row = explain(second), second.row
    moment = local((row["day"], row["second"]), second.header.offsets)
    lines = [f"{moment.strftime('%Y-%m-%d %H:%M:%S %z')}  {said['site']}".rstrip()]
    if second.age_s >= second.header.beat_s:
        lines.append(f"  no row for {said['asked']}: this one is {second.age_s} s older")
    if said["fault"]:
        lines.append("  FAULT latched: 0 W until a restart")
    for side in ("low", "high"):
        bound = said[side]
        lines.append(f"  {bound['bound']:<28} {bound['rule']}: {bound['why']}")
    lines.append(f"  chosen   {said['chosen']}")
    lines.append(f"  gate     {said['gate']}")
    lines.append(f"  sent     {said['command']}")
    for name, field, aged in _KNOWN:
        if row[aged] < NEVER_MS:
            value = share(row[field]) if field.endswith("_pm") else power(row[field])
            lines.append(f"  knew     {name} {value}, {age(row[aged])}")
        else:
            lines.append(f"  knew     {name}: never read")
    lines.append(f"  price    {row['price_e4'] / 1e4:.4f} a kWh")
    lines += [f"  price    {words}" for words in said["price_doubts"]]
    lines += [f"  instead  {line}" for line in why_idle.lines(second.idle, second.header)]
    return "\n".join(lines)
