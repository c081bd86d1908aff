"""The one driver: executes the compiled image of any device.

The bus asks two things, whether a write wants out and how long until the next read; it sends what
`compose` builds and reports what became of it: `answered`, `refused` or `silent`.

Every signal lies within one block, so a signal is as old as the request that fetched its block: it
is stamped with the moment that request was sent, which is before the device sampled it. Age is
never flattered, whatever the line, the queue and the device took.

On a serial line a reply does not say which request it answers. After a silence the first read is
therefore a probe, whose reply has a length of its own: once that has come, no older reply can be
under way any more, because a device answers in order.
"""

from edge.compat import TYPE_CHECKING, const
from edge.devices.decode import words
from edge.devices.lease import FREE, RELEASING, Lease
from edge.devices.poll import Poll
from edge.devices.readings import Readings
from edge.ticks import ticks_diff
from edge.wire.modbus import (
    ACKNOWLEDGE,
    BUSY,
    DEVICE_FAILURE,
    PATH_UNAVAILABLE,
    TARGET_SILENT,
    put_read,
)

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

# What the request in flight is for; in this order: the lease, who it is, the poll.
_WRITE = const(0)
_VERIFY = const(1)
_IDENTIFY = const(2)
_PROBE = const(3)
_READ = const(4)

_BACK_OFF_MAX_MS = const(30_000)
_BUSY_MS = const(250)
_BUSY_MAX = const(8)  # then the request is given up
_STRANGER_MS = const(30_000)
_FAILED_MAX = const(2)  # "device failure" answers in a row; one more is worth no more than silence
_LOST = const(3)  # silent this often in a row: it may have been switched off, or exchanged
_FAILURES_MAX = const(8)


class Driver:
    """One device on a bus, feeding one or more roles.

    `image` is a compiled device; `roles` are the objects that `take` its signals, one of them with
    a setpoint where the image has a control entry. ValueError when the image cannot be executed.
    """

    def __init__(self, image: "Mapping[str, Any]", roles: "Sequence[Any]"):
        self.name = image["name"]
        self.unit = image["unit"]
        self.readings = Readings(image, roles)
        self.lease: Lease | None = None
        if image["control"] is not None:
            self.lease = Lease(image["control"], commander(roles, image["control"]["shape"]))
        # Health, for people.
        self.timeouts = 0
        self.exceptions = 0
        self.stranger = False  # its identity registers hold something else
        self.unheard = True  # the bus: it did not answer last time, or was never asked
        # How it is asked.
        self._poll = Poll(image["blocks"], image["poll_ms"])
        self._poll_ms: int = image["poll_ms"]
        self._ask = _READ
        self._busy = 0  # "busy" and "device failure" answers in a row
        self._failures = 0  # silences in a row
        self._doubt = False  # a late reply may be on its way
        self._identity = image["identity"]
        self._identified = not self._identity
        self._proof = 0  # identity register to check next
        self._counts = _other_counts(image)

    # What the bus asks.

    def watch(self, now_ms: int) -> None:
        """Follow the beat while the line is down."""
        if self.lease is not None:
            self.lease.watch(now_ms)

    def wants_write(self, now_ms: int) -> bool:
        """Whether a write should go out before anybody's reads."""
        lease = self.lease
        if lease is None or not lease.wants(now_ms):
            return False
        if not self.stranger and (self._failures < 2 or lease.state == RELEASING):
            return True  # one lost frame does not hold back a command, nothing holds back a release
        return ticks_diff(self._poll.next_ms, now_ms) <= 0

    def due_ms(self, now_ms: int) -> int:
        """How long until this device should be read, ms; not positive: now."""
        wait_ms = ticks_diff(self._poll.next_ms, now_ms)
        lease = self.lease
        if lease is None:
            return wait_ms
        due_ms = lease.verify_in(now_ms)
        if lease.may_read():
            due_ms = min(wait_ms, due_ms)
        return max(wait_ms, due_ms) if self._failures else due_ms

    def compose(self, tx: bytearray, at: int, now_ms: int) -> int:
        """Build the next request at index `at` of `tx`; return the index after it."""
        lease = self.lease
        if lease is not None and self._identified and lease.wants(now_ms):
            self._ask = _WRITE
            return lease.compose(tx, at)
        if self._doubt:
            self._ask = _PROBE
            return self._poll.put_probe(tx, at, self._counts)
        if not self._identified:
            self._ask = _IDENTIFY
            function, address, _ = self._identity[self._proof]
            return put_read(tx, at, function, address, 1)
        if lease is not None and lease.verify_in(now_ms) <= 0:
            self._ask = _VERIFY
            return lease.setpoint.put_read_back(tx, at)
        self._ask = _READ
        return self._poll.put(tx, at, now_ms)

    # What the bus reports.

    def opened(self, now_ms: int) -> None:
        """The line has been opened: whoever answers now has to prove who it is."""
        self._lost()
        self._poll.hold(now_ms, self._back_off_ms() if self._failures else 0)

    def answered(self, rx: bytearray, at: int, sent_ms: int, now_ms: int) -> None:
        """The reply to the request in flight came; its data begins at index `at` of `rx`."""
        self._heard(now_ms)
        self._busy = 0
        ask = self._ask
        lease = self.lease
        if ask == _READ:
            self.readings.take(self._poll.block, rx, at, sent_ms)
            self._poll.advance(now_ms)
        elif ask == _PROBE:
            self._doubt = False
        elif ask == _IDENTIFY:
            self._identify(rx[at] << 8 | rx[at + 1], now_ms)
        elif lease is not None and ask == _WRITE:
            lease.written(now_ms)
        elif lease is not None:
            before = lease.changed
            lease.verified(lease.setpoint.read_back(rx, at), now_ms)
            if lease.changed != before:
                print("parkedge:", self.name, "another master wrote", lease.held_w, "W")

    def refused(self, code: int, now_ms: int) -> None:
        """The device answered with an exception; `code` as in the specification (7)."""
        self.exceptions += 1
        failed = code == DEVICE_FAILURE
        if PATH_UNAVAILABLE <= code <= TARGET_SILENT or \
                (failed and (self._failures or self._busy >= _FAILED_MAX)):
            self.silent(now_ms)  # a gateway speaks for a device that does not
            self._doubt = not failed  # nothing was lost
            return
        self._heard(now_ms)
        if self._is_lease_told(now_ms):
            return
        if self._ask == _PROBE:
            self._doubt = False
        elif ACKNOWLEDGE <= code <= BUSY and self._busy < _BUSY_MAX:
            self._busy += 1
            self._poll.hold(now_ms, _BUSY_MS)
        else:
            self._busy = self._busy + 1 if failed else 0
            if self._ask == _IDENTIFY:
                self._identify(-1, now_ms)
            else:
                self._poll.advance(now_ms)

    def silent(self, now_ms: int) -> None:
        """No reply came in time: leave the device alone for 1, 2, 4 .. polls, 30 s at most."""
        self.timeouts += 1
        self._doubt = True
        if self._ask >= _PROBE:
            self._poll.advance(now_ms)  # a block that never answers must not hide the others
        if not self._is_lease_told(now_ms):
            self._strike_release(now_ms)
        if self._failures < _FAILURES_MAX:
            self._failures += 1
        self._poll.hold(now_ms, self._back_off_ms())
        if self._failures == _LOST:
            self._lost()

    def leave(self) -> None:
        """Give the device back, whatever the beat says."""
        if self.lease is not None:
            self.lease.leave()

    def has_left(self) -> bool:
        """Whether the device has confirmed that it was given back, or was never commanded."""
        return self.lease is None or (self.lease.leaving and self.lease.state == FREE)

    # Who it is, and whether it is there.

    def _heard(self, now_ms: int) -> None:
        if self._failures:
            self._failures = 0
            self._poll.hold(now_ms, 0)

    def _back_off_ms(self) -> int:
        return min(self._poll_ms << self._failures - 1, max(self._poll_ms, _BACK_OFF_MAX_MS))

    def _lost(self) -> None:
        self._identified = not self._identity
        self._proof = 0
        self._busy = 0
        self.readings.restart()
        if self.lease is not None:
            self.lease.lost()

    def _identify(self, word: int, now_ms: int) -> None:
        """Hold an identity register against the image; trust only when all of them are right."""
        if word != self._identity[self._proof][2]:
            self.stranger = True
            self._proof = 0
            self._poll.hold(now_ms, _STRANGER_MS)
            self._strike_release(now_ms)
            return
        self._proof += 1
        if self._proof == len(self._identity):
            self._identified = True
            self.stranger = False

    def _is_lease_told(self, now_ms: int) -> bool:
        """Tell the lease that its own request has failed; False when it was not its own."""
        if self.lease is None or self._ask > _VERIFY:
            return False
        if self._ask == _WRITE:
            self.lease.failed(now_ms)
        else:
            self.lease.verified(None, now_ms)
        return True

    def _strike_release(self, now_ms: int) -> None:
        """A device that cannot be reached has not been released either."""
        if self.lease is not None and self.lease.state == RELEASING:
            self.lease.failed(now_ms)


def commander(roles: "Sequence[Any]", shape: str) -> "Any":
    """Return the role that commands a device of this shape; ValueError when none does."""
    for role in roles:
        if hasattr(role, "setpoint_w") and hasattr(role, "claim") == (shape == "coils"):
            return role
    raise ValueError("a device with a control entry needs a role that commands it")


def _other_counts(image: "Mapping[str, Any]") -> "list[int]":
    """Return the register counts of every read that is not a block."""
    counts = [1] if image["identity"] else []
    control = image["control"]
    if control is not None and control["readback"] is not None:
        counts.append(words(control["readback"][2]))
    return counts
