"""A broker and a bridge in one port, both of them enemies, and a gateway with both rings.

Behind them lies the real store. Packets of either direction may be dropped, doubled or come in
another order, each kind for itself; the bridge may stay silent or say what is not so.
"""

from __future__ import annotations

import random
from pathlib import Path

import msgpack

from cloud_bridge.batches import GAP, decode_gap, decode_message
from cloud_bridge.store import Store
from edge.blocks import RamBlocks
from edge.mqtt_client import MqttClient, Options
from edge.rings import Rings
from edge.sync import RESUME, Sync
from edge.ticks import ticks_add, ticks_diff

TOPIC, ACK_TOPIC = "parkedge/demo/gw07/b", b"parkedge/demo/gw07/ack"
CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP = 1, 2, 3, 4, 8, 9, 12, 13
KINDS = (CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP)
DROP, DOUBLE, DELAY = 1, 2, 3


def packets(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole MQTT packets, and what is left."""
    found = []
    while len(data) > 1:
        size, width = data[1] & 127, 2
        while data[width - 1] > 127:
            size += (data[width] & 127) << 7 * (width - 1)
            width += 1
        if len(data) < width + size:
            break
        found.append(data[:width + size])
        data = data[width + size:]
    return found, data


class Hostile:
    """The port. `mischief` is in thousandths of the packets of a kind: {kind: pm}."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.store = Store(folder / "park.db")
        self.rnd = random.Random(seed)
        self.mischief: dict[int, int] = {}
        self.done: dict[tuple[int, int], int] = {}  # what was done to which kind, how often
        self.acknowledges = self.pubacks = True
        self.messages: dict[int, set[int]] = {}  # that were stored, by epoch
        self.gaps: set[tuple[int, int, int]] = set()  # epoch, first, last
        self.published = 0
        self._in = self._out = b""
        self._held: list[tuple[bool, bytes]] = []

    def open(self, now_ms: int) -> None:
        self._in, self._out, self._held = b"", b"", []

    def is_open(self) -> bool:
        return True

    def close(self) -> None:
        pass

    def send(self, buf: bytes | bytearray | memoryview, n: int) -> int:
        found, self._in = packets(self._in + bytes(buf[:n]))
        for packet in found:
            self._pass(packet, up=True)
        return n

    def recv(self, buf: bytearray, at: int) -> int:
        n = min(len(buf) - at, len(self._out))
        buf[at:at + n], self._out = self._out[:n], self._out[n:]
        return n

    def say(self, ack: bytes) -> None:
        """A message on the topic of acknowledgements."""
        body = len(ACK_TOPIC).to_bytes(2, "big") + ACK_TOPIC + ack
        self._pass(b"\x30" + bytes([len(body)]) + body, up=False)

    def _pass(self, packet: bytes, up: bool) -> None:
        kind = packet[0] >> 4
        deed = self.rnd.choice((DROP, DOUBLE, DELAY)) \
            if self.rnd.randrange(1000) < self.mischief.get(kind, 0) else 0
        self.done[kind, deed] = self.done.get((kind, deed), 0) + 1
        if deed == DELAY:
            self._held.append((up, packet))
            return
        for _ in range({DROP: 0, DOUBLE: 2}.get(deed, 1)):
            self._give(packet, up)
        while self._held and self.rnd.random() < 0.5:
            up, packet = self._held.pop(self.rnd.randrange(len(self._held)))
            self._give(packet, up)

    def _give(self, packet: bytes, up: bool) -> None:
        if not up:
            self._out += packet
            return
        kind, body = packet[0] >> 4, packet[2 + (packet[1] > 127):]
        if kind == CONNECT:
            self._pass(b"\x20\x02\x00\x00", up=False)
        elif kind == SUBSCRIBE:
            self._pass(b"\x90\x03" + body[:2] + b"\x01", up=False)
        elif kind == PINGREQ:
            self._pass(b"\xd0\x00", up=False)
        elif kind == PUBLISH and packet[0] & 6 == 2:
            at = 2 + int.from_bytes(body[:2], "big")
            if self.pubacks:
                self._pass(b"\x40\x02" + body[at:at + 2], up=False)
            self.published += 1
            self._store(body[at + 2:])

    def _store(self, payload: bytes) -> None:
        receipt = self.store.commit([(TOPIC, payload)], 1_800_000_000)
        assert not receipt.tally["quarantined"]
        message = decode_message(payload)
        there = self.messages.setdefault(message.epoch, set())
        if message.kind == GAP:
            gap = decode_gap(message.body)
            self.gaps.add((message.epoch, gap.first, gap.last))
        elif message.kind != RESUME:
            there.add(message.seq)
        if not self.acknowledges:
            return
        for stream, cursor in receipt.acks.items():
            self.say(msgpack.packb([1, stream.epoch, cursor, *_ranges(there, cursor)]))


def _ranges(there: set[int], cursor: int) -> list[int]:
    """The first four ranges above the cursor, first and last of each."""
    ranges: list[int] = []
    for seq in sorted(seq for seq in there if seq > cursor):
        if ranges and ranges[-1] == seq - 1:
            ranges[-1] = seq
        elif len(ranges) < 8:
            ranges += [seq, seq]
    return ranges


class Gateway:
    """Both rings, the client and the sync, and a clock that only the test moves."""

    def __init__(self, hostile: Hostile, sectors: int = 16) -> None:
        self.hostile = hostile
        self.devices = RamBlocks(512, sectors), RamBlocks(512, sectors)  # bulk, vital
        self.now_ms = 1000
        self.boot()
        self.bodies: dict[tuple[int, int], bytes] = {}
        self._freed: dict[int, int] = {}  # up to there it was checked

    def boot(self) -> None:
        """Start: what is not on flash is forgotten."""
        self.rings = Rings(*self.devices, 400)
        self.rings.mount()
        options = Options(b"gw07")
        options.retry_ms, options.retry_max_ms, options.reply_ms = 100, 1_000, 2_000
        self.client = MqttClient(self.hostile, options)
        self.sync = Sync(self.client, self.rings.by_rank, "demo", "gw07", patience_ms=5_000)

    def append(self, kind: int, n: int = 1) -> None:
        """Store frames; what they say tells where they belong."""
        ring = self.rings.bulk if kind == 1 else self.rings.vital
        for _ in range(n):
            body = b"%d of %d" % (ring._next, ring.epoch)
            self.bodies[ring.epoch, self.rings.append(kind, body, len(body))] = body

    def run(self, for_ms: int, late: int = 1) -> None:
        """Let time pass; every step comes so many times later than it was asked for."""
        end_ms = ticks_add(self.now_ms, for_ms)
        while ticks_diff(end_ms, self.now_ms) > 0:
            self.now_ms = ticks_add(self.now_ms, late * self.sync.step(self.now_ms))
            self.check()

    def check(self) -> None:
        """Nothing is freed that the store does not have, or knows to be gone."""
        for ring in self.rings.by_rank:
            if ring.acked != self._freed.get(ring.epoch, 0):
                known = set(self.hostile.messages.get(ring.epoch, ()))
                for epoch, first, last in self.hostile.gaps:
                    if epoch == ring.epoch:
                        known |= set(range(first, last + 1))
                assert known.issuperset(range(1, ring.acked + 1))
                self._freed[ring.epoch] = ring.acked

    def stored(self) -> dict[tuple[int, int], bytes]:
        """What is in the database."""
        return {(epoch, seq): body for epoch, seq, body in self.hostile.store._db.execute(
            "SELECT epoch, seq, body FROM messages")}
