"""The file of `parkedge serve mbus`: one line, and the meters on it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boards.mbus_frame import Identity
from boards.mbus_records import TelegramError, split
from boards.shapes import Findings, toml
from boards.site_fields import read_table, say
from boards.site_tables import Field

BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)
# Medium -> the device types of EN 13757-3 that measure it.
MEDIA: Mapping[str, frozenset[int] | None] = {
    "water": frozenset({0x06, 0x07, 0x15, 0x16, 0x17}),
    "heat": frozenset({0x04, 0x0C, 0x0D}),
    "cold": frozenset({0x0A, 0x0B, 0x0D}),
    "gas": frozenset({0x03}),
    "steam": frozenset({0x05}),
    "other": None,  # whatever it says of itself: pulse adapters
}
POINTS = {"heat_wh": "energy", "cold_wh": "energy", "energy_wh": "energy", "volume_l": "volume",
          "mass_kg": "mass"}
_ENERGY = {"heat": "heat_wh", "cold": "cold_wh"}
_DAY_S = 86_400
_STALE_POLLS = 3

LINE: tuple[Field, ...] = (
    ("path", "text", None, None, "", "serial device of the level converter"),
    ("host", "text", None, None, "", "address of a TCP level converter, instead of path"),
    ("port", "port", 0, 65535, 0, "its TCP port"),
    ("baud", "baud", 300, 38_400, 2400, "speed of the M-Bus"),
    ("parity", "parity", None, None, "E", "N none, E even, O odd; M-Bus has E"),
    ("stop", "bits", 1, 2, 1, "stop bits"),
    ("echo", "0/1", 0, 1, 0, "1 = the converter hears what it sends"),
    ("grace_ms", "ms", 0, 10_000, 200, "what converter and network add to an answer's delay"),
)
SERVE: tuple[Field, ...] = (
    ("address", "ip", None, None, "127.0.0.1", "where Modbus TCP is served"),
    ("port", "port", 0, 65535, 5020, "its TCP port; 0 = one that is free"),
)
METER: tuple[Field, ...] = (
    ("name", "id", None, None, None, "its name in messages"),
    ("unit", "address", 1, 247, None, "its unit on Modbus"),
    ("address", "address", -1, 250, -1, "its primary address; -1 = secondary is selected"),
    ("secondary", "text", None, None, "", "who it is: number, maker, version, type"),
    ("medium", "medium", None, None, None, "what it measures"),
    ("poll_s", "s", 1, 604_800, 900, "how often it is read"),
    ("stale_s", "s", 0, 2_592_000, 0, "older, a reading is none; 0 = three polls"),
    ("reads_per_day", "", 0, 10_000, 0, "requests its battery bears; 0 = it has a supply"),
    ("telegrams", "", 1, 16, 16, "most telegrams of one reading"),
)
SECONDARY = re.compile(r"([0-9F]{8})(?: ([A-Z]{3})(?: ([0-9A-F]{2})(?: ([0-9A-F]{2}))?)?)?")
_ANY_DATA = b"\x0f" * 255  # what may stand behind a record's name: its data, and the end
_SECONDARY_WORDS = 'number, maker, version and device type as "06855817 KAM 08 04", or the ' \
    "first of them; F in the number for any digit"


class FileError(ValueError):
    """A file that cannot be used; `lines` says everything that is wrong with it."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(dict.fromkeys(lines))
        super().__init__(self.lines)


@dataclass(frozen=True)
class MeterFile:
    """One meter of the file."""

    name: str
    unit: int
    address: int | None
    identity: Identity | None
    medium: str
    poll_s: int
    stale_s: int
    reads_per_day: int
    telegrams: int
    records: Mapping[str, str] = field(default_factory=dict)  # point -> its record's name

    @property
    def energy(self) -> str:
        """The point that its energy is."""
        return _ENERGY.get(self.medium, "energy_wh")


@dataclass(frozen=True)
class MbusFile:
    """A whole file: `line` and `serve` are tables as LINE and SERVE have them."""

    line: Mapping[str, Any]
    serve: Mapping[str, Any]
    meters: tuple[MeterFile, ...]


def load(path: Path, *, scan: bool = False) -> MbusFile:
    """Read a file; to `scan` a line it needs no meters. Raises FileError with every mistake in it,
    OSError when it cannot be read."""
    findings = Findings(path.name)
    try:
        raw = toml(path.read_bytes())
    except ValueError as error:
        raise FileError([f"{path.name}: not TOML: {error}"]) from None
    for name in raw:
        if name not in ("line", "serve", "meter"):
            findings.unknown(name, name, ("line", "serve", "meter"))
    line = read_table(findings, "line", raw.get("line", {}), LINE)
    serve = read_table(findings, "serve", raw.get("serve", {}), SERVE)
    _check_line(findings, line)
    tables = raw.get("meter", [])
    if not isinstance(tables, list) or not (tables or scan):
        findings.add("meter", tables or None, "tables [[meter]]")
        tables = []
    meters = [_meter(findings, f"meter {number}", table) for number, table in enumerate(tables, 1)]
    for what in ("name", "unit"):
        _check_unique(findings, what, [given[what] for given, _ in meters])
    if findings.lines:
        raise FileError(findings.lines)
    return MbusFile(line, serve, tuple(_made(*one) for one in meters))


def _check_line(findings: Findings, line: Mapping[str, Any]) -> None:
    if (line["path"] == "") == (line["host"] == "") and None not in (line["path"], line["host"]):
        say(findings, "line", "expected a path (of a serial device) or a host (of a TCP converter)")
    if line["host"] and line["port"] == 0:
        findings.add("line.port", None, "the TCP port of the converter")
    if line["baud"] is not None and line["baud"] not in BAUDS:
        findings.add("line.baud", line["baud"], "one of " + " ".join(map(str, BAUDS)))


def _meter(findings: Findings, key: str, raw: object) -> tuple[dict[str, Any], dict[str, str]]:
    raw = dict(raw) if isinstance(raw, dict) else raw
    chosen = raw.pop("records", {}) if isinstance(raw, dict) else {}
    given = read_table(findings, key, raw, METER, {"medium": MEDIA})
    if given["secondary"] and not SECONDARY.fullmatch(given["secondary"]):
        findings.add(f"{key}.secondary", given["secondary"], _SECONDARY_WORDS)
        given["secondary"] = None
    if given["address"] == -1 and given["secondary"] == "":
        say(findings, key, "expected its primary address, or who it is: secondary")
    _check_pace(findings, key, given)
    return given, _records(findings, f"{key}.records", chosen)


def _check_pace(findings: Findings, key: str, given: Mapping[str, Any]) -> None:
    poll_s, stale_s, budget = given["poll_s"], given["stale_s"], given["reads_per_day"]
    if poll_s is None:
        return
    if budget and poll_s * budget < _DAY_S:
        findings.add(f"{key}.poll_s", poll_s, f"at least {-(-_DAY_S // budget)} s: its battery "
                     f"bears reads_per_day = {budget}")
    if stale_s and stale_s <= poll_s:
        findings.add(f"{key}.stale_s", stale_s, f"more than poll_s = {poll_s} s")


def _records(findings: Findings, key: str, chosen: object) -> dict[str, str]:
    """Records by name: the octets before their value, as a scan shows them."""
    if not isinstance(chosen, dict):
        findings.add(key, chosen, f"a table [{key}]")
        return {}
    found = {}
    for point, name in chosen.items():
        if point not in POINTS:
            findings.unknown(f"{key}.{point}", point, POINTS)
            continue
        try:
            found[point] = _record(point, name)
        except (TypeError, ValueError, IndexError, TelegramError):
            findings.add(f"{key}.{point}", name, f'the octets before a record of {POINTS[point]}, '
                         'as "04 06" and as a scan shows them')
    return found


def _record(point: str, name: Any) -> str:
    """Its name as records have it. Raises one of many errors when this point cannot be it."""
    octets = bytes.fromhex(name)
    record = split(octets + _ANY_DATA)[0][0]
    if record.name != octets.hex(" ").upper() or record.quantity != POINTS[point]:
        raise ValueError
    return record.name


def _check_unique(findings: Findings, what: str, values: list[Any]) -> None:
    meant = [value for value in values if value not in (None, "")]
    for value in dict.fromkeys(value for value in meant if meant.count(value) > 1):
        say(findings, f"meter.{what}", f"found {value} {meant.count(value)} times, expected once")


def _made(given: Mapping[str, Any], records: Mapping[str, str]) -> MeterFile:
    parts = SECONDARY.fullmatch(given["secondary"])
    identity = None
    if parts:
        version, kind = (int(part, 16) if part else None for part in parts.group(3, 4))
        identity = Identity(parts[1], parts[2], version, kind)
    address = None if given["address"] == -1 else given["address"]
    return MeterFile(given["name"], given["unit"], address, identity, given["medium"],
                     given["poll_s"], given["stale_s"] or _STALE_POLLS * given["poll_s"],
                     given["reads_per_day"], given["telegrams"], records)
