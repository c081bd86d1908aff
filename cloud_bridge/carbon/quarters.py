"""Quarter-hours of measured energy, as the ledger's records tell them: integers, without factors.

    {"index": 909312, "flows": [[900,0,0],[0,0,0],[0,0,0],[0,0,0],[100,0,0]],
     "stored": [0,100,0,0,0], "minutes": 15, "lines": {"press": 400},
     "factor_set": "<16 hex>", "load_ug": {"<16 hex>": 749250000}}

`index`: quarter-hours since 2000-01-01 00:00 UTC. `span`: how many end with it; more than 1 in a
gap, which counts where it ends. `flows`: Wh from each of SOURCES to each of SINKS. `stored`: what
the battery gave to the load, by ORIGINS, Wh. `minutes`: how many were measured, of 15 in each
quarter-hour. `lines`: sub-meters of tenants and lines, Wh of the load. `factor_set` and `load_ug`:
the set in force, and the carbon of the load in µg for each view that the ledger keeps, by the set's
id. These, `lines` and `span` may be missing.
"""

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cloud_bridge import fields
from cloud_bridge.fields import DocumentError, Field

EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)  # the start of quarter-hour 0
SOURCES = ("grid", "pv", "direct", "gen", "battery")
SINKS = ("load", "export", "charge")
ORIGINS = ("grid", "pv", "direct", "gen", "unknown")
GRID, PV, DIRECT, GEN, BATTERY = range(5)
LOAD, EXPORT, CHARGE = range(3)
UNKNOWN = 4
MINUTES = 15
_MOST_WH = 10**12
LAST = 7_000_000  # in the year 2199
_LONGEST = 100_000  # quarter-hours in one gap
_NO_LINES: Mapping[str, int] = {}


def _row(n: int) -> Field:
    one = fields.whole(0, _MOST_WH)
    row = fields.list_of("energies in Wh", one.read, n)
    return Field(f"{n} energies in Wh",
                 lambda value: row.read(value) if isinstance(value, list) and len(value) == n
                 else None)


def _table(key: Field, value: Field) -> Field:
    def read(found: Any) -> dict[str, int] | None:
        fits = isinstance(found, dict) and all(
            key.read(name) is not None and value.read(one) is not None
            for name, one in found.items())
        return found if fits else None

    return Field(f"a table of {value.expected}", read)


_FLOWS = fields.list_of(f"rows, one of each of {' '.join(SOURCES)}", _row(len(SINKS)).read, 5)
_FIELDS = {
    "index": fields.whole(0, LAST),
    "flows": Field(_FLOWS.expected, lambda value: _FLOWS.read(value)
                   if isinstance(value, list) and len(value) == len(SOURCES) else None),
    "stored": _row(len(ORIGINS)), "minutes": fields.whole(0, MINUTES * _LONGEST),
    "span": fields.whole(1, _LONGEST).or_else(1),
    "lines": _table(fields.TEXT, fields.whole(0, _MOST_WH)).or_else(_NO_LINES),
    "factor_set": Field("16 hexadecimal digits", lambda value: value
                 if fields.hexadecimal(8).read(value) else None, ""),
    "load_ug": _table(fields.hexadecimal(8), fields.whole(0, 10**20)).or_else(_NO_LINES),
}


@dataclass(frozen=True)
class Quarter:
    """One quarter-hour; see above."""

    index: int
    flows: tuple[tuple[int, ...], ...]
    stored: tuple[int, ...]
    minutes: int = MINUTES
    lines: Mapping[str, int] = field(default_factory=dict)
    factor_set: str = ""
    load_ug: Mapping[str, int] = field(default_factory=dict)
    span: int = 1

    def taken(self, source: int) -> int:
        """Wh of a source, wherever they went."""
        return sum(self.flows[source])

    def given(self, sink: int) -> int:
        """Wh into a sink, wherever they came from."""
        return sum(row[sink] for row in self.flows)

    def green_wh(self, storage: bool = True) -> int:
        """Wh of the load from PV and the direct line, with what of it came through the battery."""
        direct = self.flows[PV][LOAD] + self.flows[DIRECT][LOAD]
        return direct + (self.stored[PV] + self.stored[DIRECT] if storage else 0)


def read(raw: object, where: str = "quarter") -> Quarter:
    """A quarter-hour from its table. DocumentError."""
    got = fields.read(where, raw, _FIELDS)
    if got["minutes"] > MINUTES * got["span"]:
        raise fields.mistake(f"{where}: minutes", got["minutes"],
                             f"a whole number 0 .. {MINUTES * got['span']}")
    if got["flows"][BATTERY][CHARGE]:
        raise fields.mistake(f"{where}: flows", list(got["flows"][BATTERY]),
                             "nothing from the battery to the battery")
    if sum(got["stored"]) != got["flows"][BATTERY][LOAD]:
        raise fields.mistake(f"{where}: stored", list(got["stored"]),
                             f"the sum {got['flows'][BATTERY][LOAD]}, what the battery gave to the "
                             "load")
    if sum(got["lines"].values()) > sum(row[LOAD] for row in got["flows"]):
        raise fields.mistake(f"{where}: lines", dict(got["lines"]), "no more than the load in all")
    return Quarter(**got)


def parse(lines: Iterable[bytes], name: str) -> Iterator[Quarter]:
    """Quarter-hours from lines of JSON, rising in time. DocumentError names file and line."""
    last = -1
    for number, line in enumerate(lines, 1):
        where = f"{name}: line {number}"
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DocumentError(f"{where}: is not JSON: {error}") from None
        quarter = read(raw, where)
        if quarter.index - quarter.span < last:
            raise fields.mistake(f"{where}: index", quarter.index, f"{last + quarter.span} or more")
        last = quarter.index
        yield quarter


def line(one: Quarter) -> str:
    """A quarter-hour as a line of JSON, without its end."""
    return json.dumps({**asdict(one), "lines": dict(one.lines), "load_ug": dict(one.load_ug)},
                      ensure_ascii=False)


def index_of(day: datetime.date, utc_offset_min: int) -> int:
    """The quarter-hour in which a local day begins."""
    return ((day - EPOCH.date()).days * 1440 - utc_offset_min) // MINUTES


def utc_of(index: int) -> int:
    """When a quarter-hour begins, in seconds since 1970."""
    return int(EPOCH.timestamp()) + 60 * MINUTES * index
