"""Any bytes as an acknowledgement, to a gateway with two rings of which some has been sent: frames
are freed only by one that says so in as many words, and never one that was not sent."""

from types import SimpleNamespace

import msgpack

from edge.blocks import RamBlocks
from edge.rings import Rings
from edge.sync import Sync

SENT, STORED = 6, 9  # of each ring
EPOCHS = (7, 8)
SEEDS = [msgpack.packb(ack) for ack in (
    [1, 7, 0], [1, 8, 3], [1, 7, 6], [1, 7, 7], [1, 8, 1, 3, 4], [1, 7, 0, 2, 2, 4, 4, 6, 6],
    [1, 8, 2, 4, 4, 6, 6, 8, 9, 11, 12], [1, 9, 1], [2, 7, 1], [1, 7, 0, 5, 3])]


class _Client:
    slot = bytearray(600)

    def subscribe(self, topic: bytes, receiver: object) -> None:
        assert topic == b"parkedge/p/g/ack"


def _made() -> SimpleNamespace:
    rings = Rings(RamBlocks(512, 4), RamBlocks(512, 4), 64)
    rings.mount()
    for ring, epoch in zip((rings.bulk, rings.vital), EPOCHS, strict=True):
        ring.epoch = epoch
        for number in range(STORED):
            ring.append(1 if epoch == 7 else 3, b"%d" % number, 1)
    sync = Sync(_Client(), rings.by_rank, "p", "g")  # type: ignore[arg-type]
    for way in sync._ways:
        way.top = way.last = SENT
        way.outbox.found = 0
        way.outbox.sent(SENT)
    return SimpleNamespace(rings=rings, sync=sync)


_it = _made()


def one(data: bytes) -> None:
    """Somewhere in the client's buffer; what has freed something begins anew."""
    global _it
    sync, rings = _it.sync, (_it.rings.bulk, _it.rings.vital)
    strange = sync.strange_acks
    sync.receive(bytearray(b"xx" + data + b"\x01"), 2, 2 + len(data), 5)
    if sync.strange_acks > strange:
        assert [(ring.acked, ring._above) for ring in rings] == [(0, [])] * 2
        return
    version, epoch, seq, *above = msgpack.unpackb(data)
    assert (version, epoch in EPOCHS) == (1, True)
    assert above == sorted(above)
    assert len(above) in (0, 2, 4, 6, 8)
    assert max([seq, *above]) <= SENT
    ours, other = rings if epoch == EPOCHS[0] else rings[::-1]
    assert (ours.acked, other.acked, other._above) == (seq, 0, [])
    buf = bytearray(64)
    for number in range(1, STORED + 1):
        assert (ours.read(number, buf) > 0) == (number > seq)
    unsent = ours.next_unsent()
    assert unsent > SENT
    _it = _made()
