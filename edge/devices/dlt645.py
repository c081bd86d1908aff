"""The driver of a meter that speaks DL/T 645-2007: only ever read.

A block of the image is one data identifier, [high, low, bytes, every]; most bring several values at
once. A meter that has no such block answers so (error bit 02H), and is asked for its parts one by
one from then on, until the line is opened anew. What did not fit one frame is fetched by as many
more as it takes. A block is as old as the first request that went out for it.

A reply names its data, so it can only be mistaken for an older one of the same. After a silence the
meter is therefore asked for its own address first: it answers in order, so once that has come no
older reply is under way.
"""

from edge.compat import TYPE_CHECKING, const
from edge.devices.bcd import check, decode
from edge.devices.poll import Poll
from edge.ticks import ticks_diff
from edge.wire.dlt645 import address, length, more, put_read

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

_ADDRESS_HIGH, _ADDRESS_LOW = 0x0400, 0x0401  # the data identifier of a meter's own address
_NO_SUCH_DATA = const(0x02)  # bit of the error byte of an abnormal reply
_NOTHING = const(0xFF)  # what a meter shows where it has no value
_BACK_OFF_MAX_MS = const(30_000)
_FAILURES_MAX = const(8)
_LOST = const(3)  # silent this often in a row: another may stand there now
_FRAMES_MAX = const(16)  # of one block


def driver(image: "Mapping[str, Any]", roles: "Sequence[Any]") -> "Dlt645Driver":
    """The driver of a device of the compiled site (edge/devices/driver.py has the same words)."""
    return Dlt645Driver(image, roles)


class Blocks(Poll):
    """The schedule of data identifiers. Slow ones begin one poll after the other, so that no poll
    has to read them all and the fast ones wait for it."""

    def __init__(self, blocks: "Sequence[Sequence[int]]", poll_ms: int):
        if not blocks:
            raise ValueError("a device must have a block to read")
        self._blocks = blocks
        self._poll_ms = poll_ms
        self._number = 0
        self._running = False
        self._started_ms = 0
        self.block = self._first_due(0)
        self.next_ms = 0

    def begin(self, now_ms: int) -> None:
        """A block is asked for: the poll has begun."""
        if not self._running:
            self._running = True
            late_ms = ticks_diff(now_ms, self.next_ms)
            self._started_ms = self.next_ms if 0 <= late_ms < self._poll_ms else now_ms

    def _first_due(self, block: int) -> int:
        """Return the first block from `block` on that this poll reads; their number if none."""
        blocks = self._blocks
        while block < len(blocks) and (self._number - block) % blocks[block][3]:
            block += 1
        return block


class Dlt645Driver:
    """One meter on a line. `image` is a compiled device: `unit` its number, `blocks` as above,
    `parts` for each block the [high, low, bytes] it is made of (high -1: that nobody needs),
    `points` as [signal, block, offset, type, num, den]. ValueError when it cannot be executed."""

    def __init__(self, image: "Mapping[str, Any]", roles: "Sequence[Any]"):
        self.name = image["name"]
        self.unit = address(image["unit"])
        self.lease = None
        self.timeouts = 0
        self.exceptions = 0
        self.refused_values = 0  # that no such meter can have, or that it does not know
        self._blocks = blocks = image["blocks"]
        self._parts = image["parts"]
        self._points = []
        for point in image["points"]:
            check(point, blocks)
            self._points.append((_role_of(point[0], roles), point))
        self._roles = [role for role in roles if hasattr(role, "heard_ms")]
        self._poll = Blocks(blocks, image["poll_ms"])
        self._poll_ms: int = image["poll_ms"]
        self._data = bytearray(max([block[2] for block in blocks]))
        self._apart = bytearray(len(blocks))  # 1: asked for in parts
        self._part = 0  # which part is next
        self._got = 0  # bytes of the block that have come
        self._frame = 0  # how many frames of this identifier have come
        self._began_ms = 0  # when the first request of the block went out
        self._probing = False
        self._doubt = False  # a late reply may be on its way
        self._failures = 0  # silences in a row

    # What the bus asks.

    def watch(self, now_ms: int) -> None:
        """Nothing here follows the beat."""

    def wants_write(self, now_ms: int) -> bool:
        """A meter is never written to."""
        return False

    def due_ms(self, now_ms: int) -> int:
        """How long until this meter should be read, ms; not positive: now."""
        return ticks_diff(self._poll.next_ms, now_ms)

    def compose(self, tx: bytearray, at: int, now_ms: int) -> int:
        """Build the next request at index `at` of `tx`; return the index after it."""
        self._probing = self._doubt
        if self._probing:
            return put_read(tx, at, _ADDRESS_HIGH, _ADDRESS_LOW, 0)
        poll = self._poll
        poll.begin(now_ms)
        if not self._got and not self._frame:
            self._began_ms = now_ms
        block = poll.block
        what = self._blocks[block]
        if self._apart[block]:
            what = self._needed_part(self._parts[block])
        return put_read(tx, at, what[0], what[1], self._frame)

    # What the bus reports.

    def opened(self, now_ms: int) -> None:
        """The line has been opened: whoever answers now may be another."""
        self._lost()
        self._poll.hold(now_ms, self._back_off_ms() if self._failures else 0)

    def answered(self, rx: bytearray, at: int, sent_ms: int, now_ms: int) -> None:
        """The reply to the request in flight came; its data begins at index `at` of `rx`."""
        self._heard(now_ms)
        if self._probing:
            self._doubt = False
            return
        self._keep(rx, at, length(rx, at))
        if more(rx, at) and self._got < self._end_of_part() and self._frame < _FRAMES_MAX:
            self._frame += 1
        else:
            self._next_part(now_ms)

    def refused(self, code: int, now_ms: int) -> None:
        """The meter answered that it does not answer this; `code`: bits that say why."""
        self.exceptions += 1
        self._heard(now_ms)
        if self._probing:
            self._doubt = False
            return
        block = self._poll.block
        if code & _NO_SUCH_DATA and not self._apart[block] and not self._frame \
                and self._parts[block]:
            self._apart[block] = 1
        elif self._apart[block] and not self._frame:
            self._next_part(now_ms)  # a meter of one phase has not the others
        else:
            self._end(now_ms)

    def silent(self, now_ms: int) -> None:
        """No reply came in time: leave the meter alone for 1, 2, 4 .. polls, 30 s at most."""
        self.timeouts += 1
        if not self._probing:
            self._end(now_ms)  # a block that never answers must not hide the others
        self._doubt = True
        if self._failures < _FAILURES_MAX:
            self._failures += 1
        self._poll.hold(now_ms, self._back_off_ms())
        if self._failures == _LOST:
            self._lost()

    def leave(self) -> None:
        """There is nothing to give back."""

    def has_left(self) -> bool:
        """A meter is never commanded."""
        return True

    # How a block comes together.

    def _keep(self, rx: bytearray, at: int, n: int) -> None:
        """Put what a frame brought behind what has come of the block; what is too much is left."""
        data, got = self._data, self._got
        end = self._end_of_part()
        while n > 0 and got < end:
            data[got] = rx[at]
            got += 1
            at += 1
            n -= 1
        self._got = got

    def _end_of_part(self) -> int:
        """Where in the block that ends which is asked for now."""
        block = self._poll.block
        if not self._apart[block]:
            return self._blocks[block][2]
        end = 0
        for part in self._parts[block][:self._part + 1]:
            end += part[2]
        return end

    def _next_part(self, now_ms: int) -> None:
        """All of an identifier has come: on to the next part, or hand the block on."""
        self._fill_up()
        self._frame = 0
        block = self._poll.block
        if self._apart[block]:
            self._part += 1
            for part in self._parts[block][self._part:]:
                if part[0] >= 0:
                    return
        self._take(block, now_ms)
        self._end(now_ms)

    def _needed_part(self, parts: "Sequence[Any]") -> "Any":
        """The next part that somebody needs; there is one."""
        while parts[self._part][0] < 0:
            self._fill_up()
            self._part += 1
        return parts[self._part]

    def _fill_up(self) -> None:
        """Note for the rest of a part that the meter does not have it."""
        end = self._end_of_part()
        while self._got < end:
            self._data[self._got] = _NOTHING
            self._got += 1

    def _take(self, block: int, now_ms: int) -> None:
        for role in self._roles:
            role.heard_ms = now_ms
        for role, point in self._points:
            if point[1] == block:
                value = decode(self._data, point)
                if value is None or not role.take(point[0], value, self._began_ms):
                    self.refused_values += 1

    def _end(self, now_ms: int) -> None:
        """The block is done with, whatever became of it."""
        self._part = self._got = self._frame = 0
        self._poll.advance(now_ms)

    # Whether it is there.

    def _heard(self, now_ms: int) -> None:
        if self._failures:
            self._failures = 0
            self._poll.hold(now_ms, 0)

    def _back_off_ms(self) -> int:
        return min(self._poll_ms << self._failures - 1, max(self._poll_ms, _BACK_OFF_MAX_MS))

    def _lost(self) -> None:
        for block in range(len(self._apart)):
            self._apart[block] = 0
        self._part = self._got = self._frame = 0


def _role_of(signal: str, roles: "Sequence[Any]") -> "Any":
    for role in roles:
        if signal in role.SIGNALS:
            return role
    raise ValueError("no role knows the signal " + signal)
