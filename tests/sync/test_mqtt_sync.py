"""Frames from an outbox to a cloud that a test plays, under virtual time and with every fault."""

import msgpack
import pytest

from cloud_bridge.batches import decode_gap, decode_message
from edge.blocks import RamBlocks
from edge.mqtt_client import MqttClient, Options
from edge.outbox import GAP, Outbox
from edge.sync import RESUME, Sync
from edge.ticks import ticks_add, ticks_diff

TOPIC, ACK_TOPIC = b"parkedge/demo/gw07/b", b"parkedge/demo/gw07/ack"


class Cloud:
    """A broker and a bridge in one port. It stores what it gets and acknowledges as told."""

    def __init__(self):
        self.frames = {}  # (epoch, seq) -> (kind, body)
        self.gaps = []
        self.floor = {}  # epoch -> all up to here is gone for good
        self.received = []  # (kind, seq), in order
        self.acknowledges = True  # the bridge is there
        self.pubacks = True
        self.keeps = True  # the broker does not lose what it has acknowledged
        self.refuses = 0  # the next subscriptions, as a cluster does that has no leader
        self.subscribed = False
        self.up = self.broken = False
        self._in = self._out = b""

    def open(self, now_ms):
        self.up, self._in, self._out = True, b"", b""
        if self.broken:
            raise OSError(111)

    def is_open(self):
        return True

    def close(self):
        self.up = False

    def send(self, buf, n):
        if self.broken:
            raise OSError(104)
        self._in += bytes(buf[:n])
        while len(self._in) > 1:
            size, width = self._in[1] & 127, 2
            while self._in[width - 1] > 127:
                size += (self._in[width] & 127) << 7 * (width - 1)
                width += 1
            packet, self._in = self._in[:width + size], self._in[width + size:]
            self._take(packet[0], packet[width:])
        return n

    def recv(self, buf, at):
        if self.broken:
            raise OSError(104)
        n = min(len(buf) - at, len(self._out))
        buf[at:at + n], self._out = self._out[:n], self._out[n:]
        return n

    def _take(self, first, body):
        kind = first >> 4
        if kind == 1:
            self._out += b"\x20\x02\x01\x00"
        elif kind == 8:
            self.subscribed = self.refuses <= 0
            self.refuses -= 1
            self._out += b"\x90\x03" + body[:2] + (b"\x01" if self.subscribed else b"\x80")
        elif kind == 12:
            self._out += b"\xd0\x00"
        elif kind == 3:
            assert first & 6 == 2
            at = 2 + int.from_bytes(body[:2], "big")
            assert body[2:at] == TOPIC
            if self.pubacks:
                self._out += b"\x40\x02" + body[at:at + 2]
            if self.keeps:
                self._store(decode_message(body[at + 2:]))

    def _store(self, message):
        self.received.append((message.kind, message.seq))
        floor = self.floor.get(message.epoch, 0)
        if message.kind == RESUME:
            assert message.body == b""
            floor = max(floor, message.seq - 1)
        elif message.kind == GAP:
            gap = decode_gap(message.body)
            assert gap.last == message.seq
            self.gaps.append(gap)
            if gap.first <= floor + 1:
                floor = max(floor, gap.last)
        else:
            kept = self.frames.setdefault((message.epoch, message.seq), message[0:1] + message[3:])
            assert kept == (message.kind, message.body)
        while (message.epoch, floor + 1) in self.frames:
            floor += 1
        self.floor[message.epoch] = floor
        if self.acknowledges and self.subscribed:
            self.say(msgpack.packb([1, message.epoch, floor]))

    def say(self, ack):
        body = len(ACK_TOPIC).to_bytes(2, "big") + ACK_TOPIC + ack
        self._out += b"\x30" + bytes([len(body)]) + body


class Bench:
    """A gateway's way up: outbox, client, sync, and a clock that only the test moves."""

    def __init__(self, sectors=16, window=8):
        self.device = RamBlocks(512, sectors)
        self.window = window
        self.cloud = Cloud()
        self.now_ms = (1 << 30) - 10_000
        self.boot()

    def boot(self):
        """Start the gateway: what is not on flash is forgotten."""
        self.outbox = Outbox(self.device)
        self.outbox.mount()
        self.client = MqttClient(self.cloud, Options(b"gw07"))
        self.sync = Sync(self.client, (self.outbox,), "demo", "gw07", self.window)

    def append(self, n=1):
        """Add frames; their bodies tell what they are."""
        for _ in range(n):
            body = b"frame %d" % self.outbox._next
            self.outbox.append(1 + self.outbox._next % 3, body, len(body))

    def run(self, for_ms, late=1):
        """Let time pass; every step comes so many times later than it was asked for."""
        end_ms = ticks_add(self.now_ms, for_ms)
        while ticks_diff(end_ms, self.now_ms) > 0:
            wait_ms = self.sync.step(self.now_ms)
            assert 0 < wait_ms <= 1_000
            self.now_ms = ticks_add(self.now_ms, wait_ms * late)

    def stored(self):
        """Sequence numbers in the cloud, of this epoch; each with the body it was given."""
        for (_, seq), (kind, body) in self.cloud.frames.items():
            assert (kind, body) == (1 + seq % 3, b"frame %d" % seq)
        return sorted(seq for epoch, seq in self.cloud.frames if epoch == self.outbox.epoch)


def test_frames_arrive_in_order_and_are_freed():
    bench = Bench()
    bench.append(50)
    bench.run(5_000)
    assert bench.cloud.received == [(RESUME, 1)] + [(1 + n % 3, n) for n in range(1, 51)]
    assert bench.outbox.backlog() == 0
    assert bench.sync.rounds == 1
    bench.run(10_000_000, late=10)
    assert len(bench.cloud.received) == 51  # nothing is repeated, nothing is said without need


def test_puback_frees_nothing():
    bench = Bench()
    bench.cloud.acknowledges = False
    bench.append(20)
    bench.run(20_000)
    assert bench.stored() == list(range(1, 9))  # the window
    assert bench.outbox.backlog() == 20


def test_without_an_answer_it_begins_again_ever_more_rarely():
    bench = Bench()
    bench.cloud.acknowledges = False
    bench.append(20)
    bench.run(3_600_000)
    assert bench.sync.rounds == 1 + 9  # after 30, 60 .. 480 s, then every 600 s
    assert bench.sync.frames_sent == 10 * 8
    bench.cloud.acknowledges = True
    bench.run(600_000)
    assert bench.stored() == list(range(1, 21))
    assert bench.outbox.backlog() == 0
    bench.cloud.acknowledges = False  # patience is back
    bench.append()
    bench.run(31_000)
    assert bench.sync.rounds == 12


def test_patience_begins_with_the_frame_and_not_with_the_connection():
    bench = Bench()
    bench.run(3_600_000, late=5)
    bench.cloud.acknowledges = False
    bench.append()
    bench.run(29_000)
    assert bench.sync.rounds == 1
    bench.run(2_000)
    assert bench.sync.rounds == 2


def test_what_the_broker_lost_is_sent_again():
    """PUBACKed and gone: a broker without persistence after a power cut."""
    bench = Bench()
    bench.run(1_000)
    bench.cloud.keeps = False
    bench.append(5)
    bench.run(2_000)
    assert bench.outbox.backlog() == 5
    assert bench.stored() == []
    bench.cloud.keeps, bench.cloud.broken = True, True
    bench.run(200)
    bench.cloud.broken = False
    bench.run(3_000)
    assert bench.stored() == [1, 2, 3, 4, 5]
    assert bench.outbox.backlog() == 0


@pytest.mark.parametrize("ack", [
    [1, 7, 3], [1, 0, 3], [2, None, 3], [1, None, 6], [1, None, -1], [1, None], [1, None, 3, 0],
    [1, None, "3"], [1, None, None], "text", 5, {"a": 1}, [[1, None, 3]], [1, None, 1 << 40]])
def test_strange_acknowledgements_free_nothing(ack):
    """A wrong epoch or version, frames never sent, or no acknowledgement at all."""
    bench = Bench(window=5)
    bench.run(1_000)
    bench.cloud.acknowledges = False
    bench.append(10)
    bench.run(1_000)
    assert bench.stored() == [1, 2, 3, 4, 5]
    if isinstance(ack, list) and len(ack) > 1 and ack[1] is None:
        ack = [ack[0], bench.outbox.epoch, *ack[2:]]
    bench.cloud.say(msgpack.packb(ack))
    bench.run(200)
    assert bench.sync.strange_acks == 1
    assert bench.outbox.backlog() == 10
    bench.cloud.say(msgpack.packb([1, bench.outbox.epoch, 5]) + b"\x00")
    bench.cloud.say(msgpack.packb([1, bench.outbox.epoch, 5])[:-1])
    bench.cloud.say(b"")
    bench.run(200)
    assert bench.sync.strange_acks == 4
    bench.cloud.say(msgpack.packb([1, bench.outbox.epoch, 5]))
    bench.run(200)
    assert bench.sync.strange_acks == 4
    assert bench.outbox.backlog() == 5


def test_old_acknowledgement_is_no_news_and_no_fault():
    bench = Bench()
    bench.append(5)
    bench.run(1_000)
    bench.cloud.say(msgpack.packb([1, bench.outbox.epoch, 2]))
    bench.run(200)
    assert bench.sync.strange_acks == 0
    assert bench.outbox.acked == 5


def test_reboot_with_the_cloud_ahead_of_the_gateway():
    """The note of the last acknowledgements was not on flash yet: the cloud has more than the
    gateway remembers having sent, and says so before it was sent again."""
    bench = Bench(window=2)
    bench.append(14)
    bench.run(5_000)
    bench.boot()
    assert bench.outbox.acked == 0
    bench.run(1_000)
    assert bench.outbox.acked == 14
    assert bench.sync.strange_acks == 0


def test_a_cloud_with_a_new_database_is_told_where_to_begin():
    bench = Bench()
    bench.append(40)
    bench.run(5_000)
    bench.cloud.frames.clear()
    bench.cloud.floor.clear()
    bench.append(3)
    bench.run(60_000)
    assert bench.outbox.backlog() == 0
    assert bench.stored() == [41, 42, 43]


def test_largest_frame_must_fit_a_packet():
    outbox = Outbox(RamBlocks(16_384, 4))
    outbox.mount()
    with pytest.raises(ValueError, match="does not fit"):
        Sync(MqttClient(Cloud(), Options(b"gw")), (outbox,), "demo", "gw")


def test_largest_frame_of_the_longest_names_fits_exactly():
    """What the constructor accepts can be sent: the largest numbers, the last byte of the slot."""
    outbox = Outbox(RamBlocks(4096, 4))
    outbox.mount()
    outbox.epoch = 0xFFFFFFFF
    options, cloud = Options(b"gw"), Cloud()
    options.slot_bytes = 9 + len(TOPIC) + 16 + outbox.max_payload
    sync = Sync(MqttClient(cloud, options), (outbox,), "demo", "gw07")
    outbox._next = outbox._floor = 0xFFFFFFF0
    outbox.acked = outbox._sent = 0xFFFFFFEF
    body = bytes(range(256)) * 16
    outbox.append(1, body, outbox.max_payload)
    for now_ms in range(0, 1_000, 20):
        sync.step(now_ms)
    assert cloud.frames == {(0xFFFFFFFF, 0xFFFFFFF0): (1, body[:outbox.max_payload])}
    options.slot_bytes -= 1
    with pytest.raises(ValueError, match="does not fit"):
        Sync(MqttClient(cloud, options), (outbox,), "demo", "gw07")
