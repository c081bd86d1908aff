"""The golden run: a factory day and an hour, second by second, and what the controller made of it.

    python -m tests.golden.factory            compare with factory.csv: first difference, by field
    python -m tests.golden.factory --update   the same, then write factory.csv anew

factory.csv holds the journal row of each quarter-hour, the digest of all rows of that quarter, and
the digest of the whole run; so a change shows when it began and, from the first kept row it
touches, in which field. Update it only when that is the change you meant.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from array import array
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from edge import journal
from edge.ticks import ticks_add
from hil import dut, plants, series

HERE = Path(__file__).parent
SITE = HERE / "site.json"
KEPT = HERE / "factory.csv"
BEATS = 86_400 + 3600  # past midnight: the day, the month and the first night's planning
QUARTER = 900
_LABEL = datetime(2026, 6, 30)  # the last day of a month
_START_S = (_LABEL - datetime(2000, 1, 1)).days * 86_400 - 28_800  # UTC
_TICK = (1 << 30) - 3_000_000  # the ticks wrap in the first hour
_ROW_BYTES = 4 * len(journal.FIELDS)


def image() -> dict[str, Any]:
    """The site of the golden run."""
    made: dict[str, Any] = json.loads(SITE.read_text(encoding="utf-8"))
    return made


def run(beats: int, beat_s: int = 1) -> tuple[bytes, bytes]:
    """Closed loop in this interpreter: all inputs and all rows, as bytes."""
    made = image()
    made["site"]["beat_s"] = beat_s
    device = dut.InProcess(made)
    inputs, rows = bytearray(), bytearray()
    for row in _readings(device, beats, beat_s):
        inputs += row.tobytes()
        rows += device.row.tobytes()
        fault = device.site.fault
        if fault is not None:
            raise fault
    return bytes(inputs), bytes(rows)


def _readings(device: dut.InProcess, beats: int, beat_s: int) -> Iterator[array[int]]:
    """Each beat's inputs, after the beat was taken with them."""
    load, sun = series.factory_day(_LABEL), series.clear_sky(_LABEL, 90_000)
    battery = plants.Battery(400_000, 200_000, 200_000, soc_pm=150, tau_s=1)
    plant = plants.Plant(battery)
    inputs = array("i", [0] * 14)
    for k in range(beats):
        second = k * beat_s
        plant.load_w = load.watts[second % 86_400]
        plant.pv_w = sun.watts[second % 86_400 // 60]
        now_ms = ticks_add(_TICK, second * 1000 % (1 << 29))
        if second >= 1 << 29:
            raise ValueError("the run is longer than half the period of the ticks")
        _read(inputs, plant, now_ms, second)
        plant.run(device.beat(inputs), beat_s)
        yield inputs


def _read(inputs: array[int], plant: plants.Plant, now_ms: int, second: int) -> None:
    """What the instruments say: of unlike age, and at times nothing."""
    grid_ms, store_ms = ticks_add(now_ms, -150), ticks_add(now_ms, -400)
    battery = plant.battery
    values = (
        now_ms, (_START_S + second) // 86_400, (_START_S + second) % 86_400,
        plant.grid_w, -1 if 33_000 <= second < 33_045 else grid_ms,
        battery.power_w, -1 if 52_000 <= second < 52_400 else store_ms,
        battery.soc_now_pm, -1 if second % 10 else store_ms,
        plant.pv_w, -1 if second % 5 else now_ms,
        200_000, 120_000 if 60_000 <= second < 61_800 else 200_000,
        0 if 47_000 <= second < 47_120 else 1,
    )
    for place, value in enumerate(values):
        inputs[place] = value


def condensed(rows: bytes) -> list[list[str]]:
    """The lines of factory.csv: a header, a line each quarter-hour, the digest of everything."""
    lines = [[*journal.FIELDS, "sha256"]]
    for at in range(0, len(rows), QUARTER * _ROW_BYTES):
        part = rows[at:at + QUARTER * _ROW_BYTES]
        last = array("i", part[-_ROW_BYTES:])
        lines.append([*map(str, last), hashlib.sha256(part).hexdigest()[:16]])
    lines.append([hashlib.sha256(rows).hexdigest()])
    return lines


def kept() -> list[list[str]]:
    """The lines of factory.csv; none when there is no such file."""
    if not KEPT.exists():
        return []
    with KEPT.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def difference(old: list[list[str]], new: list[list[str]]) -> str:
    """Where the new run first departs from the kept one; empty when it does not."""
    if old == new:
        return ""
    if not old or old[0] != new[0]:
        return f"other fields: {sorted(set(old[0] if old else []) ^ set(new[0]))}"
    began = ""
    for number, (before, after) in enumerate(zip(old[1:], new[1:], strict=False)):
        if before == after:
            continue
        began = began or f"rows differ from quarter {number} on"
        fields = [f"{name} was {x}, is {y}"
                  for name, x, y in zip(old[0][:-1], before, after, strict=False) if x != y]
        if fields and len(after) > 1:
            return f"{began}; at the end of quarter {number}: {'; '.join(fields)}"
    return began or f"{len(old)} lines became {len(new)}"


def first_unlike(expected: bytes, got: bytes) -> str:
    """The first field in which two runs' rows differ; empty when they are the same bytes."""
    if expected == got:
        return ""
    for at in range(0, min(len(expected), len(got)), _ROW_BYTES):
        pair = expected[at:at + _ROW_BYTES], got[at:at + _ROW_BYTES]
        if pair[0] != pair[1] and len(pair[1]) == _ROW_BYTES:
            unlike = [f"{name} {x} != {y}" for name, x, y in
                      zip(journal.FIELDS, array("i", pair[0]), array("i", pair[1]), strict=True)
                      if x != y]
            return f"beat {at // _ROW_BYTES}: {', '.join(unlike)}"
    return f"{len(expected) // _ROW_BYTES} rows expected, {len(got) / _ROW_BYTES} came"


def main(arguments: list[str]) -> int:
    """Compare, and with --update write; the exit status tells whether it was the same."""
    new = condensed(run(BEATS)[1])
    unlike = difference(kept(), new)
    print(unlike or "the golden run is unchanged")
    if unlike and "--update" in arguments:
        with KEPT.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(new)
        print(f"written: {KEPT}")
        return 0
    return 1 if unlike else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
