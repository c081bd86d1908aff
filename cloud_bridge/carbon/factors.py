"""Factor sets: what a kWh of each source emits, with the document that says so.

A set is a document, and its id stands in every record that was made with it. A newer set is
another view of the same flows of energy: it changes no record.
"""

import datetime
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import edge
from cloud_bridge import fields, source
from cloud_bridge.carbon.quarters import EPOCH, index_of
from cloud_bridge.documents import Document
from cloud_bridge.fields import AMOUNT, DATE, TEXT, DocumentError

FOLDER = Path(edge.__file__).parent / "carbon" / "factors"
SOURCES = ("grid", "pv", "direct", "gen", "residual")  # residual: where nothing else is known
BASES = ("fossil", "average", "residual", "hourly", "direct")
UNITS = {"kg/kWh": 10**6, "t/MWh": 10**6, "g/kWh": 10**3}  # times this: mg/kWh
MOST_MG_PER_KWH = 5_000_000
_HOURS = 8_784  # in the longest year
_SET = {"name": fields.NAME, "title": TEXT, "region": TEXT, "note": TEXT.or_else(""),
        "utc_offset_min": fields.whole(-720, 840), "factors": fields.TABLES}
_FACTOR = {
    "energy": fields.one_of(SOURCES), "basis": fields.one_of(BASES), "gas": fields.one_of(["CO2"]),
    "unit": fields.one_of(UNITS), "value": AMOUNT.or_else(None),
    "hourly": fields.list_of("amounts", fields.fraction, _HOURS).or_else(None),
    "year": fields.whole(1990, 2100), "source": TEXT, "note": TEXT.or_else(""),
    "valid_from": DATE, "valid_until": DATE.or_else(None),
}


@dataclass(frozen=True)
class Factor:
    """One source from the first quarter-hour to before the end: mg CO2 per kWh, one value, or one
    for each hour."""

    energy: str
    first: int
    end: int | None
    mg_per_kwh: tuple[int, ...]
    basis: str
    year: int
    source: str


@dataclass(frozen=True)
class FactorSet:
    """`id`: eight bytes, of the document it was read from."""

    id: bytes
    name: str
    region: str
    factors: tuple[Factor, ...]
    utc_offset_min: int

    def mg_per_kwh(self, energy: str, index: int) -> int:
        """The factor in force in a quarter-hour; of a source that the set does not name, the
        residual one. DocumentError when there is none."""
        for factor in self._of(energy) or self._of("residual"):
            if factor.first <= index and (factor.end is None or index < factor.end):
                if len(factor.mg_per_kwh) == 1:
                    return factor.mg_per_kwh[0]
                return factor.mg_per_kwh[(index - factor.first) // 4]
        day = (EPOCH + datetime.timedelta(minutes=15 * index)).date()
        raise DocumentError(f"factor set {self.name}: has no factor of {energy} for {day}")

    @property
    def newest(self) -> int:
        """A quarter-hour in which every factor is the newest there is: a gateway accounts by
        those."""
        return max(factor.first for factor in self.factors)

    def hourly(self, energy: str) -> bool:
        """Whether the factor of a source changes with the hour."""
        return any(len(one.mg_per_kwh) > 1 for one in self._of(energy) or self._of("residual"))

    def _of(self, energy: str) -> list[Factor]:
        return [one for one in self.factors if one.energy == energy]


def shipped() -> list[str]:
    """The sets that come with parkedge, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def by_id(number: bytes) -> FactorSet | None:
    """The shipped set of this id, if one has it."""
    for name in shipped():
        document = source.load(FOLDER / f"{name}.toml")
        if document.id == number:
            return read(document)
    return None


def read(document: Document) -> FactorSet:
    """The set in a document. DocumentError."""
    if document.kind != "factors":
        raise fields.mistake("factor set: kind", document.kind, "factors")
    got = fields.read("factor set", document.body, _SET)
    found = tuple(_factor(f"factors[{number}]", one, got["utc_offset_min"])
                  for number, one in enumerate(got["factors"]))
    if not any(one.energy == "residual" for one in found):
        raise fields.mistake("factor set: factors", None, "one of residual, for what is unknown")
    for number, one in enumerate(found):
        for other in found[:number]:
            if one.energy == other.energy and _meet(one, other):
                raise fields.mistake(f"factors[{number}]: valid_from",
                                     document.body["factors"][number]["valid_from"],
                                     f"a time in which no other factor of {one.energy} is valid")
    return FactorSet(document.id, got["name"], got["region"], found, got["utc_offset_min"])


def _factor(where: str, raw: object, utc_offset_min: int) -> Factor:
    got = fields.read(where, raw, _FACTOR)
    if (got["value"] is None) == (got["hourly"] is None):
        raise fields.mistake(f"{where}: value", got["value"], "either value or hourly_file")
    if (got["basis"] == "hourly") != (got["hourly"] is not None):
        raise fields.mistake(f"{where}: basis", got["basis"], "hourly with hourly_file, and only "
                             "there")
    values = tuple(_mg(where, value, got["unit"]) for value in got["hourly"] or [got["value"]])
    first = index_of(got["valid_from"], utc_offset_min)
    end = index_of(got["valid_until"] + datetime.timedelta(1), utc_offset_min) \
        if got["valid_until"] else None
    if len(values) > 1:
        if end is not None and end != first + 4 * len(values):
            raise fields.mistake(f"{where}: hourly", f"{len(values)} hours", "one value for each "
                                 "hour of valid_from .. valid_until")
        end = first + 4 * len(values)
    if end is not None and end <= first:
        raise fields.mistake(f"{where}: valid_until", str(got["valid_until"]),
                             "a day not before valid_from")
    return Factor(got["energy"], first, end, values, got["basis"], got["year"], got["source"])


def _mg(where: str, value: Fraction, unit: str) -> int:
    mg = value * UNITS[unit]
    if mg.denominator != 1 or mg > MOST_MG_PER_KWH:
        raise fields.mistake(f"{where}: value", f"{float(value):.9g} {unit}",
                             f"whole mg per kWh, at most {MOST_MG_PER_KWH}")
    return int(mg)


def _meet(one: Factor, other: Factor) -> bool:
    return (other.end is None or one.first < other.end) and \
        (one.end is None or other.first < one.end)


def named(name: str) -> Path:
    """The file of a shipped set. DocumentError when there is none of this name."""
    if name not in shipped():
        raise fields.mistake("factor set", name, "a file, or one of " + " ".join(shipped()))
    return FOLDER / f"{name}.toml"
