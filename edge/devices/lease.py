"""A setpoint in a device is a lease: it lives while the beat renews it, and is taken back after.

Some converters restart their own dead-man timer on any traffic, even a read. A gateway whose bus
still polls but whose beat has stopped would keep the last setpoint alive for ever. So when the
lease runs out 0 W is written and then the leave sequence, and if the device does not confirm it, it
is not spoken to at all (HUSHED) until its own timer has had time to bite; then the release is tried
again. The same goes for a device that answers but takes no new setpoint while it holds an old one.

Who does not answer may hear all the same: only its answers are lost, and each try feeds its timer.
So a device that shall rest, and held a power when it was last heard, is told its 0 W before
anything else; and where it does not confirm that for half a minute, nothing any more.

A setpoint that can be read back is looked at again while it is held, and before every fifth write:
nothing keeps another master from writing one of its own, and nobody else would notice.

What a device holds is not known at the start, so it is released first unless the beat speaks.

    RELEASING -> FREE         0 W and the leave sequence are confirmed: only read
    FREE -> ENTERING          the beat speaks: write the enter sequence
    ENTERING -> HOLDING       write the setpoint on change and at every refresh
    HOLDING -> RELEASING      the lease ran out, or `leave`
    any -> HUSHED             not confirmed: silence
"""

from edge.compat import TYPE_CHECKING, const
from edge.devices.setpoint import Setpoint, put_step
from edge.ticks import ticks_add, ticks_diff

if TYPE_CHECKING:
    from typing import Any, Mapping

# In this order: up to FREE nobody commands the device.
RELEASING = const(0)
FREE = const(1)
ENTERING = const(2)
HOLDING = const(3)
HUSHED = const(4)

NEVER_MS = const(1_000_000)  # "not within any time that matters", as an answer

_NO_TICK = const(-1)
_TRIES = const(4)  # a write that fails this often in a row is a fault, or the end of a release
_STRIKES_MAX = const(8)
_RETRY_MS = const(250)  # doubles with every failure
_RETRY_MAX_MS = const(30_000)
_REST_MAX_MS = const(8_000)  # of a device that is only told to rest: so it is found soon, too
_SETTLE_MS = const(500)  # between a write and its read-back: some loggers take that long
_LOOK_MS = const(5_000)  # between two looks at a setpoint that is held
_LOOK_WAIT_MS = const(1_000)  # how long a write waits for a look that is due
_UNSEEN_MAX = const(4)  # writes in a row without a look before them
_QUIET_MS = const(300_000)  # five times the common dead-man time of 60 s


class Lease:
    """The setpoint of one storage in one device.

    `control` is the entry of the device image; `storage` the role that carries `setpoint_w`,
    `setpoint_ms` and `lease_ms`; `setpoint` a shape of the device's own. ValueError when the entry
    cannot be executed.
    """

    def __init__(self, control: "Mapping[str, Any]", storage: "Any", setpoint: "Any" = None):
        self.setpoint: Any = Setpoint(control) if setpoint is None else setpoint
        self._storage = storage
        self._enter = control["enter"]
        self._leave = control["leave"]
        self._refresh_ms = control["refresh_ms"]
        self._quiet_ms = control.get("quiet_ms", _QUIET_MS)
        self.state = RELEASING
        self.leaving = False
        self.fault = False  # the device does not take what it is told
        self.mismatches = 0
        self.changed = 0  # times that it was neither ours nor what it was before: somebody else's
        self.held_w: int | None = None  # last setpoint known to be in the device
        self._dead_ms = storage.setpoint_ms  # a stamp whose lease has run out, or never began
        self._step = 0
        self._sent_w = 0
        self._sent_raw = 0
        self._raw: int | None = None  # what was last written and acknowledged
        self._written_ms = 0
        self._verify = False  # a read-back is outstanding, not before `_verify_ms`
        self._verify_ms = 0
        self._unseen = 0  # writes since the setpoint was last looked at before one
        self._strikes = 0
        self._struck_ms = 0
        self._waiting = False  # after a failure, until `_retry_ms`
        self._retry_ms = 0
        self._stubborn = False  # hushed although the beat lives
        self._resting = False  # releasing although the beat lives
        self._hushed_ms = 0

    # What the driver asks.

    def watch(self, now_ms: int) -> None:
        """Follow the beat: begin, or take the lease back. To be called often, also when offline."""
        alive = self._alive(now_ms)
        state = self.state
        if state == HUSHED:
            over = ticks_diff(now_ms, self._hushed_ms) >= self._quiet_ms
            if over or (alive and not self._stubborn):
                self._begin(ENTERING if alive else RELEASING)
        elif alive == (state <= FREE):  # held by nobody while the beat lives, or the other way
            if not (self._resting and self._holds_another()):
                self._begin(ENTERING if alive else RELEASING)
        elif not alive:
            self._resting = False
        elif state == ENTERING and self._holds_another() and self._wish_w() == 0:
            self._rest(now_ms)

    def wants(self, now_ms: int) -> bool:
        """Whether something should be written now."""
        self.watch(now_ms)
        if self._waiting:
            if ticks_diff(self._retry_ms, now_ms) > 0:
                return False
            self._waiting = False
        state = self.state
        if state == HOLDING:
            if self._verify and 0 <= ticks_diff(now_ms, self._verify_ms) < _LOOK_WAIT_MS:
                return False  # first the look, unless it does not get through
            if self._raw is None:
                return True
            if self._raw == self.setpoint.raw(self._wish_w()) \
                    and ticks_diff(now_ms, self._written_ms) < self._refresh_ms:
                return False
            if self._unseen < _UNSEEN_MAX or not self.setpoint.can_read_back:
                return True
            self._unseen = 0
            self._verify = True
            self._verify_ms = now_ms
            return False
        return state == ENTERING or (state == RELEASING and not self._verify)

    def may_read(self) -> bool:
        """Whether the device may be polled: not while an old setpoint may be alive in it."""
        return self.state != RELEASING and self.state != HUSHED

    def verify_in(self, now_ms: int) -> int:
        """How long until the setpoint should be read back, ms; NEVER_MS when it need not be."""
        return ticks_diff(self._verify_ms, now_ms) if self._verify else NEVER_MS

    def compose(self, tx: bytearray, at: int) -> int:
        """Build the write that is wanted; return the index after it."""
        if self.state == ENTERING:
            return put_step(tx, at, self._enter[self._step])
        if self.state == RELEASING and self._step:
            return put_step(tx, at, self._leave[self._step - 1])
        self._sent_raw = self.setpoint.raw(self._wish_w()) if self.state == HOLDING else 0
        self._sent_w = self.setpoint.power(self._sent_raw)
        return self.setpoint.put(tx, at, self._sent_raw)

    # What the driver reports.

    def written(self, now_ms: int) -> None:
        """The device has acknowledged the write."""
        if self.state == ENTERING or (self.state == RELEASING and self._step):
            self._advance()
            return
        self._raw = self._sent_raw
        self._written_ms = now_ms
        self._unseen += 1
        if self.setpoint.can_read_back:
            self._verify = True
            self._verify_ms = ticks_add(now_ms, _SETTLE_MS)
        else:
            self._confirmed(self._sent_w, now_ms)

    def verified(self, held_w: "int | None", now_ms: int) -> None:
        """The setpoint read back from the device, W; None when it could not be read."""
        self._verify = False
        if held_w is None:
            self._strike(now_ms)
        elif self.setpoint.same(held_w, self._sent_w):
            self._confirmed(held_w, now_ms)
        else:
            old_w, same = self.held_w, self.setpoint.same
            if old_w is not None and (same(old_w, self._sent_w) or not same(old_w, held_w)):
                self.changed += 1  # neither what we wrote nor what it held before
            self.held_w = held_w
            self.mismatches += 1
            self._strike(now_ms)
            if self.state == HOLDING and self._strikes < _TRIES:
                self._start(ENTERING)  # the device may have left its mode as well

    def failed(self, now_ms: int) -> None:
        """The write was refused, or not answered."""
        self._raw = None
        self._verify = False
        self._strike(now_ms)

    def lost(self) -> None:
        """The device was away: it may have restarted, or another may stand in its place."""
        if self.state == RELEASING:
            self._start(RELEASING)
        elif self.state == ENTERING or self.state == HOLDING:
            self._begin(ENTERING)

    def leave(self) -> None:
        """Give the device back for good, whatever the beat says."""
        self.leaving = True

    # How it goes on.

    def _alive(self, now_ms: int) -> bool:
        stamp_ms = self._storage.setpoint_ms
        if self.leaving or stamp_ms == self._dead_ms:
            return False
        if 0 <= ticks_diff(now_ms, stamp_ms) <= self._storage.lease_ms:
            self._dead_ms = _NO_TICK
            return True
        self._dead_ms = stamp_ms  # once dead, dead: tick arithmetic forgets after six days
        return False

    def _begin(self, state: int) -> None:
        self._strikes = 0
        self._waiting = False
        self._stubborn = self._resting = False
        self._start(state)

    def _start(self, state: int) -> None:
        self.state = state
        self._step = 0
        self._raw = None
        self._verify = False
        if state == ENTERING and not self._enter:
            self.state = HOLDING

    def _advance(self) -> None:
        self._step += 1
        if self.state == ENTERING:
            if self._step == len(self._enter):
                self.state = HOLDING
        elif self._step > len(self._leave):
            self.state = FREE

    def _confirmed(self, held_w: int, now_ms: int) -> None:
        self.held_w = held_w
        self.fault = False
        self._strikes = 0
        if self.state == RELEASING:
            self._advance()
        elif self.setpoint.can_read_back:
            self._verify = True
            self._verify_ms = ticks_add(now_ms, _LOOK_MS)

    def _strike(self, now_ms: int) -> None:
        if self._strikes == 0:
            self._struck_ms = now_ms
        self._waiting = True
        most_ms = _REST_MAX_MS if self._resting else _RETRY_MAX_MS
        self._retry_ms = ticks_add(now_ms, min(_RETRY_MS << self._strikes, most_ms))
        if self._strikes < _STRIKES_MAX:
            self._strikes += 1
        if self._strikes < _TRIES:
            return
        self.fault = True
        if self.state == RELEASING:
            resting = self._resting
            if not resting or self._strikes == _STRIKES_MAX:
                self._hush(now_ms)
                self._stubborn = resting
        elif self._holds_another() \
                and ticks_diff(now_ms, self._struck_ms) > self._storage.lease_ms:
            self._hush(now_ms)
            self._stubborn = True

    def _rest(self, now_ms: int) -> None:
        """The beat lives and wishes 0 W of a device that has been away."""
        self._start(RELEASING)
        self._resting = True

    def _hush(self, now_ms: int) -> None:
        self._begin(HUSHED)
        self._hushed_ms = now_ms

    def _holds_another(self) -> bool:
        """Whether the device is known to hold a power, and not the one it should."""
        return self.held_w is not None and self.held_w != 0 \
            and not self.setpoint.same(self.held_w, self._wish_w())

    def _wish_w(self) -> int:
        return self.setpoint.limited(self._storage.setpoint_w)
