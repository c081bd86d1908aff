"""Frames from the outboxes to the cloud's database, oldest first, until the cloud says it has them.

Only the bridge's acknowledgement frees frames: it is sent after the commit, names the epoch and is
cumulative; ranges above that number are not sent again, and free nothing. The broker's PUBACK frees
nothing, since a broker may forget what it has acknowledged, unless it is told to be trusted. A few
frames may be ahead of the acknowledged one; when the answer stays out, or after every new
connection, sending begins again behind it. Frames stored twice are the cloud's to tell apart.

Each outbox has an epoch, a window and a patience of its own; what waits in the first goes first.

Message: MessagePack [1, kind, epoch, seq, binary] on `parkedge/<park>/<gateway>/b`. Answer: [1,
epoch, seq, first, last ...] on `.../ack`, with up to 4 ascending ranges. Kind 99 (RESUME) is no
frame: all before `seq` is acknowledged for good, so that a bridge whose database is new knows where
its history begins instead of waiting for it.
"""

from edge.compat import TYPE_CHECKING, const
from edge.ticks import ticks_add, ticks_diff
from edge.wire import msgpack

if TYPE_CHECKING:
    from typing import Any

    from edge.mqtt_client import MqttClient
    from edge.outbox import Outbox

VERSION = const(1)
RESUME = const(99)
_COMMAND = const(0x9A)  # first byte of a command (edge/command.py): an array of ten
AROUND = const(27)  # bytes of a packet that are neither the base of its topic nor a frame
_HEAD_BYTES = const(16)  # of a message, before its body: 1 + 1 + 1 + 5 + 5 + 3
_ACK_NUMBERS = const(11)  # version, epoch, number and four ranges
_DEVICE_MS = const(1_000)  # pause after an error of the storage


class _Way:
    """How far one outbox has been sent, and heard of."""

    def __init__(self, outbox: "Outbox", wait_ms: int) -> None:
        self.outbox = outbox
        self.session = 0  # of the client, in which the round began
        self.resume_waits = False
        self.last = 0  # sent in this round
        self.top = 0  # sent in this life
        self.due_ms = 0
        self.wait_ms = wait_ms

    def awaits(self) -> bool:
        """Whether an acknowledgement is due."""
        return self.resume_waits or self.last > self.outbox.acked

    def begin(self, now_ms: int) -> None:
        """Send again, from behind what is acknowledged."""
        self.outbox.resend()
        self.last = 0
        self.resume_waits = True
        self.due_ms = ticks_add(now_ms, self.wait_ms)

    def can_be(self, seq: int, above: "list[int]") -> bool:
        """Whether an acknowledgement tells of nothing that was never sent."""
        last = seq
        for at in range(0, len(above), 2):
            if not last < above[at] <= above[at + 1]:
                return False
            last = above[at + 1]
        return seq >= 0 and last <= max(self.top, self.outbox.found)


class Sync:
    """One gateway's way up. It steps the client too, so that one call does it all."""

    def __init__(self, client: "MqttClient", outboxes: "tuple[Outbox, ...]", park: str,
                 gateway: str, window: int = 8, patience_ms: int = 30_000,
                 trust_puback: bool = False, up: bytes = b"", down: bytes = b"") -> None:
        base = "parkedge/" + park + "/" + gateway
        self.topic = up or (base + "/b").encode()  # a cloud may have others: edge/clouds
        self.window = window  # frames that may be ahead of the acknowledged one
        self.patience_ms = patience_ms  # for an acknowledgement, at first; doubles while none comes
        self.patience_max_ms = 20 * patience_ms
        self.frames_sent = self.rounds = 0  # frames handed to the client; times begun again
        self.strange_acks = 0  # not ours, not MessagePack, or of frames never sent
        self.device_errors = 0
        self.commands: Any = None  # takes them where a cloud has one way down for all
        self._client = client
        self._trust_puback = trust_puback
        self._flying: _Way | None = None  # whose frame `_flying_seq` waits for a trusted PUBACK
        self._flying_seq = self._refused = 0
        self._reader = msgpack.Reader(64)
        self._ways = [_Way(outbox, patience_ms) for outbox in outboxes]
        room = len(client.slot) - len(self.topic) - _HEAD_BYTES - 9
        if max([outbox.max_payload for outbox in outboxes]) > room:
            raise ValueError("the largest frame of the outbox does not fit a packet")
        client.subscribe(down or (base + "/ack").encode(), self)

    def step(self, now_ms: int) -> int:
        """Move what can be moved without waiting; ms until the next step is worth while."""
        wait_ms = self._client.step(now_ms)
        if not self._client.is_up():
            return wait_ms
        self._take_puback(now_ms)
        for way in self._ways:
            if way.session == self._client.sessions:
                if not way.awaits() or ticks_diff(now_ms, way.due_ms) < 0:
                    continue
                way.wait_ms *= 2
                if self._client.unsubscribed:  # perhaps the broker refused to pass answers on
                    self._client.renew(now_ms)
                    return wait_ms
            elif not way.outbox.mounted:
                continue
            way.session = self._client.sessions
            way.wait_ms = min(way.wait_ms, self.patience_max_ms)
            way.begin(now_ms)
            self.rounds += 1
        for way in self._ways:
            try:
                if self._send_resume(way, now_ms) if way.resume_waits else self._send(way, now_ms):
                    return self._client.step(now_ms)
            except OSError:
                self.device_errors += 1
                wait_ms = _DEVICE_MS
        return wait_ms

    def mend(self, now_ms: int) -> None:
        """After an internal fault: another connection, in which all that is not acknowledged comes
        again."""
        self._flying = None
        self._client.mend(now_ms)

    def receive(self, buf: bytearray, start: int, end: int, now_ms: int) -> None:
        """Take an acknowledgement: of our epoch, and of nothing that was not sent. No message is
        both that and a command: an even array is none of ours."""
        if self.commands is not None and start < end and buf[start] == _COMMAND:
            self.commands.receive(buf, start, end, now_ms)
            return
        reader = self._reader
        reader.start(buf, start, end)
        n = reader.array()
        fits = 3 <= n <= _ACK_NUMBERS and n & 1 and reader.integer() == VERSION
        epoch, seq = reader.integer(), reader.integer()
        above = [reader.integer() for _ in range(n - 3)] if fits else []
        if reader.finish() == msgpack.OK and fits:
            for way in self._ways:
                if way.outbox.epoch == epoch and way.can_be(seq, above):
                    self._acknowledge(way, seq, above, now_ms)
                    return
        self.strange_acks += 1

    def _acknowledge(self, way: _Way, seq: int, above: "list[int]", now_ms: int) -> None:
        try:
            news = way.outbox.ack(way.outbox.epoch, seq, above)
        except OSError:  # freed all the same; only the note of it is not on the medium yet
            self.device_errors += 1
            news = True
        if news:
            self._client.served = True
            way.wait_ms = self.patience_ms
            way.due_ms = ticks_add(now_ms, way.wait_ms)

    def _take_puback(self, now_ms: int) -> None:
        """Where a broker is trusted: the client has room again once it has acknowledged."""
        way = self._flying
        if way is not None and self._client.begin(self.topic) >= 0:
            self._flying = None
            if self._client.refused == self._refused:
                self._acknowledge(way, self._flying_seq, [], now_ms)

    def _send_resume(self, way: _Way, now_ms: int) -> bool:
        at = self._client.begin(self.topic)
        if at < 0:
            return False
        at = self._put_head(at, RESUME, way.outbox.epoch, way.outbox.acked + 1, 0)
        self._client.commit(at, now_ms)
        way.resume_waits = False
        return True

    def _send(self, way: _Way, now_ms: int) -> bool:
        outbox = way.outbox
        seq = outbox.next_unsent()
        acked = outbox.acked
        ahead = way.last > acked
        if seq == 0 or (ahead and seq - acked > self.window):
            return False
        at = self._client.begin(self.topic)
        if at < 0:
            return False
        body = self._put_head(at, 0, outbox.epoch, seq, 0)
        n = outbox.read(seq, self._client.slot, body)
        if n < 0:
            return False
        self._put_head(at, outbox.kind, outbox.epoch, seq, n)
        self._client.commit(body + n, now_ms)
        outbox.sent(seq)
        self.frames_sent += 1
        way.last = seq
        way.top = max(seq, way.top)
        if self._trust_puback:
            self._flying, self._flying_seq = way, seq
            self._refused = self._client.refused
        if not ahead:
            way.due_ms = ticks_add(now_ms, way.wait_ms)
        return True

    def _put_head(self, at: int, kind: int, epoch: int, seq: int, n: int) -> int:
        """Write all of a message but its body; `kind` (0 .. 127) and `n` do not move the rest."""
        buf = self._client.slot
        at = msgpack.put_array_head(buf, at, 5)
        at = msgpack.put_int(buf, at, VERSION)
        at = msgpack.put_int(buf, at, kind)
        at = msgpack.put_int(buf, at, epoch)
        at = msgpack.put_int(buf, at, seq)
        return msgpack.put_bin16_head(buf, at, n)
