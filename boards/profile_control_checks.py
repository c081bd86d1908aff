"""What must hold in a profile's [control], shape by shape."""

from collections.abc import Iterable, Mapping, Sequence

from boards.profile_control import Step
from boards.profile_schema import CURRENT, SETPOINT, TYPES, Control, Point, Profile, registers
from boards.shapes import Findings, one_of

_MOST_WORDS = 8  # what a frame of edge/wire/modbus.py has room for
_FIELDS = {  # which keys a shape has beside those that all have; the first ones are needed
    "signed": (("write",), ("together",)),
    "coils": (("write",), ()),
    "current": (("write", "min_a", "asks"), ("failsafe",)),
    "percent": (("write",), ("together", "rated_w")),
    "mode": (("idle", "charge", "discharge"), ()),
    "slots": (("slot", "clock", "window_min", "nv_per_day"), ("rated_w",)),
}
_OF_ONE_SHAPE = ("write", "together", "rated_w", "idle", "charge", "discharge", "slot", "clock",
                 "window_min", "min_a", "asks", "failsafe")


def check_control(findings: Findings, profile: Profile, control: Control) -> None:
    """Add a line for every contradiction in [control]."""
    needed, allowed = _FIELDS[control.shape]
    for key in needed:
        if not getattr(control, key):
            findings.add(f"control.{key}", None, f'a value: shape "{control.shape}" needs it')
    for key in _OF_ONE_SHAPE:
        if getattr(control, key) and key not in needed and key not in allowed:
            findings.add(f"control.{key}", getattr(control, key),
                         f'nothing: shape "{control.shape}" has none')
    paths = {f"control.{key}": getattr(control, key) for key in
             ("enter", "leave", "together", "idle", "charge", "discharge", "beat")}
    for key, steps in paths.items():
        _check_steps(findings, profile, key, steps)
    _check_timer(findings, profile, control)
    if control.limits and (len(control.limits) != 2 or not _known(
            findings, "control.limits", control.limits, profile.points)):
        findings.add("control.limits", control.limits, "two points: most charge, most discharge")
    if any(line.split(": ")[1].startswith("control.") for line in findings.lines):
        return
    own = {"mode": _check_mode, "slots": _check_slots, "current": _check_current}
    own.get(control.shape, _check_signed)(findings, profile, control)


def _check_signed(findings: Findings, profile: Profile, control: Control) -> None:
    if not _known(findings, "control.write", [control.write], profile.writes):
        return
    write = profile.writes[control.write]
    _check_power(findings, profile, write, control)
    if write.kind.startswith("f"):
        findings.add(f"writes.{write.name} type", write.kind, "a whole-number type for a setpoint")
    if control.readback and _known(findings, "control.readback", [control.readback],
                                   profile.points):
        _check_power(findings, profile, profile.points[control.readback], control)
    if control.together:
        _check_side_by_side(findings, "control.together",
                            [write, *(profile.writes[name] for name, _ in control.together)])


def _check_power(findings: Findings, profile: Profile, point: Point, control: Control) -> None:
    if point.name in findings.spoiled:
        return
    if control.shape == "coils":
        if point.kind != "u16" and point.name == control.write:
            findings.add(f"writes.{point.name} type", point.kind, "u16 for relays, one bit each")
        return
    units = {"percent": ("%",), "current": tuple(CURRENT.units)}.get(
        control.shape, tuple(SETPOINT.units))
    if point.unit not in units:
        findings.add(f"points.{point.name} unit", point.unit, one_of(units))
    if control.shape == "current":
        return
    if profile.sign.get(point.name) not in SETPOINT.signs:
        findings.add(f"sign.{point.name}", profile.sign.get(point.name), one_of(SETPOINT.signs))


def _check_current(findings: Findings, profile: Profile, control: Control) -> None:
    """A limit in one write, with enter and leave sequences of single registers and no heartbeat:
    what edge/devices/charger.py executes."""
    _check_signed(findings, profile, control)
    names = [name for name, _ in (*control.enter, *control.leave)]
    if control.failsafe and _known(findings, "control.failsafe", [control.failsafe],
                                   profile.writes):
        names.append(control.failsafe)
        _check_power(findings, profile, profile.writes[control.failsafe], control)
    for name in names:
        if registers(profile.writes[name].kind) > 1:
            findings.add(f"writes.{name} type", profile.writes[name].kind, "a type of one register")
    for key in ("beat", "limits", "nv_per_day"):
        if getattr(control, key):
            findings.add(f"control.{key}", getattr(control, key), "nothing: a charger has none")
    if 0 in control.asks:
        findings.add("control.asks", control.asks, "values other than 0")


def _check_mode(findings: Findings, profile: Profile, control: Control) -> None:
    """Each way ends with the mode, so that a magnitude never runs in another one's direction."""
    ways = {"charge": control.charge, "discharge": control.discharge}
    mode, idle = control.idle[-1]
    found = []
    for key, path in ways.items():
        amounts = [name for name, value in path if value is None]
        if len(amounts) != 1 or path[-1][0] != mode or path[-1][1] is None or (
                path[-1][1] == idle and (amounts[0], 0) not in control.idle):
            findings.add(f"control.{key}", path, f'the power by its name alone, and at last ["'
                         f'{mode}", a value other than {idle}], unless control.idle has 0 W of it')
            return
        found.append(profile.writes[amounts[0]])
    one, other = found
    if control.charge[-1] == control.discharge[-1]:
        findings.add("control.charge", control.charge[-1], "another value than in discharge")
    for point in found:
        if (point.unit, TYPES[point.kind][1]) != ("W", 0):
            findings.add(f"writes.{point.name}", point.kind, "a type without a sign, in W")
    if (one.kind, one.scale) != (other.kind, other.scale):
        findings.add("control.discharge", other.name, f"one of the type and scale of {one.name}")
    if control.readback and (control.readback != "writes" or one != other or registers(
            one.kind) != 1 or one.addr != profile.writes[mode].addr + 1):
        findings.add("control.readback", control.readback,
                     '"writes", where one register of power follows the mode; or nothing')


def _check_slots(findings: Findings, profile: Profile, control: Control) -> None:
    if not (_known(findings, "control.slot", control.slot, profile.writes)
            & _known(findings, "control.clock", control.clock, profile.points)):
        return
    if len(control.slot) != 3 or len(control.clock) != 2:
        findings.add("control.slot", control.slot, "start, end and on, and a clock of hour, minute")
        return
    _check_side_by_side(findings, "control.slot", [profile.writes[name] for name in control.slot])
    if control.readback:
        _known(findings, "control.readback", [control.readback], profile.points)


def _check_side_by_side(findings: Findings, key: str, points: Sequence[Point]) -> None:
    """One request writes them all: function code 16, no hole, no more than fits."""
    points = sorted(points, key=lambda point: point.addr)
    words = sum(registers(point.kind) for point in points)
    if any(point.fc != 16 for point in points) or words > _MOST_WORDS \
            or points[-1].end() - points[0].addr != words:
        findings.add(key, [point.name for point in points],
                     f"points side by side that function code 16 writes, {_MOST_WORDS} registers")


def _check_steps(findings: Findings, profile: Profile, key: str, steps: Iterable[Step]) -> None:
    steps = tuple(steps)
    _known(findings, key, [name for name, _ in steps], profile.writes)
    for name, value in steps:
        if name in profile.writes and value is not None and not _fits(profile.writes[name], value):
            findings.add(key, (name, value), f"a value that fits {name}")


def _check_timer(findings: Findings, profile: Profile, control: Control) -> None:
    timer = control.dead_man
    if (control.beat_s > 0) != bool(control.beat):
        findings.add("control.heartbeat", control.beat_s, "every_s and write, or neither")
    if timer is None:
        return
    if timer.register:
        _known(findings, "control.dead_man.register", [timer.register], profile.writes)
    if (timer.fed_by == "none") != (timer.timeout_s == 0):
        findings.add("control.dead_man.timeout_s", timer.timeout_s,
                     'a time, or 0 with fed_by = "none"')
        return
    fed_s = control.beat_s if timer.fed_by == "heartbeat" else control.refresh_s
    key = "control.heartbeat.every_s" if timer.fed_by == "heartbeat" else "control.refresh_s"
    if timer.timeout_s and (fed_s * 2 > timer.timeout_s or fed_s == 0):
        findings.add(key, fed_s,
                     f"at most half of control.dead_man.timeout_s = {timer.timeout_s}")


def _known(findings: Findings, key: str, names: Iterable[str], points: Mapping[str, Point]) -> bool:
    strange = [name for name in names if name not in points]
    for name in strange:
        findings.add(key, name, one_of(points, name))
    return not strange


def _fits(point: Point, value: int) -> bool:
    """Whether an engineering value is exactly one raw value of a whole-number type."""
    raw = value / point.scale
    _, low, high = TYPES[point.kind]
    return raw.denominator == 1 and low <= raw <= high and not point.kind.startswith("f")
