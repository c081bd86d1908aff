"""What an OCPP 1.6 charge point says that it measures, as numbers that can be believed.

MeterValues bring texts, in units that may be left out (OCPP 1.6, 7.43 SampledValue). They are taken
exactly, and not at all where they are no plain number, beyond what the charge point can do, or a
register that goes back: what was known before then grows old.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

# Measurand: units and what one of them is in W, Wh or mA; the first is meant where none is said.
_UNITS = {
    "Power.Active.Import": {"W": 1, "kW": 1000},
    "Energy.Active.Import.Register": {"Wh": 1, "kWh": 1000},
    "Current.Import": {"A": 1000},
}
_NAMES = {"Power.Active.Import": "power_w", "Energy.Active.Import.Register": "energy_wh",
          "Current.Import": "i_ma"}
MEASURANDS = tuple(_UNITS)
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
_OVER = Fraction(5, 4)  # a charger may exceed its rating by so much before it is not believed
_STEP_WH = 100  # and its register leap so far at once
_AHEAD_S = 60  # a clock that is further ahead is wrong

Values = dict[str, int]


@dataclass(frozen=True)
class Rating:
    """What a connector can do: its most current a phase, mA, and the site's phases (1 .. 3) that
    its own L1, L2, L3 are wired to."""

    max_ma: int
    phases: tuple[int, ...]
    volts: int

    @property
    def max_w(self) -> int:
        return self.max_ma * len(self.phases) * self.volts // 1000


def sampled(samples: Iterable[Mapping[str, Any]], rating: Rating) -> tuple[Values, list[str]]:
    """W, Wh and mA of one moment: power_w, energy_wh, i_l1_ma .. by the site's phases; and what
    of it is no plain number."""
    found: dict[tuple[str, str], Fraction] = {}
    wrong = []
    for sample in samples:
        measurand = sample.get("measurand", "Energy.Active.Import.Register")
        units = _UNITS.get(measurand)
        if units is None or sample.get("format") == "SignedData" or sample.get("location") == "EV":
            continue
        unit = units.get(sample.get("unit", next(iter(units))))
        if unit is None or not _NUMBER.fullmatch(sample["value"]):
            wrong.append(_NAMES[measurand])
            continue
        phase = sample.get("phase", "").removesuffix("-N")
        found[_NAMES[measurand], phase] = Fraction(sample["value"]) * unit
    return _by_name(found, rating.phases), wrong


def _by_name(found: Mapping[tuple[str, str], Fraction], phases: tuple[int, ...]) -> Values:
    """A total where one is said, else the sum of all phases; currents phase by phase alone, as
    nobody says what a current without a phase is the sum of."""
    own = [f"L{at + 1}" for at in range(len(phases))]
    values = {}
    for name in ("power_w", "energy_wh"):
        parts = [found[name, phase] for phase in own if (name, phase) in found]
        total = found.get((name, ""))
        if total is not None or len(parts) == len(own):
            values[name] = round(sum(parts, Fraction(0)) if total is None else total)
    for phase, site in zip(own, phases, strict=True):
        current = found.get(("i_ma", phase))
        if current is None and len(phases) == 1:
            current = found.get(("i_ma", ""))
        if current is not None:
            values[f"i_l{site}_ma"] = round(current)
    return values


def age_s(timestamp: str, now: datetime) -> float | None:
    """How old what bears this RFC 3339 stamp is; None for no stamp, or one from the future. A stamp
    without a zone is UTC, as the specification wants it (3.12)."""
    try:
        at = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    age = (now - (at if at.tzinfo else at.replace(tzinfo=UTC))).total_seconds()
    return max(age, 0.0) if age > -_AHEAD_S else None


class Measured:
    """The newest believable values of one connector, each with the second it is of."""

    def __init__(self, rating: Rating) -> None:
        self._rating = rating
        self._values: dict[str, tuple[int, float]] = {}

    def take(self, values: Mapping[str, int], at_s: float) -> list[str]:
        """Keep what is newer and can be; the names of what cannot be."""
        wrong = []
        for name, value in values.items():
            kept = self._values.get(name)
            if kept is not None and at_s < kept[1]:
                continue  # a charge point tells afterwards what it could not tell before
            if self._may_be(name, value, at_s):
                self._values[name] = value, at_s
            else:
                wrong.append(name)
        return wrong

    def since(self, at_s: float) -> Values:
        """What is of this second or newer."""
        return {name: value for name, (value, of_s) in self._values.items() if of_s >= at_s}

    @property
    def energy_wh(self) -> int | None:
        """The register as it was last believed, however old."""
        kept = self._values.get("energy_wh")
        return kept[0] if kept else None

    def restarted(self) -> None:
        """It has booted: its register may begin anew."""
        self._values.pop("energy_wh", None)

    def _may_be(self, name: str, value: int, at_s: float) -> bool:
        if name != "energy_wh":
            most = self._rating.max_w if name == "power_w" else self._rating.max_ma
            return 0 <= value <= most * _OVER
        kept = self._values.get(name)
        if kept is None:
            return 0 <= value < 0xFFFF_FFFF
        most_wh = self._rating.max_w * _OVER * Fraction(at_s - kept[1]) / 3600 + _STEP_WH
        return 0 <= value - kept[0] <= most_wh
