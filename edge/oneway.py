"""Frames from the outbox to a receiver that can never answer: behind a one-way isolation device.

Nothing is acknowledged there, so each frame is sent `repeats` times, far apart, and then let go.
Loss comes in bursts (a device that restarts, a receiver that is replaced), which copies sent at
once would all fall into: the second follows after one to two minutes, the third after one to two
hours, a fourth after one to two days. A minute or two after the last, the frame leaves the outbox.
How often a frame has gone is not stored: after a restart all that the outbox holds begins anew.

Datagram, 1,400 bytes at most lest IP cut it up: format 0xE1, algorithm (1: HMAC-SHA256, 16 bytes of
it), length and name of the park, of the gateway, part << 4 | number of the last part, message, tag.
The tag is over _DOMAIN and all before it. Message: MessagePack [1, kind, epoch, seq, binary] as in
edge/sync.py; a frame longer than 1,296 bytes goes in parts, each with the whole head and its piece
of the binary, so that what came of it at any time fits together.

Every minute comes RESUME in place of a frame: all before `seq` has gone as often as it ever will;
its binary is MessagePack [1, the highest number sent yet, frames lost in the ring]. By that the
receiver knows what is missing, at the end as well, and what will never come. A frame that was
overwritten is just not sent.
"""

from edge.compat import TYPE_CHECKING, const
from edge.hmac256 import hmac
from edge.outbox import GAP
from edge.ticks import ticks_diff
from edge.udp_port import UdpPort
from edge.wire import msgpack

if TYPE_CHECKING:
    from edge.outbox import Outbox

FORMAT = const(0xE1)
HMAC_SHA256 = const(1)  # algorithms: 17 (HMAC-SM3) has its number and is refused by the receiver
TAG_BYTES = const(16)
PIECE = const(1296)  # of a frame, in one datagram: with the longest names it has 1,397 bytes
_PARTS = const(16)
_DOMAIN = b"parkedge-oneway-1"
_VERSION = const(1)
_RESUME = const(99)  # as in edge/sync.py
_HEAD_BYTES = const(16)  # of a message, before its body, at most
_TURNS_MS = (60_000, 3_600_000, 86_400_000)  # from one repeat to the next: once to twice that
_LAST_MS = const(60_000)  # and from the last until it is let go: what the network still holds
_TELL_MS = const(60_000)
_IDLE_MS = const(1_000)  # nothing to send: a frame may wait so long
_BUSY_MS = const(10)  # the network takes nothing just now
_ERROR_MS = const(1_000)  # pause after an error of network or storage


def part(app, image: dict) -> "OneWay":
    """The way up of a gateway (edge/uplink.py) whose site has a table [oneway]."""
    keys, site = image["oneway"], image["site"]
    return OneWay(UdpPort(keys["host"], keys["port"]), app.outbox.by_rank, site["park"],
                  site["gateway"], app.board.secret("uplink"), keys["repeats"], keys["rate"])


class _Repeat:
    """How far one repeat has come in a ring. It follows the one before at a distance in time that
    two numbers remember: where that was when the last turn ended is where this may go in the next.
    """

    def __init__(self, turn_ms: int, seq: int):
        self.seq = self.may = self._mark = seq
        self.part = 0  # of the next frame, where it goes in several
        self._turn_ms = self._left_ms = turn_ms

    def wait(self, ms: int, ahead: int):
        """Let `ms` pass; the repeat before has come as far as `ahead`."""
        self._left_ms -= ms
        if self._left_ms <= 0:
            self._left_ms = self._turn_ms
            self.may, self._mark = self._mark, ahead


class _Ring:
    """One outbox and its repeats; the last of them sends nothing, but lets go."""

    def __init__(self, outbox: "Outbox", repeats: int):
        self.outbox = outbox
        self.tell_ms = 0
        self.repeats = [_Repeat(ms, outbox.acked) for ms in
                        (0,) + _TURNS_MS[:repeats - 1] + (_LAST_MS,)]

    def wait(self, ms: int):
        """Let `ms` pass: repeats become due, frames are let go. OSError of the storage."""
        self.tell_ms -= ms
        ahead = self.repeats[0]
        for repeat in self.repeats[1:]:
            repeat.wait(ms, ahead.seq)
            ahead = repeat
        if ahead.may > ahead.seq:
            ahead.seq = ahead.may
            self.outbox.ack(self.outbox.epoch, ahead.seq)

    def due(self) -> "_Repeat | None":
        """The repeat that has a frame to send; new frames come first."""
        outbox = self.outbox
        for repeat in self.repeats[:-1]:
            outbox.resend()
            outbox.sent(repeat.seq)
            seq = outbox.next_unsent()
            if seq and (seq <= repeat.may or repeat is self.repeats[0]):
                repeat.seq = seq - 1  # those before are gone
                return repeat
        return None


class OneWay:
    """A step machine like edge/sync.py: each step sends one datagram at most.

    `rings` are outboxes, the most important first; `key` is of this gateway alone, and the
    receiver has it; `repeats` 1 .. 4; `rate` in bytes a second, of the datagrams.
    """

    def __init__(self, port: UdpPort, rings: "tuple[Outbox, ...]", park: str, gateway: str,
                 key: bytes, repeats: int = 3, rate: int = 4_000):
        self.sent = self.bytes = 0  # datagrams, and what was in them
        self.network_errors = self.device_errors = 0
        self._port = port
        self._key = key
        self._rate = rate
        self._rings = [_Ring(outbox, repeats) for outbox in rings]
        names = [bytes([len(name)]) + name.encode() for name in (park, gateway)]
        head = bytes([FORMAT, HMAC_SHA256]) + b"".join(names)
        most = max([outbox.max_payload for outbox in rings])
        if most > _PARTS * PIECE:
            raise ValueError("the largest frame of the outbox does not fit 16 datagrams")
        self._part_at = len(head)
        self._buf = bytearray(len(head) + 1 + _HEAD_BYTES + most + TAG_BYTES)
        self._view = memoryview(self._buf)
        self._view[:len(head)] = head
        self._then_ms = -1  # of the last step that did anything
        self._rest_ms = 0  # and how long nothing is to be done from then on

    def mend(self, now_ms: int) -> None:
        """After an internal fault: another socket; what had not gone goes with the next step."""
        self._port.close()

    def step(self, now_ms: int) -> int:
        """Send what is due, if the rate allows; ms until the next step is worth while."""
        passed_ms = ticks_diff(now_ms, self._then_ms)
        if 0 <= passed_ms < self._rest_ms:
            return self._rest_ms - passed_ms
        if self._then_ms < 0 or passed_ms < 0:  # the first step, or the first for a week
            passed_ms = 0
        self._then_ms = now_ms
        self._rest_ms = _IDLE_MS
        try:
            for ring in self._rings:
                ring.wait(passed_ms)
            self._send()
        except OSError:  # of the storage: what could not be noted there is only sent again
            self.device_errors += 1
            self._rest_ms = _ERROR_MS
        return self._rest_ms

    def _send(self):
        for ring in self._rings:
            if ring.tell_ms <= 0:
                if self._out(self._tell(ring.outbox, ring.repeats[0].seq)):
                    ring.tell_ms = _TELL_MS
                return
        for ring in self._rings:
            repeat = ring.due()
            if repeat is not None:
                self._frame(ring.outbox, repeat)
                return

    def _tell(self, outbox: "Outbox", top: int) -> int:
        """Make the datagram that tells how far we are; its length without the tag."""
        at = self._head(0, _RESUME, outbox, outbox.acked + 1, 0)
        end = msgpack.put_array_head(self._buf, at, 3)
        end = msgpack.put_int(self._buf, end, _VERSION)
        end = msgpack.put_int(self._buf, end, top)
        end = msgpack.put_int(self._buf, end, outbox.lost())
        self._head(0, _RESUME, outbox, outbox.acked + 1, end - at)
        return end

    def _frame(self, outbox: "Outbox", repeat: _Repeat):
        """Send the next part of the next frame of a repeat."""
        seq, number, view = repeat.seq + 1, repeat.part, self._view
        at = self._head(0, 0, outbox, seq, 0)
        n = outbox.read(seq, self._buf, at)
        if outbox.kind == GAP:  # it is gone, or cannot be read any more
            repeat.seq, repeat.part = seq, 0
            self._rest_ms = 0
            return
        last = (n - 1) // PIECE if n else 0
        skipped = number * PIECE
        piece = n - skipped if number == last else PIECE
        if number:
            view[at:at + piece] = view[at + skipped:at + skipped + piece]
        self._head(number << 4 | last, outbox.kind, outbox, seq, piece)
        if not self._out(at + piece):
            return
        if number == last:
            repeat.seq, repeat.part = seq, 0
        else:
            repeat.part = number + 1

    def _head(self, part: int, kind: int, outbox: "Outbox", seq: int, n: int) -> int:
        """Write all before the body; `part`, `kind` (0 .. 127) and `n` do not move the rest."""
        buf, at = self._buf, self._part_at
        buf[at] = part
        at = msgpack.put_array_head(buf, at + 1, 5)
        at = msgpack.put_int(buf, at, _VERSION)
        at = msgpack.put_int(buf, at, kind)
        at = msgpack.put_int(buf, at, outbox.epoch)
        at = msgpack.put_int(buf, at, seq)
        return msgpack.put_bin16_head(buf, at, n)

    def _out(self, n: int) -> bool:
        """Seal and send the first `n` bytes; whether they are gone."""
        end = n + TAG_BYTES
        self._view[n:end] = hmac(self._key, _DOMAIN, self._view[:n])[:TAG_BYTES]
        try:
            if not self._port.send(self._buf, end):
                self._rest_ms = _BUSY_MS
                return False
        except OSError:
            self.network_errors += 1
            self._rest_ms = _ERROR_MS
            return False
        self.sent += 1
        self.bytes += end
        self._rest_ms = (end * 1000 + self._rate - 1) // self._rate
        return True
