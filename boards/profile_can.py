"""What a profile of a battery management system on CAN says, and how it becomes an image.

    [link]                   # frames come each period_ms; older than stale_ms they are not used
    alive = [0x305, 8, 1000] # a frame it expects to hear: identifier, zero bytes, ms
    [points]                 # identifier, first byte, type, scale, unit; least significant first
    v = [0x356, 0, "i16", 0.01, "V"]
    [range]                  # least and greatest value, in the unit of the point
    [limits]                 # of charge_max_w and discharge_max_w, which are currents in [signals]
    voltage = "v"            # .. is what they are multiplied by
    charge = ["flags", 0x80] # .. a bit without which the limit is 0 W
    stops = ["protection"]   # .. points that make both 0 W while they are not 0
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from boards.profile_schema import CLASSES, SIGNALS, Point, Profile
from boards.shapes import TABLE, TEXT, Findings, choice, list_of, one_of, table, text, whole

BYTES = {"u8": 1, "u16": 2, "i16": 2, "str8": 8}  # edge/wire/can.py reads all but the text
_RAW = {"u8": (0, 0xFF), "u16": (0, 0xFFFF), "i16": (-0x8000, 0x7FFF)}
_DIRECTIONS = {"charge_max_w": "charge", "discharge_max_w": "discharge"}
_SMALL = 1 << 30  # what a gateway computes without its heap lies below
_TOP = {
    "id": TEXT, "vendor": TEXT, "model": TEXT, "class": choice(["bms"]),
    "source": list_of("texts, one for each document that was read", text, needed=True),
    "unverified": list_of("texts", text), "quirks": list_of("texts", text),
    "link": TABLE, "points": TABLE, "range": TABLE, "signals": TABLE, "limits": TABLE,
}
_NUMBER = whole(0, _SMALL).read
_LINK = {"bitrate": whole(10_000, 1_000_000), "period_ms": whole(10, 60_000),
         "stale_ms": whole(100, 600_000), "alive": list_of("identifier, bytes, ms", _NUMBER)}
_LIMITS = {"voltage": TEXT, "charge": list_of("a point and a mask", lambda part: part),
           "discharge": list_of("a point and a mask", lambda part: part),
           "stops": list_of("points", text)}


@dataclass(frozen=True)
class CanProfile(Profile):
    """One model; of its points `fc` is the identifier and `addr` the first byte of the data."""

    bitrate: int = 0
    period_ms: int = 0
    stale_ms: int = 0
    alive: tuple[int, ...] = ()
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # raw numbers
    limits: Mapping[str, Any] = field(default_factory=dict)
    proto: str = "can"
    links: tuple[str, ...] = ("can",)


def read(raw: dict[str, Any], findings: Findings) -> CanProfile:
    """Turn a parsed TOML file, its decimals as Decimal, into a profile."""
    top = table(findings, "", raw, _TOP)
    link = table(findings, "link", top["link"], _LINK)
    points = _points(findings, top["points"])
    return CanProfile(
        id=top["id"], vendor=top["vendor"], model=top["model"], kind=top["class"],
        source=top["source"], unverified=top["unverified"], quirks=top["quirks"], rtu=None,
        tcp=None, max_regs=0, max_gap=0, points=points, writes={}, sign={},
        signals=top["signals"], slow=(), every=1, frozen_s=0, watch=(), areas=(), identity=(),
        constants=(), control=None, bitrate=link["bitrate"], period_ms=link["period_ms"],
        stale_ms=link["stale_ms"], alive=link["alive"],
        ranges=_ranges(findings, top["range"], points),
        limits=table(findings, "limits", top["limits"], _LIMITS))


def _points(findings: Findings, raw: Mapping[str, Any]) -> dict[str, Point]:
    points = {}
    for name, line in raw.items():
        fits = isinstance(line, list) and len(line) == 5 and type(line[0]) is int \
            and 0 <= line[0] < 0x800 and line[2] in BYTES and type(line[1]) is int \
            and 0 <= line[1] <= 8 - BYTES[line[2]] and _positive(line[3]) and text(line[4])
        if fits:
            points[name] = Point(name, line[0], line[1], line[2], Fraction(line[3]), line[4])
        else:
            findings.add(f"points.{name}", line, "[identifier below 0x800, first byte from which "
                         f"it ends within 8, type, scale, unit], the type {one_of(BYTES)}")
            findings.spoiled.add(name)
    return points


def _positive(scale: Any) -> bool:
    exact = type(scale) is int or (isinstance(scale, Decimal) and scale.is_finite())
    return exact and scale > 0


def _ranges(findings: Findings, raw: Mapping[str, Any], points: Mapping[str, Point]
            ) -> dict[str, tuple[int, int]]:
    ranges = {name: _RAW[point.kind] for name, point in points.items() if point.kind in _RAW}
    for name, found in raw.items():
        if name in findings.spoiled:
            continue
        if name not in ranges:
            findings.unknown(f"range.{name}", name, ranges)
        elif not isinstance(found, list) or len(found) != 2 \
                or not all(type(end) is int for end in found) or found[0] > found[1]:
            findings.add(f"range.{name}", found, "[least, greatest], whole numbers")
        else:
            low, high = (int(end / points[name].scale) for end in found)
            ranges[name] = (max(low, ranges[name][0]), min(high, ranges[name][1]))
    return ranges


def check(findings: Findings, profile: CanProfile) -> None:
    """Add a line for every contradiction in the profile."""
    known = {*_DIRECTIONS, CLASSES["bms"]}
    for signal, name in profile.signals.items():
        if signal not in known:
            findings.unknown(f"signals.{signal}", signal, known)
        else:
            units = ("A",) if signal in _DIRECTIONS else tuple(SIGNALS[signal].units)
            _check_point(findings, profile, f"signals.{signal}", name, units)
    if CLASSES["bms"] not in profile.signals:
        findings.add(f"signals.{CLASSES['bms']}", None, "its point: every bms has it")
    if profile.stale_ms < 2 * profile.period_ms:
        findings.add("link.stale_ms", profile.stale_ms,
                     f"at least {2 * profile.period_ms}, two periods")
    if len(profile.alive) != 3 or not (profile.alive[0] < 0x800 and profile.alive[1] <= 8
                                       and profile.alive[2] >= 10):
        findings.add("link.alive", profile.alive, "an identifier below 0x800, up to 8 zero bytes, "
                     "every so many ms from 10 on")
    limits = profile.limits
    _check_point(findings, profile, "limits.voltage", limits["voltage"], ("V",))
    for name in limits["stops"]:
        _check_point(findings, profile, "limits.stops", name, ("bits",))
    for word in _DIRECTIONS.values():
        found = limits[word]
        if len(found) != 2 or type(found[1]) is not int or not 0 < found[1] < 0x10000:
            findings.add(f"limits.{word}", found, "a point and a mask of its bits")
        else:
            _check_point(findings, profile, f"limits.{word}", found[0], ("bits",))
    if not findings.lines:
        _check_products(findings, profile)


def _check_point(findings: Findings, profile: CanProfile, key: str, name: Any,
                 units: Iterable[str]) -> None:
    if isinstance(name, str) and name in findings.spoiled:
        return
    point = profile.points.get(name) if isinstance(name, str) else None
    if point is None or name not in profile.ranges:
        findings.add(key, name, one_of(profile.ranges, name))
    elif point.unit not in units:
        findings.add(f"points.{name} unit", point.unit, one_of(units))


def _check_products(findings: Findings, profile: CanProfile) -> None:
    """No current that is let in times no voltage leaves what a gateway computes with, or is less
    than nothing."""
    voltage = profile.limits["voltage"]
    for signal in profile.signals:
        name = profile.signals[signal]
        factors = [name, voltage] if signal in _DIRECTIONS else [name]
        raw = 1
        for factor in factors:
            low, high = profile.ranges[factor]
            if low < 0:
                findings.add(f"range.{factor}", low, f"at least 0, as {signal} is made of it")
            raw *= high
        if raw * _scale(profile, signal).numerator >= _SMALL:
            findings.add(f"range.{name}", profile.ranges[name][1],
                         f"less: {signal} leaves 30 bits on its way")


def _scale(profile: CanProfile, signal: str) -> Fraction:
    """Canonical units in one raw step, for a limit in one of current times voltage."""
    point = profile.points[profile.signals[signal]]
    if signal in _DIRECTIONS:
        return point.scale * profile.points[profile.limits["voltage"]].scale
    return profile.signal_scale(signal)


def at_site(findings: Findings, key: str, got: Mapping[str, Any], profile: CanProfile
            ) -> tuple[CanProfile, int] | None:
    """The profile of this very system, and its address: 0, as there is one on a bus."""
    for name, usual in (("unit", -1), ("number", ""), ("ct", 1), ("pt", 1)):
        if got[name] != usual:
            findings.add(f"{key}.{name}", got[name], f"none: {profile.id} has no such key")
            return None
    return profile, 0


def compile_device(profile: CanProfile, name: str, bus: int, unit: int, *, poll_ms: int = 1000,
                   min_w: int | None = None, max_w: int | None = None) -> dict[str, Any]:
    """The image of one system, with the frames that its signals need (edge/devices/can_bms.py);
    `poll_ms` says nothing: it speaks when it likes. Raises ValueError when it shall be
    commanded."""
    if min_w is not None or max_w is not None:
        raise ValueError(f"{profile.id}: found limits for a setpoint, expected none: only read")
    limits = profile.limits
    used = list(profile.signals.values())
    bounded = [signal for signal in profile.signals if signal in _DIRECTIONS]
    if bounded:
        used += [limits["voltage"], *limits["stops"]]
        used += [limits[_DIRECTIONS[signal]][0] for signal in bounded]
    names = list(dict.fromkeys(used))
    points = [profile.points[one] for one in names]
    idents = sorted({point.fc for point in points})
    needed = {ident: max(point.addr + BYTES[point.kind] for point in points if point.fc == ident)
              for ident in idents}
    names_of = {point: signal for signal, point in profile.signals.items()}
    at = {one: place for place, one in enumerate(names)}
    return {
        "name": name, "profile": profile.id, "bus": bus, "unit": unit,
        "poll_ms": profile.period_ms, "driver": "can_bms", "control": None,
        "stale_ms": profile.stale_ms,
        "blocks": [[ident, 0, needed[ident], 1] for ident in idents],
        "points": [[names_of.get(point.name, point.name), idents.index(point.fc), point.addr,
                    point.kind, *profile.ranges[point.name]] for point in points],
        "signals": [[signal, at[point], *_ratio(profile, signal)]
                    for signal, point in profile.signals.items() if signal not in _DIRECTIONS],
        "limits": [[signal, at[profile.signals[signal]], at[limits["voltage"]],
                    at[limits[_DIRECTIONS[signal]][0]], limits[_DIRECTIONS[signal]][1],
                    *_ratio(profile, signal)] for signal in bounded],
        "stops": [at[one] for one in limits["stops"]] if bounded else [],
        "alive": [profile.alive[0], [0] * profile.alive[1], profile.alive[2]],
    }


def setup(profile: CanProfile, interface: str) -> str:
    """What whoever installs the machine has to run: the speed is no program's business."""
    return f"ip link set {interface} up type can bitrate {profile.bitrate}"


def _ratio(profile: CanProfile, signal: str) -> tuple[int, int]:
    scale = _scale(profile, signal)
    return scale.numerator, scale.denominator
