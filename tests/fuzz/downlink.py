"""Any bytes on each topic that a gateway hears, through the client of either version: its receiver
takes or counts it, the connection stands, and nothing is freed that was not sent."""

from types import SimpleNamespace

import msgpack

from edge.announcements import Announcements
from edge.blocks import RamBlocks
from edge.rings import Rings
from edge.sync import Sync
from tests.attacks.commanded import Gateway, command
from tests.core.test_share_link import link
from tests.sync.test_announcements import GOOD
from tests.sync.test_mqtt5 import Bench5
from tests.sync.test_mqtt_client import Bench

_TOPICS = [b"parkedge/p/" + part for part in (b"g/ack", b"g/cmd", b"g/announce", b"limit")]
_MESSAGES = (msgpack.packb([1, 7, 3]), command(), msgpack.packb(GOOD),
             msgpack.packb([1, 77, 1, 5, 9, 9, -1, 0, -1, 0, -1, 0]))
SEEDS = [bytes([at + 4 * version]) + _MESSAGES[at] for version in (0, 1) for at in range(4)]
SEEDS += [b"\x00" + bytes(900), b"\x09" + bytes(2000)]


def _made(kind) -> SimpleNamespace:
    bench = kind()
    client = bench.client
    rings = Rings(RamBlocks(512, 4), RamBlocks(512, 4), 64)
    rings.mount()
    gateway = Gateway()
    shared, _ = link()
    announced = Announcements(lambda *_: 0)
    sync = Sync(client, rings.by_rank, "p", "g")
    client.subscribe(_TOPICS[1], gateway.commands)
    client.subscribe(_TOPICS[2], announced)
    client.subscribe(_TOPICS[3], shared)
    bench.rise()
    return SimpleNamespace(bench=bench, rings=rings, gateway=gateway, shared=shared, sync=sync,
                           announced=announced, is5=kind is Bench5)


_gateways = [_made(kind) for kind in (Bench, Bench5)]


def one(data: bytes) -> None:
    """The first byte says to whom, and by which version."""
    if not data:
        return
    it, payload = _gateways[data[0] >> 2 & 1], data[1:]
    bench, client = it.bench, it.bench.client
    before = _heard(it)
    body = len(_TOPICS[data[0] & 3]).to_bytes(2) + _TOPICS[data[0] & 3] + bytes(it.is5) + payload
    bench.port.say(b"\x30" + _length(len(body)) + body)
    while bench.port.waiting:
        client.step(bench.now_ms)
        bench.now_ms = (bench.now_ms + 20) % (1 << 30)
        it.gateway.now_ms = bench.now_ms
        if any(packet[0] == 0xC0 for packet in bench.port.packets()):
            bench.port.say(b"\xd0\x00")
    it.gateway.commands.step(bench.now_ms)
    assert client.is_up(), client.fault
    assert client.failures == client.strays == 0
    more = sum(_heard(it)) - sum(before)
    assert more == 1 or (more == 0 and data[0] & 1), "counted by one"
    assert [ring.acked for ring in it.rings.by_rank] == [0, 0]
    it.gateway.outbox.frames.clear()


def _heard(it: SimpleNamespace) -> list[int]:
    """How many messages each has counted, one way or the other. A command that is repeated is told
    again, a message of another one behind the shared limit just taken: neither is counted."""
    commands = it.gateway.commands
    return [it.bench.client.oversized, it.sync.strange_acks, commands.accepted + commands.refused,
            it.announced.taken + it.announced.strange, it.shared.strange]


def _length(n: int) -> bytes:
    """The remaining length of a packet."""
    return bytes([n]) if n < 128 else bytes([n & 127 | 128, n >> 7])
