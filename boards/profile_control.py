"""How a profile's [control] becomes what a gateway's driver executes.

A plain signed register is executed by edge/devices/lease.py itself. All else is compiled to "paths"
of writes for 0 W, discharge and charge, which edge/devices/steps.py executes:

    signed   one register with a sign; `together`: constants that go in the same request
    percent  the same, in percent of a rated power
    mode     a register says which way (a direction or a mode), another how much
    slots    charging is a window of time that is written ahead (edge/devices/slots.py)
    current  a charger's limit a phase, mA where the others have W (edge/devices/charger.py)
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from boards.profile_schema import TYPES, Control, Point, Profile, registers

DAY_MS = 86_400_000
_NEVER_MS = 1 << 29  # no refresh: no two ticks are ever so far apart
_HUSH_MS = 30_000  # where silence ends nothing, only a pause between two tries
_DAY_END = 23 << 8 | 59
_HOLDING, _WRITE_ONE = 3, 6

Step = tuple[str, int | None]


def compile_control(profile: Profile, min_w: int | None, max_w: int | None
                    ) -> dict[str, Any] | None:
    """The control entry of a device image; None without limits. ValueError for senseless ones."""
    if min_w is None and max_w is None:
        return None
    control = profile.control
    if control is None:
        raise ValueError(f"{profile.id}: found limits for a setpoint, expected none: only read")
    if min_w is None or max_w is None or not min_w <= 0 <= max_w:
        raise ValueError(f"{profile.id}: found limits {min_w} .. {max_w} W, "
                         "expected both, with 0 W between them")
    if control.shape in ("percent", "slots") and not control.rated_w:
        raise ValueError(f"{profile.id}: found no rated power, expected one in the site or profile")
    low_w, high_w = power_range(profile)
    scale = watts(profile)
    image = {
        "shape": "coils" if control.shape == "coils" else "signed",
        **_register(profile, control),
        "num": (1 / scale).numerator, "den": (1 / scale).denominator,
        "min_w": max(min_w, low_w), "max_w": min(max_w, high_w),
        "enter": _plain(profile, control.enter), "leave": _plain(profile, control.leave),
        "refresh_ms": control.refresh_s * 1000,
        "readback": _readback(profile, control),
    }
    if control.dead_man:  # how long the device must hear nothing for its own timer to have bitten
        timed = control.dead_man.timeout_s and not control.slot
        image["quiet_ms"] = control.dead_man.timeout_s * 1500 if timed else _HUSH_MS
    if control.shape == "current":
        image["failsafe_ma"] = min(control.failsafe_ma, image["max_w"])
        image["enter"] = _failsafe(profile, control) + image["enter"]
    if _is_plain(profile, control):
        return image
    return image | _steps(profile, control)


def own_points(profile: Profile) -> list[tuple[str, str, Fraction]]:
    """What the lease itself reads: (label, point, canonical units in a raw step)."""
    control = profile.control
    found: list[tuple[str, str, Fraction]] = []
    if control is None:
        return found
    for label, point in zip(("charge_limit_w", "discharge_limit_w"), control.limits, strict=False):
        found.append((label, point, profile.points[point].scale))
    for point, minutes in zip(control.clock, (60, 1), strict=False):
        found.append(("+clock_min", point, profile.points[point].scale * minutes))
    return found


def watts(profile: Profile) -> Fraction:
    """Watts of discharge in one raw step of the setpoint, signed."""
    control = profile.control
    assert control is not None
    if control.shape == "slots":
        return Fraction(control.rated_w)
    if control.shape == "mode":
        return profile.writes[_magnitude(control.discharge)].scale
    scale = profile.setpoint_scale(control.write)
    return scale * control.rated_w / 100 if control.shape == "percent" else scale


def power_range(profile: Profile) -> tuple[int, int]:
    """The powers that the setpoint can say, W."""
    control = profile.control
    assert control is not None
    scale = watts(profile)
    if control.shape == "slots":
        return -control.rated_w, 0
    if control.shape == "mode":
        ways = [profile.writes[_magnitude(path)] for path in (control.charge, control.discharge)]
        charge, discharge = (min(TYPES[point.kind][2], 0x7FFF_FFFF) for point in ways)
        return -int(charge * scale), int(discharge * scale)
    low, high = sorted(int(raw * scale) for raw in TYPES[profile.writes[control.write].kind][1:])
    return low, high


def _is_plain(profile: Profile, control: Control) -> bool:
    """Whether edge/devices/lease.py does without edge/devices/steps.py."""
    wide = any(registers(profile.writes[name].kind) > 1
               for name, _ in (*control.enter, *control.leave))
    return control.shape in ("signed", "percent", "coils", "current") and not (
        control.together or control.beat or control.limits or control.nv_per_day or wide)


def _register(profile: Profile, control: Control) -> dict[str, Any]:
    """Where a signed setpoint is written; of the other shapes, a number with a sign."""
    if control.shape in ("mode", "slots"):
        return {"fc": 16, "addr": 0, "type": "i32"}
    write = profile.writes[control.write]
    return {"fc": write.fc, "addr": write.addr, "type": write.kind}


def _failsafe(profile: Profile, control: Control) -> list[list[int]]:
    """What tells a charger the limit that it falls to by itself."""
    if not control.failsafe:
        return []
    point = profile.writes[control.failsafe]
    raw = int(control.failsafe_ma / profile.setpoint_scale(control.failsafe))
    return [[point.fc, point.addr, raw]]


def _plain(profile: Profile, steps: Iterable[Step]) -> list[list[int]]:
    points = ((profile.writes[name], value) for name, value in steps)
    return [[point.fc, point.addr, int((value or 0) / point.scale) & 0xFFFF]
            for point, value in points]


def _readback(profile: Profile, control: Control) -> list[Any] | None:
    if not control.readback:
        return None
    if control.shape == "mode":  # the mode and the power behind it, as they were written
        mode, scale = profile.writes[control.idle[-1][0]], watts(profile)
        return [_HOLDING, mode.addr, "u32", scale.numerator, scale.denominator]
    point = profile.points[control.readback]
    if control.shape == "slots":  # whether a window is on
        return [point.fc, point.addr, point.kind, -control.rated_w, 1]
    scale = profile.setpoint_scale(control.readback)
    if control.shape == "percent":
        scale = scale * control.rated_w / 100
    return [point.fc, point.addr, point.kind, scale.numerator, scale.denominator]


# What edge/devices/steps.py executes: requests [function, address, registers, place], where the
# power goes to `place` among the registers, unless that is negative.


def _steps(profile: Profile, control: Control) -> dict[str, Any]:
    enter, leave = _requests(profile, control.enter), _requests(profile, control.leave)
    paths = _paths(profile, control)
    image: dict[str, Any] = {
        "enter": enter, "leave": leave, "paths": paths,
        "beats": _requests(profile, control.beat), "beat_ms": control.beat_s * 1000,
        "stop": 1 if control.shape == "mode" else 0,
    }
    stop = len(paths[0]) if image["stop"] else 0
    image["more"] = stop + max(map(len, paths)) + len(control.beat) - 1  # requests beyond the first
    if control.limits:
        image["limits"] = 1
    if control.shape == "mode":
        image["magnitude"] = profile.writes[_magnitude(control.discharge)].kind
        image["modes"] = [path[-1][1] for path in
                          (control.idle, control.discharge, control.charge)]
    elif control.shape == "slots":
        image["magnitude"] = "u16"
        image["window_min"] = control.window_min
    else:
        image["magnitude"] = profile.writes[control.write].kind
    if control.nv_per_day:  # a bucket that holds one lease: no day sees more than it says
        lease = len(enter) + len(leave) + len(paths[0]) + max(map(len, paths))
        image["nv"] = [DAY_MS // max(control.nv_per_day - lease, 1), lease,
                       len(leave) + len(paths[0])]
        image["refresh_ms"] = _NEVER_MS
    return image


def _paths(profile: Profile, control: Control) -> list[Any]:
    """The writes for 0 W, for discharge and for charge."""
    if control.shape == "mode":
        return [_requests(profile, path)
                for path in (control.idle, control.discharge, control.charge)]
    if control.shape == "slots":
        start = profile.writes[control.slot[0]]
        return [[[start.fc, start.addr, [0, _DAY_END, 0], -1]], [],
                [[start.fc, start.addr, [0, 0, 1], -1]]]
    parts = sorted(((control.write, None), *control.together),
                   key=lambda part: profile.writes[part[0]].addr)
    return [[_request(profile, parts)]] * 3


def _requests(profile: Profile, steps: Iterable[Step]) -> list[list[Any]]:
    return [_request(profile, [step]) for step in steps]


def _request(profile: Profile, parts: Sequence[Step]) -> list[Any]:
    """One request that writes points that lie side by side."""
    first = profile.writes[parts[0][0]]
    words: list[int] = []
    place = -1
    for name, value in parts:
        point = profile.writes[name]
        if value is None:
            place = len(words)
        words += _words(point, value or 0)
    return [first.fc, first.addr, words, place]


def _words(point: Point, value: int) -> list[int]:
    count = registers(point.kind)
    raw = int(value / point.scale)
    words = [raw >> 16 * at & 0xFFFF for at in range(count)]
    return words if point.kind.endswith("s") else words[::-1]


def _magnitude(path: Sequence[Step]) -> str:
    return next(name for name, value in path if value is None)
