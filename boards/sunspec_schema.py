"""What a SunSpec profile says beyond any profile: from which models its signals come, the first
that the device has, and by which models it is commanded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from boards.profile_schema import SIGNALS, DeadMan, Profile
from boards.sunspec_models import Model, Spot, models

SHAPES = ("power", "limit")  # of a setpoint: what a battery does, the most a generator may do
MOST_REGISTERS = 125  # of one request, from a model's ID on


@dataclass(frozen=True)
class Choice:
    """One way to read a signal: `text` of the profile; models of one layout, the best first, and
    the points whose sum it is, each with its sign."""

    text: str
    models: tuple[int, ...]
    terms: tuple[tuple[Spot, int], ...]

    @property
    def model(self) -> Model:
        """The layout."""
        return models()[self.models[0]]

    @property
    def count(self) -> int:
        """How many registers from the ID on hold its points and their scale factors."""
        spots = [spot for spot, _ in self.terms]
        spots += [self.model.spots[spot.sf] for spot in spots if spot.sf]
        return max(spot.offset + spot.size for spot in spots)

    def scale(self, signal: str) -> Fraction:
        """Canonical units in one unit of its points."""
        return Fraction(SIGNALS[signal].units[self.terms[0][0].unit])


@dataclass(frozen=True)
class Steering:
    """How a setpoint is made in one model. Steps are (point, raw value); `arm` goes before each
    setpoint, `on` after it."""

    model: int
    shape: str
    write: str
    percent_of: tuple[str, ...]  # "model.point" in W, the first there is; none: the point is in W
    opposite: str  # the next register, which holds the setpoint with the other sign; "": none
    sign: str  # in which direction it is positive
    enter: tuple[tuple[str, int], ...]
    arm: tuple[tuple[str, int], ...]
    on: tuple[tuple[str, int], ...]
    leave: tuple[tuple[str, int], ...]
    optional: tuple[str, ...]  # points whose step is left out where they are not implemented
    refresh_s: int
    dead_man: DeadMan | None


@dataclass(frozen=True)
class SunspecProfile(Profile):
    """One kind of SunSpec device. `points` are the first choice's, offsets in place of addresses;
    `slow` names signals."""

    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    steering: tuple[Steering, ...] = ()


def choice(text: str) -> Choice | None:
    """Read "103/102/101.W" or "160.DCW[4] - 160.DCW[3]"; None for anything else."""
    turned = text.startswith("-")
    words = text.removeprefix("-").replace(" - ", " + -").split(" + ")
    numbers: list[str] = []
    terms = []
    for word in words:
        ids, dot, name = word.removeprefix("-").partition(".")
        if not dot or not all(part.isdecimal() and int(part) in models()
                              for part in ids.split("/")):
            return None
        layouts = [models()[int(part)] for part in ids.split("/")]
        spot = layouts[0].spot(name)
        if spot is None or not spot.kind or spot.is_sf \
                or any(layout.spot(name) != spot for layout in layouts):
            return None
        numbers.append(ids)
        terms.append((spot, -1 if word.startswith("-") != turned else 1))
    if len(set(numbers)) != 1 or len({spot.unit for spot, _ in terms}) != 1:
        return None
    return Choice(text, tuple(int(part) for part in numbers[0].split("/")), tuple(terms))
