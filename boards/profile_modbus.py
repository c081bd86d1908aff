"""How a Modbus profile becomes the image that a gateway's driver executes.

Only the registers that the profile's signals need are read. Points that lie near each other are
read in one request, because on a serial line a request costs more than a few idle registers:
"N values in M requests" is the figure `Pace` reports.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boards.profile_checks import check, in_hole
from boards.profile_control import compile_control, own_points
from boards.profile_reader import read
from boards.profile_schema import Point, Profile, registers, signal_terms

__all__ = ["check", "compile_device", "read"]  # what profiles.py asks of each protocol

Block = tuple[int, int, int, int]  # function code, first address, count, every n-th poll


@dataclass(frozen=True)
class Plan:
    """Which registers to read, and in which block and at which offset each point then lies."""

    blocks: tuple[Block, ...]
    places: Mapping[str, tuple[int, int]]


def plan(profile: Profile, names: Iterable[str], slow: Iterable[str] = ()) -> Plan:
    """Cover the named points with as few requests as the profile's limits allow."""
    wanted = [profile.points[name] for name in dict.fromkeys(names)]
    paces: dict[tuple[int, int], list[Point]] = {}
    for point in wanted:
        paces.setdefault((profile.every if point.name in slow else 1, point.fc), []).append(point)
    blocks: list[Block] = []
    places = {}
    for (every, fc), points in sorted(paces.items()):
        for start, count, inside in _coalesce(profile, points):
            places.update({point.name: (len(blocks), point.addr - start) for point in inside})
            blocks.append((fc, start, count, every))
    return Plan(tuple(blocks), places)


def _coalesce(profile: Profile, points: Iterable[Point]
              ) -> list[tuple[int, int, list[Point]]]:
    """Join spans in address order while gap and request stay within the limits, across no hole."""
    joined: list[tuple[int, int, list[Point]]] = []
    spans = [(*_span(profile, point), point) for point in points]
    for start, end, point in sorted(spans, key=lambda span: span[:2]):
        if joined:
            first, last, inside = joined[-1]
            near = start - last <= profile.max_gap
            whole = not in_hole(profile, point.fc, first, max(last, end))
            if near and whole and max(last, end) - first <= profile.max_regs:
                joined[-1] = (first, max(last, end), [*inside, point])
                continue
        joined.append((start, end, [point]))
    return [(start, end - start, inside) for start, end, inside in joined]


def _span(profile: Profile, point: Point) -> tuple[int, int]:
    """A point's registers, with those of its scale factor and of what it is summed up with: all
    must come from one reading."""
    names = dict.fromkeys((point.name, *profile.companions(point.name)))
    points = [profile.points[name] for name in names]
    parts = [*points, *(profile.points[one.power] for one in points if one.power)]
    return min(part.addr for part in parts), max(part.end() for part in parts)


def _entry(profile: Profile, plan_: Plan, point: Point, label: str, scale: Fraction) -> list[Any]:
    block, offset = plan_.places[point.name]
    power = -1
    if point.power:
        power = profile.points[point.power].addr - plan_.blocks[block][1]
    num, den = scale.numerator, scale.denominator
    if point.kind == "bit":  # the mask, and what the bit is worth
        num, den = int(point.scale), int(scale / point.scale)
    return [label, block, offset, point.kind, num, den, list(point.na), power]


def compile_device(profile: Profile, name: str, bus: int, unit: int, *, poll_ms: int = 1000,
                   min_w: int | None = None, max_w: int | None = None) -> dict[str, Any]:
    """Compile a profile for one device of a site into plain lists and integers.

    `bus` is the index of the site's bus, `unit` the device's address on it. `min_w` .. `max_w` are
    the site's limits for its setpoint (W, discharge positive; both or none); without them the
    device is only read. Raises ValueError when the limits make no sense for the device.
    """
    wanted = [(signal, *term) for signal, text in profile.signals.items()
              for term in signal_terms(text)]
    watched = profile.watch if profile.frozen_s else ()
    control = compile_control(profile, min_w, max_w)
    own = own_points(profile) if control else []
    plan_ = plan(profile, [*(point for _, point, _ in wanted), *(point for _, point, _ in own),
                           *watched], profile.slow)
    sums = {signal: len(signal_terms(text)) for signal, text in profile.signals.items()
            if len(signal_terms(text)) > 1}
    entries = [_entry(profile, plan_, profile.points[point], f"+{signal}" * (signal in sums)
                      or signal, profile.term_scale(signal, point, turned))
               for signal, point, turned in wanted]
    entries += [_entry(profile, plan_, profile.points[point], label, scale)
                for label, point, scale in own]
    image = {
        "name": name, "profile": profile.id, "bus": bus, "unit": unit, "poll_ms": poll_ms,
        "frozen_ms": profile.frozen_s * 1000,
        "identity": [list(register) for register in profile.identity],
        "blocks": [list(block) for block in plan_.blocks],
        "points": entries,
        "control": control,
    }
    slots = control is not None and "window_min" in control
    if slots:
        sums["clock_min"] = 2
    if sums:
        image["sums"] = [list(pair) for pair in sums.items()]
    if sums or (control is not None and "paths" in control):
        image["driver"] = "slots" if slots else "shaped"
    if profile.kind == "charger":
        image["driver"] = "charger"
        image["asks"] = list(profile.control.asks) if profile.control else [1]
    return image


def compile_all_points(profile: Profile) -> dict[str, Any]:
    """Compile every point of a profile under its own name and in its own unit."""
    plan_ = plan(profile, profile.points)
    return {
        "profile": profile.id,
        "blocks": [list(block) for block in plan_.blocks],
        "points": [_entry(profile, plan_, point, point.name, point.scale)
                   for point in profile.points.values()],
    }


@dataclass(frozen=True)
class Pace:
    """What coalescing buys on a serial line."""

    values: int
    requests: int
    naive_ms: float  # one request a value
    poll_ms: float  # the requests as planned


def pace(profile: Profile, baud: int, turnaround_ms: float = 20.0) -> Pace:
    """Model one poll of all points of a profile at `baud`."""
    blocks = plan(profile, profile.points).blocks
    single = [registers(point.kind) for point in profile.points.values()]
    return Pace(len(single), len(blocks),
                sum(request_ms(count, baud, turnaround_ms) for count in single),
                sum(request_ms(count, baud, turnaround_ms) for _, _, count, _ in blocks))


def request_ms(count: int, baud: int, turnaround_ms: float = 20.0) -> float:
    """Time one read of `count` registers takes on a serial line, ms.

    8 characters out and 5 + 2 * count back, 11 bits each, a silence of 3.5 characters (1.75 ms
    above 19200 baud) before either (Modbus over Serial Line V1.02, 2.5.1.1), and the device's
    turnaround.
    """
    character_ms = 11_000 / baud
    silence_ms = 3.5 * character_ms if baud <= 19200 else 1.75
    return (13 + 2 * count) * character_ms + 2 * silence_ms + turnaround_ms
