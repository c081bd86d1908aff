"""What a simulated device's registers tell it to do, by the [control] of its profile.

Worked out from what the registers hold at a moment, and not from the writes as they come: so a
stale power that a mode makes real, or half of a sequence, does here what it would do in the field.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction

from boards.profile_control import watts
from boards.profile_schema import Control, Point, Profile

Holds = Callable[[str], Fraction]  # write point -> what it holds, in its own unit

_DAY_MIN = 1440
_HOLDING = 3  # function code whose registers may also be written


class Commanded:
    """The commands of one device; `holds` tells what its registers hold."""

    def __init__(self, profile: Profile, control: Control, holds: Holds) -> None:
        self._profile, self._control, self._holds = profile, control, holds
        enter, leave = dict((*control.enter, *control.together)), dict(control.leave)
        paths = {name for name, _ in (*control.idle, *control.charge, *control.discharge)}
        self._gates = {name: value for name, value in enter.items()
                       if leave.get(name, value) != value and name not in paths}
        self.told_by = {control.write, *control.slot, *paths} - {""}

    def power_w(self, minute: int) -> int:
        """The power it is told to give at this minute of its day, discharge positive, W."""
        control = self._control
        if any(self._holds(name) != value for name, value in self._gates.items()):
            return 0
        if control.shape == "slots":
            start, end, on = (int(self._holds(name)) for name in control.slot)
            inside = _minute(start) <= minute % _DAY_MIN < _minute(end)
            return -control.rated_w if on == 1 and inside else 0
        if control.shape == "mode":
            return self._by_mode()
        raw = self._holds(control.write) / self._profile.writes[control.write].scale
        return round(raw * watts(self._profile))

    def release(self) -> dict[str, int]:
        """What the device itself writes when its dead-man timer bites."""
        if self._control.shape == "mode":
            return {name: value for name, value in self._control.idle if value is not None}
        return {self._control.write: 0}

    def feeds(self, point: Point) -> set[str]:
        """What kinds of traffic a write to this point is, as a dead-man timer sees it."""
        kinds = {"any", "write"}
        if point.name in self.told_by:
            kinds.add("setpoint")
        if point.name in dict(self._control.beat):
            kinds.add("heartbeat")
        return kinds

    def _by_mode(self) -> int:
        control = self._control
        for path, sign in ((control.discharge, 1), (control.charge, -1)):
            mode, value = path[-1]
            if self._holds(mode) == value:
                name = next(name for name, amount in path if amount is None)
                return sign * round(self._holds(name))
        return 0


def _minute(written: int) -> int:
    return (written >> 8) * 60 + (written & 0xFF)


def readable(profile: Profile) -> dict[int, set[int]]:
    """The registers each function code reads: known ones, and small gaps between known ones."""
    spans: list[tuple[int, int, int]] = [(point.fc, point.addr, point.end())
                                         for point in profile.points.values()]
    spans += [(fc, start, start + count) for fc, start, count in profile.areas]
    spans += [(fc, addr, addr + 1) for fc, addr, _ in (*profile.identity, *profile.constants)]
    found: dict[int, set[int]] = {}
    last: dict[int, int] = {}
    for fc, start, end in sorted(spans):
        first = last[fc] if start - last.get(fc, -0x10000) <= profile.max_gap else start
        found.setdefault(fc, set()).update(range(first, end))
        last[fc] = max(end, last.get(fc, end))
    for fc, start, count in profile.holes:
        found.get(fc, set()).difference_update(range(start, start + count))
    found.setdefault(_HOLDING, set()).update(_registers(profile.writes.values()))
    return found


def _registers(points: Iterable[Point]) -> set[int]:
    return {at for point in points for at in range(point.addr, point.end())}
