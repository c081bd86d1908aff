"""Frames from the outbox to the cloud's database, oldest first, until the cloud says it has them.

Only the bridge's acknowledgement frees frames: it is sent after the commit, names the epoch and is
cumulative. The broker's PUBACK frees nothing, since a broker may forget what it has acknowledged.
A few frames may be ahead of the acknowledged one; when the answer stays out, or after every new
connection, sending begins again behind it. Frames stored twice are the cloud's to tell apart.

Message: MessagePack [1, kind, epoch, seq, binary] on `parkedge/<park>/<gateway>/b`. Answer: [1,
epoch, seq] on `.../ack`. Kind 99 (RESUME) is no frame: all before `seq` is acknowledged for good,
so that a bridge whose database is new knows where its history begins instead of waiting for it.
"""

from edge.compat import TYPE_CHECKING, const
from edge.ticks import ticks_add, ticks_diff
from edge.wire import msgpack

if TYPE_CHECKING:
    from edge.mqtt_client import MqttClient
    from edge.outbox import Outbox

VERSION = const(1)
RESUME = const(99)
AROUND = const(27)  # bytes of a packet that are neither the base of its topic nor a frame
_HEAD_BYTES = const(16)  # of a message, before its body: 1 + 1 + 1 + 5 + 5 + 3
_DEVICE_MS = const(1_000)  # pause after an error of the storage


class Sync:
    """One gateway's way up. It steps the client too, so that one call does it all."""

    def __init__(self, client: "MqttClient", outbox: "Outbox", park: str, gateway: str,
                 window: int = 8, patience_ms: int = 30_000, up: bytes = b"",
                 down: bytes = b"") -> None:
        base = "parkedge/" + park + "/" + gateway
        self.topic = up or (base + "/b").encode()  # a cloud may have others: edge/clouds
        self.window = window  # frames that may be ahead of the acknowledged one
        self.patience_ms = patience_ms  # for an acknowledgement, at first; doubles while none comes
        self.patience_max_ms = 20 * patience_ms
        self.frames_sent = self.rounds = 0  # frames handed to the client; times begun again
        self.strange_acks = 0  # not ours, not MessagePack, or of frames never sent
        self.device_errors = 0
        self._client = client
        self._outbox = outbox
        self._reader = msgpack.Reader(64)
        self._session = 0
        self._resume_waits = False
        self._last = 0  # sent in this round
        # Frames found in the outbox may have been sent in an earlier life; one more, since the
        # first unsent "frame" may stand for a gap before them.
        self._top = outbox.next_unsent() + outbox.backlog()
        self._due_ms = 0
        self._wait_ms = self.patience_ms
        room = len(client.slot) - len(self.topic) - _HEAD_BYTES - 9
        if outbox.max_payload > room:
            raise ValueError("the largest frame of the outbox does not fit a packet")
        client.subscribe(down or (base + "/ack").encode(), self)

    def step(self, now_ms: int) -> int:
        """Move what can be moved without waiting; ms until the next step is worth while."""
        wait_ms = self._client.step(now_ms)
        if not self._client.is_up():
            return wait_ms
        if self._session != self._client.sessions:
            self._session = self._client.sessions
            self._begin_round(now_ms)
        elif self._awaits() and ticks_diff(now_ms, self._due_ms) >= 0:
            self._wait_ms = min(self._wait_ms * 2, self.patience_max_ms)
            self._begin_round(now_ms)
        try:
            sent = self._send_resume(now_ms) if self._resume_waits else self._send_frame(now_ms)
        except OSError:
            self.device_errors += 1
            return _DEVICE_MS
        return self._client.step(now_ms) if sent else wait_ms

    def receive(self, buf: bytearray, start: int, end: int, now_ms: int) -> None:
        """Take an acknowledgement: of our epoch, and of nothing that was not sent."""
        reader = self._reader
        reader.start(buf, start, end)
        fits = reader.array() == 3 and reader.integer() == VERSION
        epoch, seq = reader.integer(), reader.integer()
        if (reader.finish() != msgpack.OK or not fits or epoch != self._outbox.epoch
                or not 0 <= seq <= self._top):
            self.strange_acks += 1
            return
        try:
            news = self._outbox.ack(epoch, seq)
        except OSError:  # freed all the same; only the note of it is not on the medium yet
            self.device_errors += 1
            news = True
        if news:
            self._wait_ms = self.patience_ms
            self._due_ms = ticks_add(now_ms, self._wait_ms)

    def _awaits(self) -> bool:
        return self._resume_waits or self._last > self._outbox.acked

    def _begin_round(self, now_ms: int) -> None:
        self._outbox.resend()
        self._last = 0
        self._resume_waits = True
        self.rounds += 1
        self._due_ms = ticks_add(now_ms, self._wait_ms)

    def _send_resume(self, now_ms: int) -> bool:
        seq = self._outbox.acked + 1
        at = self._client.begin(self.topic)
        if at < 0:
            return False
        at = self._put_head(at, RESUME, seq, 0)
        self._client.commit(at, now_ms)
        self._resume_waits = False
        return True

    def _send_frame(self, now_ms: int) -> bool:
        outbox = self._outbox
        seq = outbox.next_unsent()
        acked = outbox.acked
        ahead = self._last > acked
        if seq == 0 or (ahead and seq - acked > self.window):
            return False
        at = self._client.begin(self.topic)
        if at < 0:
            return False
        body = self._put_head(at, 0, seq, 0)
        n = outbox.read(seq, self._client.slot, body)
        if n < 0:
            return False
        self._put_head(at, outbox.kind, seq, n)
        self._client.commit(body + n, now_ms)
        outbox.sent(seq)
        self.frames_sent += 1
        self._last = seq
        self._top = max(seq, self._top)
        if not ahead:
            self._due_ms = ticks_add(now_ms, self._wait_ms)
        return True

    def _put_head(self, at: int, kind: int, seq: int, n: int) -> int:
        """Write all of a message but its body; `kind` (0 .. 127) and `n` do not move the rest."""
        buf = self._client.slot
        at = msgpack.put_array_head(buf, at, 5)
        at = msgpack.put_int(buf, at, VERSION)
        at = msgpack.put_int(buf, at, kind)
        at = msgpack.put_int(buf, at, self._outbox.epoch)
        at = msgpack.put_int(buf, at, seq)
        return msgpack.put_bin16_head(buf, at, n)
