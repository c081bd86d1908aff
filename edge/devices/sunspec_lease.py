"""The lease of a SunSpec setpoint: nothing is written before its scale has been read.

The reversion timer is the device's own dead man; the rest is as in edge/devices/lease.py.
"""

from edge.compat import TYPE_CHECKING, const
from edge.devices.lease import ENTERING, FREE, HOLDING, HUSHED, RELEASING, Lease
from edge.ticks import ticks_diff

if TYPE_CHECKING:
    from typing import Any

    from edge.devices.sunspec_setpoint import Setpoint

_QUIET_MS = const(300_000)


class SunspecLease(Lease):
    """The lease of a setpoint whose scale has to be read before it is written. Only 0 W needs no
    scale, so what was once commanded is let go at once."""

    def __init__(self, setpoint: "Setpoint", storage: "Any"):
        control = setpoint.control
        Lease.__init__(self, {"enter": (), "leave": setpoint.leave,
                               "refresh_ms": control["refresh_ms"],
                               "quiet_ms": control.get("quiet_ms", _QUIET_MS)}, storage, setpoint)
        self._learned = False  # since it was last begun
        self._ever = False

    def wants(self, now_ms: int) -> bool:
        """Whether something should be written now."""
        self.watch(now_ms)
        if self._learned or (self._ever and self.state == RELEASING):
            return Lease.wants(self, now_ms)
        return False

    def verify_in(self, now_ms: int) -> int:
        """How long until the setpoint, or first of all its scale, should be read, ms."""
        if self._learned or self._verify or self.state == FREE or self.state == HUSHED:
            return Lease.verify_in(self, now_ms)
        wait_ms = ticks_diff(self._retry_ms, now_ms)
        return wait_ms if self._waiting and wait_ms > 0 else 0

    def compose(self, tx: bytearray, at: int) -> int:
        """Build the write that is wanted; return the index after it."""
        setpoint = self.setpoint
        if self.state == ENTERING:
            return setpoint.put_step(tx, at, self._enter[self._step])
        if self.state == RELEASING:
            if self._step:
                return setpoint.put_step(tx, at, self._leave[self._step - 1])
            self._sent_w = self._sent_raw = 0
            return setpoint.put(tx, at, 0)
        self._raw = None  # until the whole sequence has been taken
        if setpoint.is_value_next():
            self._sent_raw = setpoint.raw(self._wish_w())
            self._sent_w = setpoint.power(self._sent_raw)
        return setpoint.put_part(tx, at, self._sent_raw)

    def written(self, now_ms: int) -> None:
        """The device has acknowledged the write."""
        if self.state != HOLDING or not self.setpoint.next_part():
            Lease.written(self, now_ms)

    def verified(self, held_w: "int | None", now_ms: int) -> None:
        """What was read back, W; None when it could not be read, or when there is more."""
        setpoint = self.setpoint
        if setpoint.more:
            setpoint.more = False
        elif self._learned or self._verify:
            Lease.verified(self, held_w, now_ms)
        elif held_w is None:
            self._strike(now_ms)
        else:
            self._learned = self._ever = True
            self._enter = setpoint.enter
            self._leave = setpoint.leave
            if self.state == ENTERING and not self._enter:
                self.state = HOLDING

    def failed(self, now_ms: int) -> None:
        """The write was refused, or not answered."""
        self.setpoint.begin()
        Lease.failed(self, now_ms)

    def _rest(self, now_ms: int) -> None:
        """A limit is no power to rest from: releasing it would lift it."""
        if not self.setpoint.is_limit():
            Lease._rest(self, now_ms)

    def _start(self, state: int) -> None:
        Lease._start(self, state)
        self.state = state  # also when it is entered by nothing: the scale comes first
        setpoint = self.setpoint
        setpoint.begin()
        if state == ENTERING:
            self._learned = False
            setpoint.forget()
        elif state == RELEASING and setpoint.is_limit():
            self._step = 1  # no limit is no value: it is switched off
