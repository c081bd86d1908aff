"""What kind of figure each field of a row is, and so what may be said of it over a time.

A gauge has a mean weighted by time, a least and a most; a register has what it moved by and where
it ended; a code (flags, who bound) has its last. The unit is the last word of a name.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

from edge.snapshot import GRID_FRESH, PV_FRESH, SOC_FRESH, STORE_FRESH

GAUGE, REGISTER, CODE, RULE = "gauge", "register", "code", "rule"
_UNITS = ("w", "pm", "ms", "e4", "v", "a", "mhz", "c", "s")
STAMPS = ("day", "second", "now_ms")  # the time of a row says it
RULES = ("lo_by", "hi_by")
# Two fields that are one figure: value = whole * scale + rest.
_PAIRS = {"import_kwh": ("import_wh", 1_000), "export_kwh": ("export_wh", 1_000),
          "carbon_kg": ("carbon_g", 1_000), "cost_units": ("cost_e4", 10_000)}
# The same in a row of energies, where carbon is told by the milligram: (whole * scale + rest) // by
_ENERGIES = {"import_wh": ("import_kwh", "import_wh", 1_000, 1),
             "export_wh": ("export_kwh", "export_wh", 1_000, 1),
             "carbon_g": ("carbon_units", "carbon_e4", 10_000, 1_000),
             "cost_e4": ("cost_units", "cost_e4", 10_000, 1)}
# A reading that was not fresh is whatever it was last: it counts in nothing. The load needs two.
_FRESH = {"grid_w": GRID_FRESH, "pv_w": PV_FRESH, "store_w": STORE_FRESH, "soc_pm": SOC_FRESH,
          "net_w": GRID_FRESH | STORE_FRESH}
RISING = ("import_wh", "export_wh")  # registers that never go back: one that does began anew


class Measure(NamedTuple):
    """`at` is its place in a row. A register is row[whole] * scale + row[at] (scale 0: the field
    alone); a gauge counts while all bits of `fresh` are in the flags."""

    name: str
    kind: str
    at: int
    whole: int = 0
    scale: int = 0
    fresh: int = 0

    def value(self, row: list[int]) -> int:
        """What the row says."""
        return row[self.whole] * self.scale + row[self.at] if self.scale else row[self.at]


@cache
def measures(fields: tuple[str, ...]) -> tuple[Measure, ...]:
    """All of rows with these fields, in their order."""
    place = {name: i for i, name in enumerate(fields)}
    rests = {rest for whole, (rest, _) in _PAIRS.items() if {whole, rest} <= place.keys()}
    found = []
    for name, at in place.items():
        rest, scale = _PAIRS.get(name, ("", 0))
        if name in STAMPS or name in rests:
            continue
        if rest in rests:
            found.append(Measure(rest, REGISTER, place[rest], at, scale))
        elif name in RULES:
            found.append(Measure(name, RULE, at))
        elif name.rpartition("_")[2] in _UNITS:
            fresh = _FRESH.get(name, 0) if "flags" in place else 0
            found.append(Measure(name, GAUGE, at, fresh=fresh))
        else:
            found.append(Measure(name, CODE, at))
    return tuple(found)


@cache
def registers(energies: tuple[str, ...]) -> dict[str, Callable[[list[int]], int]]:
    """What a row of these energies says of each register that rows have as well, in its unit."""
    place = {name: i for i, name in enumerate(energies)}
    return {name: partial(_register, place[whole], place[rest], scale, by)
            for name, (whole, rest, scale, by) in _ENERGIES.items()
            if {whole, rest} <= place.keys()}


def _register(whole: int, rest: int, scale: int, by: int, row: list[int]) -> int:
    return (row[whole] * scale + row[rest]) // by


PARTS = {GAUGE: ("mean", "min", "max"), REGISTER: ("moved", "last"), CODE: ("last",),
         RULE: ("last",)}
