"""A battery that is commanded by windows of time: within one it charges as it can, else it does as
it likes. The window is written ahead by the device's own clock, and ends by itself: that is its
dead-man timer. It is extended when half of it is left, and what writes it is counted, because such
registers are stored for good.
"""

from edge.compat import TYPE_CHECKING, const
from edge.devices.driver import Driver
from edge.devices.shaped import driver as shaped
from edge.devices.steps import Steps

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

_HOLDING = const(3)  # as in edge/devices/lease.py
_LAST = const(1439)  # minute of the day: a window cannot reach past midnight


class Clock:
    """What time the device believes it is: a minute of its day; -1: it has not said so yet."""

    SIGNALS = ("clock_min",)

    def __init__(self) -> None:
        self.minute = -1

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep the time; False when it is none."""
        if not 0 <= value <= _LAST:
            return False
        self.minute = value
        return True


class Slots(Steps):
    """The lease of a storage that charges in windows by the device's `clock`."""

    def __init__(self, control: "Mapping[str, Any]", storage: "Any", clock: Clock):
        Steps.__init__(self, control, storage)
        self._clock = clock
        self._window_min = control["window_min"]
        self._opens = self._closes = 0  # the window that was written last, minutes

    def wants(self, now_ms: int) -> bool:
        """Whether something should be written now."""
        if self.state == _HOLDING and self._raw and self._is_short():
            self._raw = None
        return Steps.wants(self, now_ms)

    def _plan(self, raw: int) -> None:
        Steps._plan(self, raw)
        if raw:
            self._opens = self._clock.minute
            self._closes = min(self._opens + self._window_min, _LAST)
            registers = self._path[-1][2]
            registers[0] = _as_written(self._opens)
            registers[1] = _as_written(self._closes)

    def _may_write(self) -> bool:
        minute = self._clock.minute
        if self.state == _HOLDING and not self._path and not 0 <= minute < _LAST:
            return self._wish_w() == 0 and Steps._may_write(self)
        return Steps._may_write(self)

    def _is_short(self) -> bool:
        """Whether the window should be written anew, and would then last longer."""
        minute = self._clock.minute
        if minute < self._opens:
            return True  # a new day
        return self._closes < _LAST and 2 * (self._closes - minute) <= self._window_min


def _as_written(minute: int) -> int:
    return minute // 60 << 8 | minute % 60


def driver(image: "Mapping[str, Any]", roles: "Sequence[Any]") -> Driver:
    """A device whose image says that it charges in windows."""
    clock = Clock()
    return shaped(image, [clock] + list(roles),
                  lambda control, storage, limits: Slots(control, storage, clock))
