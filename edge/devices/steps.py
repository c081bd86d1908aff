"""A lease whose setpoint takes several writes: a mode beside a power, or several registers at once.

The image has a path of requests for 0 W, one for discharge and one for charge; each ends with what
says which way, so that until then nothing has changed. Where a power would run in the other
direction, or nobody knows what the device holds, the path for 0 W comes first. So between any two
writes the device does what it did, what it shall do, or nothing, and no read of ours comes between
them. A path that fails is begun anew, with 0 W.

A request is [function, address, registers, place]: the power goes to `place` among the registers,
unless that is negative.

While the lease lives a heartbeat is written every `beat_ms`, where the device has one, and never
after: the device's own timer then bites. What a device stores for good it is told on change only,
and no more often than it bears: each write is earned in `nv[0]` ms, and kept until there are
`nv[1]`, a whole lease; a new command leaves `nv[2]` for its end. A start earns before it
commands, since nobody knows what was written before it, and reads before it releases.
"""

from edge.compat import TYPE_CHECKING, const
from edge.devices.decode import split
from edge.devices.lease import RELEASING, Lease
from edge.devices.setpoint_mode import ModeSetpoint
from edge.ticks import ticks_diff
from edge.wire.modbus import WRITE_REGISTERS, put_write, put_write_registers

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

_ENTERING = const(2)  # states as in edge/devices/lease.py, folded into the bytecode
_HOLDING = const(3)
_UNKNOWN = const(3)  # which of the paths the device is on
_CHARGE = const(2)
_DISCHARGE = const(1)


class Steps(Lease):
    """The lease of one storage in one device, as edge/devices/lease.py has it; `limits` is where
    the device's own limits come in, None where it has none."""

    def __init__(self, control: "Mapping[str, Any]", storage: "Any", limits: "Any" = None):
        Lease.__init__(self, control, storage)
        if "modes" in control:
            self.setpoint = ModeSetpoint(control)
        self._limits = limits
        self._paths = control["paths"]
        self._kind = control["magnitude"]
        self._stops = control["stop"]  # 0: a number with its sign needs no 0 W between
        self._way = _UNKNOWN
        self._path: Any = ()  # what is being written,
        self._at = 0  # and how far that has come
        self._beats = control["beats"]
        self._beat_ms = control["beat_ms"]
        self._beat_at = 0
        self._beating = self._beaten = False
        self._beaten_ms = 0
        self._nv: Any = control.get("nv")
        self._earned_ms = 0
        self._earned_at_ms: int | None = None

    # What the driver asks.

    def wants(self, now_ms: int) -> bool:
        """Whether something should be written now."""
        if self._nv:
            self._earn(now_ms)
        wanted = Lease.wants(self, now_ms) and self._may_write()
        self._beating = False
        if not wanted and self._beats and self.state == _HOLDING and not self._waiting:
            self._beating = not self._beaten or self._beat_at > 0 \
                or ticks_diff(now_ms, self._beaten_ms) >= self._beat_ms
        return wanted or self._beating

    def compose(self, tx: bytearray, at: int) -> int:
        """Build the write that is wanted; return the index after it."""
        if self._nv:
            self._earned_ms = max(0, self._earned_ms - self._nv[0])
        if self._beating:
            return self._put(tx, at, self._beats[self._beat_at])
        if self.state == _ENTERING:
            return self._put(tx, at, self._enter[self._step])
        if self.state == RELEASING and self._step:
            return self._put(tx, at, self._leave[self._step - 1])
        if not self._path:
            self._plan(self.setpoint.raw(self._wish_w()) if self.state == _HOLDING else 0)
        return self._put(tx, at, self._path[self._at])

    # What the driver reports.

    def written(self, now_ms: int) -> None:
        """The device has acknowledged the write."""
        if self._beating:
            self._beat_at = (self._beat_at + 1) % len(self._beats)
            self._beaten = True
            self._beaten_ms = now_ms
            return
        if self._path:
            self._at += 1
            if self._at < len(self._path):
                return
            self._path = ()
            self._way = _way_of(self._sent_raw)
        Lease.written(self, now_ms)

    def failed(self, now_ms: int) -> None:
        """The write was refused, or not answered: it may have been done."""
        self._forget()
        Lease.failed(self, now_ms)
        self._look_first(self._retry_ms)

    def verified(self, held_w: "int | None", now_ms: int) -> None:
        """The setpoint read back from the device, W; None when it could not be read."""
        Lease.verified(self, held_w, now_ms)
        if held_w is None:
            self._look_first(self._retry_ms)

    def lost(self) -> None:
        """The device was away: it may have restarted, or another may stand in its place."""
        if self._limits is not None:
            self._limits.charge_w = self._limits.discharge_w = -1
        Lease.lost(self)

    # How it goes on.

    def _start(self, state: int) -> None:
        self._forget()
        self._beaten = False
        self._beat_at = 0
        Lease._start(self, state)
        self._look_first(self._earned_at_ms or 0)

    def _rest(self, now_ms: int) -> None:
        """Of several writes nobody knows which were heard: one try, and then silence."""
        if len(self._paths[0]) == 1:
            Lease._rest(self, now_ms)
        elif self._strikes:
            self._hush(now_ms)
            self._stubborn = True

    def _look_first(self, at_ms: int) -> None:
        """What is stored for good is read before it is released: it may be so already."""
        if self._nv and self.state == RELEASING and self._step == 0 \
                and self.setpoint.can_read_back:
            self._sent_raw = self._sent_w = 0
            self._verify = True
            self._verify_ms = at_ms

    def _forget(self) -> None:
        self._path = ()
        self._way = _UNKNOWN

    def _plan(self, raw: int) -> None:
        """Choose the writes that lead to a power."""
        way = _way_of(raw)
        path = self._paths[way]
        if self._stops and way and self._way and way != self._way:
            path = self._paths[0] + path
        self._sent_raw = raw
        self._sent_w = self.setpoint.power(raw)
        self._raw = None  # until all is written the device holds neither, and none looks
        self._verify = False
        self._way = _UNKNOWN
        self._path = path
        self._at = 0

    def _put(self, tx: bytearray, at: int, request: "Sequence[Any]") -> int:
        function, address, registers, place = request
        if place >= 0:
            raw = self._sent_raw
            words = split(abs(raw) if self._stops else raw, self._kind)
            for i in range(len(words)):
                registers[place + i] = words[i]
        if function == WRITE_REGISTERS:
            return put_write_registers(tx, at, address, registers)
        return put_write(tx, at, function, address, registers[0])

    def _wish_w(self) -> int:
        w = Lease._wish_w(self)
        limits = self._limits
        if limits is None:
            return w
        if limits.charge_w < 0 or limits.discharge_w < 0:
            return 0
        return max(-limits.charge_w, min(limits.discharge_w, w))

    def _may_write(self) -> bool:
        """Whether a command may go out; the end of one always may."""
        if self.state == RELEASING or self._path:
            return True
        limits = self._limits
        if limits is not None and (limits.charge_w < 0 or limits.discharge_w < 0):
            return False
        nv = self._nv
        if nv is None:
            return True
        if self.state == _ENTERING:
            return self._step > 0 or self._earned_ms >= nv[0] * nv[1]
        way = _way_of(self.setpoint.raw(self._wish_w()))
        return self._earned_ms >= nv[0] * (len(self._paths[way]) + (nv[2] if way else 0))

    def _earn(self, now_ms: int) -> None:
        if self._earned_at_ms is not None:
            most_ms = self._nv[0] * self._nv[1]
            self._earned_ms = min(most_ms, self._earned_ms
                                  + max(0, ticks_diff(now_ms, self._earned_at_ms)))
        self._earned_at_ms = now_ms


def _way_of(raw: int) -> int:
    """Which path leads to a raw power."""
    if raw == 0:
        return 0
    return _DISCHARGE if raw > 0 else _CHARGE
