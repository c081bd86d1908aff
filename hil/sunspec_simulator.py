"""A simulated SunSpec device: a profile's models laid out as one device has them.

What the gateway has to find out (where the models lie, and in which scale) is decided here; behind
that it is the simulator of any device (hil/device_simulator.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction

from boards.profile_schema import SIGNALS, Control, DeadMan, Point, Profile
from boards.registers import to_words
from boards.sunspec_models import HEAD, Model, Spot, models
from boards.sunspec_schema import Choice, Steering, SunspecProfile
from hil.device_simulator import DeviceSimulator, Values

_FC, _WRITE, _WRITE_ONE = 3, 16, 6
_SUNS = (0x5375, 0x6E53)
_END = 0xFFFF
_MODULES = 4  # of a group that comes as often as fits
_LIMIT_UNITS = {"%": -2, "W": 0}  # the scale factor of a setpoint in this unit


@dataclass(frozen=True)
class Layout:
    """Where the models of one device lie: the first at `base` + 2, one behind the other."""

    base: int
    chain: tuple[int, ...]
    power: int | None = None  # scale factor of the setpoint; None: a usual one

    def places(self) -> Iterator[tuple[Model, int]]:
        """Each model and its address. A model that comes twice lies in both places."""
        at = self.base + len(_SUNS)
        for number in self.chain:
            yield models()[number], at
            at += HEAD + _length(models()[number])

    def end(self) -> int:
        """Where the chain ends."""
        return self.base + len(_SUNS) + sum(HEAD + _length(model) for model, _ in self.places())


def usual(profile: SunspecProfile, base: int = 40000) -> Layout:
    """A device with the best model for everything that the profile reads and writes."""
    wanted = [choices[0].models[0] for choices in profile.choices.values()]
    if profile.steering:
        first = profile.steering[0]
        wanted += [int(text.partition(".")[0]) for text in first.percent_of[:1]] + [first.model]
    return Layout(base, tuple(dict.fromkeys([1, *wanted])))


class SunspecSimulator(DeviceSimulator):
    """A device of a SunSpec profile on a bus; arguments as of DeviceSimulator. `rated_w` is what
    its per cents are of, and `layout` where its models lie."""

    def __init__(self, profile: Profile, values: Callable[[], Values],
                 on_write: Callable[[str, int], None], unit: int = 1, *, seed: int = 0,
                 layout: Layout | None = None, rated_w: int = 100_000) -> None:
        assert isinstance(profile, SunspecProfile), "its own module reads a profile"
        layout = layout or usual(profile)
        steering = _steering(profile, layout)
        power = _setpoint_power(steering, layout) if steering else 0
        laid = _laid_out(profile, layout, steering, rated_w, power)
        given = _given(profile, layout, steering, rated_w, power)

        def told(name: str, value: int) -> None:
            model, _, point = name.partition(".")
            on_write(point if steering and int(model) == steering.model else name, value)

        super().__init__(laid, lambda: given(values()), told, unit, seed=seed)
        for point in laid.writes.values():
            self._written.update(enumerate(to_words(point.kind, 0), point.addr))

    def write(self, fc: int, addr: int, words: list[int]) -> bool:
        """Take a write; a single register may come with either function code."""
        return super().write(_WRITE if fc == _WRITE_ONE else fc, addr, words)


def _length(model: Model) -> int:
    return model.length + model.stride * _MODULES


def _spots(model: Model) -> Iterator[Spot]:
    yield from model.spots.values()
    for number in range(1, _MODULES + 1):
        for name in model.repeat:
            spot = model.spot(f"{name}[{number}]")
            assert spot is not None, "its name is in the table"
            yield spot


def _choice(choices: Sequence[Choice], chain: Sequence[int]) -> tuple[Choice, int] | None:
    """The first choice of a signal that a device has, and its model."""
    for one in choices:
        for model in one.models:
            if model in chain:
                return one, model
    return None


def _steering(profile: SunspecProfile, layout: Layout) -> Steering | None:
    for one in profile.steering:
        bases = [int(text.partition(".")[0]) for text in one.percent_of]
        if one.model in layout.chain and (not bases or any(base in layout.chain for base in bases)):
            return one
    return None


def _setpoint_power(steering: Steering, layout: Layout) -> int:
    spot = models()[steering.model].spots[steering.write]
    return _LIMIT_UNITS[spot.unit] if layout.power is None else layout.power


def _laid_out(profile: SunspecProfile, layout: Layout, steering: Steering | None, rated_w: int,
              power: int) -> Profile:
    """The Modbus profile of this very device: registers in place of models."""
    points: dict[str, Point] = {}
    fixed = [(_FC, layout.base + at, word) for at, word in enumerate(_SUNS)]
    fixed += [(_FC, layout.end(), _END), (_FC, layout.end() + 1, 0)]
    places: dict[int, int] = {}
    for model, at in layout.places():
        fixed += [(_FC, at, model.id), (_FC, at + 1, _length(model))]
        if model.id not in places:
            places[model.id] = at
            points |= {f"{model.id}.{spot.name}": _point(model, spot, at)
                       for spot in _spots(model) if spot.kind}
    signals = {}
    for signal, choices in profile.choices.items():
        found = _choice(choices, layout.chain)
        if found and len(found[0].terms) == 1:
            turned = "-" if found[0].terms[0][1] < 0 else ""
            signals[signal] = f"{turned}{found[1]}.{found[0].terms[0][0].name}"
    writes, control = {}, None
    if steering:
        writes = _writes(steering, places[steering.model], rated_w, power)
        timer = steering.dead_man
        control = Control(
            "signed", f"{steering.model}.{steering.write}", "", steering.refresh_s, (), (),
            DeadMan(f"{steering.model}.{timer.register}", timer.timeout_s, timer.fed_by)
            if timer else None)
    sign = {f"{steering.model}.{steering.write}": steering.sign} if steering else {}
    same = {part.name: getattr(profile, part.name) for part in fields(Profile)}
    return Profile(**same | {
        "points": points, "writes": writes, "sign": sign, "signals": signals, "slow": (),
        "areas": ((_FC, layout.base, layout.end() + 2 - layout.base),), "constants": tuple(fixed),
        "control": control, "proto": "modbus"})


def _point(model: Model, spot: Spot, at: int) -> Point:
    sf = f"{model.id}.{spot.sf}" if spot.sf else ""
    return Point(f"{model.id}.{spot.name}", _FC, at + spot.offset, spot.kind, Fraction(1),
                 "sf" if spot.is_sf else spot.unit, sf, spot.na)


def _writes(steering: Steering, at: int, rated_w: int, power: int) -> dict[str, Point]:
    model = models()[steering.model]
    names = [name for part in (steering.enter, steering.arm, steering.on, steering.leave)
             for name, _ in part]
    names += [steering.write] + ([steering.opposite] if steering.opposite else [])
    writes = {}
    for name in dict.fromkeys(names):
        spot = model.spots[name]
        scale, unit = Fraction(1), spot.unit
        if name == steering.write:
            scale = Fraction(10) ** power * (Fraction(rated_w, 100) if spot.unit == "%" else 1)
            unit = "W"
        writes[f"{steering.model}.{name}"] = Point(f"{steering.model}.{name}", _WRITE,
                                                   at + spot.offset, spot.kind, scale, unit)
    return writes


def _given(profile: SunspecProfile, layout: Layout, steering: Steering | None, rated_w: int,
           power: int) -> Callable[[Values], Values]:
    """What the device shows beside what its plant says: ratings, the scale of its setpoint, and
    the parts of what is read as a sum."""
    always: dict[str, int | Fraction] = {}
    if steering:
        sf = models()[steering.model].spots[steering.write].sf
        always[f"{steering.model}.{sf}"] = power
        always |= dict.fromkeys(steering.percent_of, rated_w)
    for choices in profile.choices.values():
        shown_by = _choice(choices, layout.chain)
        if shown_by and shown_by[0].terms[0][0].unit == "%":
            always[f"{shown_by[1]}.{shown_by[0].terms[0][0].sf}"] = -1
    sums = {signal: found for signal, choices in profile.choices.items()
            if (found := _choice(choices, layout.chain)) and len(found[0].terms) > 1}

    def given(values: Values) -> Mapping[str, int | Fraction]:
        shown = always | dict(values)
        for signal, (one, model) in sums.items():
            if signal in values:
                value = Fraction(values[signal], SIGNALS[signal].units[one.terms[0][0].unit])
                shown |= {f"{model}.{spot.name}": 0 for spot, _ in one.terms}
                side = next(spot for spot, sign in one.terms if sign * value >= 0)
                shown[f"{model}.{side.name}"] = abs(value)
        return shown

    return given
