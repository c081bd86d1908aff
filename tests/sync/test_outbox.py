"""The outbox in daily use: order, acknowledgements, overflow, rot, failing media, lossy links."""

import random

import msgpack as reference
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.batches import Gap, decode_gap, decode_message
from edge.blocks import RamBlocks
from edge.outbox import GAP, Outbox


def mounted(device):
    box = Outbox(device)
    box.mount()
    return box


def put(box, payload, kind=1):
    return box.append(kind, payload, len(payload))


def get(box, seq):
    """Kind and payload of a frame, None when it does not wait."""
    into = bytearray(box.max_payload + 3)
    n = box.read(seq, into, 3)
    return None if n < 0 else (box.kind, bytes(into[3:3 + n]))


def gap(first, last):
    return GAP, reference.packb([1, first, last - first + 1])


def test_frames_come_out_in_order_until_they_are_acknowledged():
    box = mounted(RamBlocks())
    assert [put(box, text, kind) for kind, text in ((2, b"birth"), (1, b""), (3, b"leaf"))] \
        == [1, 2, 3]
    assert (box.backlog(), box.lost(), box.next_unsent()) == (3, 0, 1)
    assert [get(box, seq) for seq in (2, 1, 3, 4, 0)] == [
        (1, b""), (2, b"birth"), (3, b"leaf"), None, None]
    box.sent(1)
    assert box.next_unsent() == 2
    box.sent(3)
    assert box.next_unsent() == 0
    assert box.ack(box.epoch, 2)
    assert (box.backlog(), box.acked, box.next_unsent(), get(box, 2)) == (1, 2, 0, None)
    box.resend()
    assert box.next_unsent() == 3


def test_an_acknowledgement_must_be_news_and_ours():
    box = mounted(RamBlocks())
    for _ in range(5):
        put(box, b"x")
    assert not box.ack(box.epoch ^ 1, 3)
    assert not box.ack(box.epoch, 6), "nobody has what was never stored"
    assert not box.ack(box.epoch, 0)
    assert box.ack(box.epoch, 3)
    assert not box.ack(box.epoch, 3)
    assert not box.ack(box.epoch, 2)
    assert box.backlog() == 2


@pytest.mark.parametrize(("kind", "n"), [(0, 1), (GAP, 1), (-1, 1), (1, 4053)])
def test_refuses_what_it_could_not_store(kind, n):
    box = mounted(RamBlocks(4096, 3))
    assert box.max_payload == 4052
    with pytest.raises(ValueError, match="kind 1 to 99"):
        box.append(kind, bytes(n), n)
    with pytest.raises(ValueError, match="mount first"):
        put(Outbox(RamBlocks()), b"x")
    with pytest.raises(ValueError, match="3 sectors"):
        Outbox(RamBlocks(4096, 2))


@pytest.mark.parametrize("align", [1, 4, 8, 32, 256])
def test_every_access_fits_the_flash(align):
    class Flash(RamBlocks):
        def program(self, sector, offset, buf, n):
            assert offset % align == n % align == 0
            assert offset + n <= self.sector_size
            super().program(sector, offset, buf, n)

    device = Flash(1024, 8)
    device.align = align
    box = mounted(device)
    payloads = [bytes([n % 251]) * n for n in (0, 1, box.max_payload, 3, 200, box.max_payload - 1)]
    for payload in payloads:
        put(box, payload)
    assert box.max_payload >= 1024 - 2 * align - 44
    assert [get(mounted(device), seq + 1) for seq in range(6)] == [(1, p) for p in payloads]


def test_overflow_is_counted_reported_and_remembered():
    device = RamBlocks(256, 4)  # three live sectors of four frames each
    box = mounted(device)
    for i in range(10):
        put(box, bytes([i]) * 40)
    assert box.ack(box.epoch, 2)
    for i in range(10, 100):
        put(box, bytes([i]) * 40)
    lost = box.lost()
    assert 86 <= lost <= 90
    assert box.backlog() == 98 - lost
    assert box.next_unsent() == 2 + lost
    assert get(box, 2 + lost) == gap(3, 2 + lost)
    assert get(box, 3 + lost) == (1, bytes([2 + lost]) * 40)
    box.sent(2 + lost)
    assert box.next_unsent() == 3 + lost
    again = mounted(device)
    assert (again.lost(), again.epoch, again.acked) == (lost, box.epoch, 2)
    assert again.next_unsent() == 2 + lost
    assert again.ack(box.epoch, 2 + lost)
    assert (again.lost(), again.backlog()) == (lost, 98 - lost)


def test_overflow_overtakes_what_was_sent():
    """Frames on their way are lost with the connection: the report comes when it is resumed."""
    box = mounted(RamBlocks(256, 4))
    for i in range(12):
        put(box, bytes([i]) * 40)
    box.sent(10)
    for i in range(12, 16):
        put(box, bytes([i]) * 40)
    assert box.next_unsent() == 11
    box.resend()
    assert box.next_unsent() == box.lost() == 4
    assert get(box, 4) == gap(1, 4)


@pytest.mark.parametrize("part", ["header", "length", "payload"])
def test_rot_costs_only_what_rotted(part):
    device = RamBlocks(256, 6)
    box = mounted(device)
    for i in range(12):
        put(box, bytes([i]) * 40)
    at = 256 + {"header": 9, "length": 32, "payload": 32 + 20}[part]  # of frame 5, in sector 1
    device.memory[at] ^= 0x40
    gone = [5] if part == "payload" else [5, 6, 7, 8]
    box = mounted(device)
    assert [get(box, seq) for seq in range(1, 13)] == [
        gap(seq, seq) if seq in gone else (1, bytes([seq - 1]) * 40) for seq in range(1, 13)]
    assert put(box, b"x") == 13


def test_rot_in_the_newest_sector_gives_no_number_twice():
    device = RamBlocks(256, 6)
    box = mounted(device)
    for i in range(3):
        put(box, bytes([i]) * 40)
    device.memory[32 + 10] ^= 1
    assert put(mounted(device), b"x") == 4


@given(st.binary(max_size=300), st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_mounts_any_garbage(garbage, seed):
    device = RamBlocks(128, 4)
    rnd = random.Random(seed)
    if rnd.random() < 0.7:
        box = mounted(device)
        for _ in range(rnd.randint(0, 30)):
            put(box, rnd.randbytes(rnd.randint(0, 60)))
    at = rnd.randint(0, len(device.memory) - len(garbage))
    device.memory[at:at + len(garbage)] = garbage
    box = mounted(device)
    while (seq := box.next_unsent()) > 0:
        assert get(box, seq)
        box.sent(seq)
    assert get(box, put(box, b"new")) == (1, b"new")


class PowerCutError(Exception):
    """The gateway stops here."""


class Shaky(RamBlocks):
    """A medium that now and then fails, or loses power, in the middle of what it does."""

    def __init__(self, rnd):
        super().__init__(256, 6)
        self.random = rnd

    def program(self, sector, offset, buf, n):
        if self.random is None or self.random.random() < 0.94:
            super().program(sector, offset, buf, n)
            return
        super().program(sector, offset, buf, self.random.randint(0, n))
        raise self.random.choice([PowerCutError(), OSError(5, "medium")])

    def erase(self, sector):
        super().erase(sector)
        if self.random is not None and self.random.random() < 0.1:
            raise self.random.choice([PowerCutError(), OSError(5, "medium")])


class Cloud:
    """Keeps what comes, once, and acknowledges up to the first message that is missing."""

    def __init__(self):
        self.messages = {}
        self.gaps = set()
        self.next = 1

    def take(self, payload):
        message = decode_message(payload)
        if message.kind == GAP:
            hole = decode_gap(message.body)
            assert isinstance(hole, Gap)
            assert hole.last == message.seq
            self.gaps.update(range(hole.first, hole.last + 1))
        else:
            key = message.epoch, message.seq
            assert self.messages.setdefault(key, message.body) == message.body, "a number reused"
        while (message.epoch, self.next) in self.messages or self.next in self.gaps:
            self.next += 1
        return message.epoch, self.next - 1


def send(box, seq):
    into = bytearray(box.max_payload)
    n = box.read(seq, into)
    box.sent(seq)
    return reference.packb([1, box.kind, box.epoch, seq, bytes(into[:n])])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=150)
def test_the_cloud_gets_every_frame_or_knows_that_it_is_gone(seed):
    """Power cuts, failing writes, a link that loses messages and acknowledgements, outages."""
    rnd = random.Random(seed)
    device = Shaky(rnd)
    box = mounted(device)
    cloud = Cloud()
    stored = {}
    for step in range(120):
        try:
            payload = bytes([step]) + rnd.randbytes(rnd.randint(0, 50))
            stored_as = put(box, payload)
            assert stored_as not in stored, "a number used twice"
            stored[stored_as] = payload
            for _ in range(0 if 40 < step < 80 else 3):  # an outage in between
                seq = box.next_unsent()
                if seq and rnd.random() < 0.8:
                    epoch, upto = cloud.take(send(box, seq))
                    if rnd.random() < 0.7:
                        box.ack(epoch, upto)
                elif seq:
                    send(box, seq)
            if rnd.random() < 0.2:
                box.resend()
        except OSError:
            continue
        except PowerCutError:
            box = mounted(device)
    device.random = None
    box.resend()
    while (seq := box.next_unsent()) > 0:
        box.ack(*cloud.take(send(box, seq)))
    assert box.backlog() == 0
    for seq, payload in stored.items():
        assert cloud.messages.get((box.epoch, seq), payload) == payload
        assert (box.epoch, seq) in cloud.messages or seq in cloud.gaps
    assert len(stored.keys() - {seq for _, seq in cloud.messages}) <= box.lost()
