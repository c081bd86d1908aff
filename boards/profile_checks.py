"""What must hold between the parts of a device profile, beyond each value being of its kind."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from boards.profile_control_checks import check_control
from boards.profile_schema import (
    CLASSES,
    MEDIUM,
    SIGNALS,
    WRITE_CODES,
    Canonical,
    Point,
    Profile,
    registers,
    signal_terms,
)
from boards.shapes import Findings, one_of


def check(findings: Findings, profile: Profile) -> None:
    """Add a line for every contradiction in the profile."""
    if profile.rtu is None and profile.tcp is None:
        findings.add("link", None, "an rtu table, a tcp table or both")
    must = CLASSES.get(profile.kind)
    if must and must not in profile.signals:
        findings.add(f"signals.{must}", None, f"its point: every {profile.kind} has it")
    if profile.kind == "medium" and not set(MEDIUM) & set(profile.signals):
        findings.add("signals", None, f"one of {' '.join(MEDIUM)}")
    _check_places(findings, profile)
    _check_powers(findings, profile)
    for signal in profile.signals:
        _check_signal(findings, profile, signal)
    for name in profile.sign:
        if name not in profile.points and name not in profile.writes:
            findings.unknown(f"sign.{name}", name, [*profile.points, *profile.writes])
    _check_pace(findings, profile)
    if profile.control:
        check_control(findings, profile, profile.control)


def in_hole(profile: Profile, fc: int, start: int, end: int) -> bool:
    """Whether a read of the registers start .. end - 1 would cross one that the device refuses."""
    return any(code == fc and first < end and start < first + count
               for code, first, count in profile.holes)


def _check_places(findings: Findings, profile: Profile) -> None:
    """No two points share a register, and each fits the address space and one request."""
    for key, points in (("points", profile.points), ("writes", profile.writes)):
        meant = [point for point in points.values() if point.name not in findings.spoiled]
        meant.sort(key=lambda point: (point.fc if key == "points" else 0, point.addr))
        for point, following in pairwise(meant):
            apart = key == "points" and point.fc != following.fc
            bits = point.kind == following.kind == "bit"
            if not apart and not bits and following.addr < point.end():
                findings.add(f"{key}.{following.name} address", following.addr,
                             f"{point.end()} or more: {point.name} is there")
        for point in meant:
            if point.end() > 0x10000:
                findings.add(f"{key}.{point.name} address", point.addr, "an end below 65536")
            if registers(point.kind) > profile.max_regs:
                findings.add(f"{key}.{point.name} type", point.kind,
                             f"a type within link.max_regs = {profile.max_regs}")
            if point.fc == WRITE_CODES[0] and registers(point.kind) > 1:
                findings.add(f"{key}.{point.name} type", point.kind,
                             f"a type of one register, as function code {point.fc} writes")
    for key, areas in (("areas", profile.areas), ("holes", profile.holes)):
        for _, start, count in areas:
            if start + count > 0x10000 or count == 0:
                findings.add(key, (start, count), "a start and a count within 65536 registers")
    for point in profile.points.values():
        if in_hole(profile, point.fc, point.addr, point.end()):
            findings.add(f"points.{point.name} address", point.addr, "registers outside of holes")


def _check_powers(findings: Findings, profile: Profile) -> None:
    """A scale factor is a plain i16 of unit sf that comes in the same reading as its value."""
    for point in profile.points.values():
        if not point.power:
            continue
        key = f"points.{point.name} scale"
        power = profile.points.get(point.power)
        if power is None:
            findings.add(key, point.power, one_of(profile.points, point.power))
        elif (power.kind, power.unit, power.power, power.fc) != ("i16", "sf", "", point.fc):
            findings.add(key, point.power, f'a point [{point.fc}, address, "i16", 1, "sf"]')
        elif max(point.end(), power.end()) - min(point.addr, power.addr) > profile.max_regs:
            findings.add(key, point.power, f"a point within {profile.max_regs} registers")
        elif in_hole(profile, point.fc, min(point.addr, power.addr), max(point.end(), power.end())):
            findings.add(key, point.power, "a point with no hole in between")


def _check_signal(findings: Findings, profile: Profile, signal: str) -> None:
    key = f"signals.{signal}"
    terms = signal_terms(profile.signals[signal])
    for name, turned in terms:
        if name not in profile.points:
            findings.add(key, name, one_of(profile.points, name))
            return
        _check_term(findings, profile, signal, name, turned, alone=len(terms) == 1)
    if len(terms) > 1:
        _check_sum(findings, profile, key, [profile.points[name] for name, _ in terms])


def _check_term(findings: Findings, profile: Profile, signal: str, name: str, turned: bool, *,
                alone: bool) -> None:
    key = f"signals.{signal}"
    direction = _check_quantity(findings, profile, profile.points[name], SIGNALS[signal])
    signs = SIGNALS[signal].signs
    if not signs and turned and alone:
        findings.add(key, f"-{name}", f'"{name}": this signal has no direction')
    if direction and (direction == signs[1]) != turned:
        right = name if turned else f"-{name}"
        findings.add(key, profile.signals[signal], f'"{right}", as sign.{name} = "{direction}"')


def _check_sum(findings: Findings, profile: Profile, key: str, points: list[Point]) -> None:
    """What is summed up comes from one reading, and so at one pace."""
    start, end = min(point.addr for point in points), max(point.end() for point in points)
    if len({point.fc for point in points}) > 1 or end - start > profile.max_regs or any(
            point.power for point in points) or in_hole(profile, points[0].fc, start, end):
        findings.add(key, profile.signals[key.removeprefix("signals.")],
                     f"points that one request of {profile.max_regs} registers reads")
    if len({point.name in profile.slow for point in points}) > 1:
        findings.add(key, profile.signals[key.removeprefix("signals.")],
                     "points that are all slow, or none")


def _check_quantity(findings: Findings, profile: Profile, point: Point, canonical: Canonical
                    ) -> str:
    """The unit can be converted, the direction is declared; return the direction ("" if none)."""
    if point.name in findings.spoiled:
        return ""
    if point.unit not in canonical.units:
        findings.add(f"points.{point.name} unit", point.unit, one_of(canonical.units))
    if not canonical.signs:
        return ""
    direction = profile.sign.get(point.name)
    if direction not in canonical.signs:
        findings.add(f"sign.{point.name}", direction, one_of(canonical.signs))
        return ""
    return direction


def _check_known(findings: Findings, key: str, names: Iterable[str], points: Mapping[str, Point]
                 ) -> None:
    for name in names:
        if name not in points:
            findings.add(key, name, one_of(points, name))


def _check_pace(findings: Findings, profile: Profile) -> None:
    """Slow and watched points exist, and nothing slow is asked to prove that the device lives."""
    _check_known(findings, "slow.points", profile.slow, profile.points)
    _check_known(findings, "frozen.watch", profile.watch, profile.points)
    if profile.frozen_s and not profile.watch:
        findings.add("frozen.watch", None, "points that never stand still for frozen.after_s")
    for name in profile.watch:
        if name in profile.slow:
            findings.add("frozen.watch", name, "a point that is not in slow.points")
