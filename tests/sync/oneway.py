"""A gateway behind a one-way isolation device, in virtual time: what tests of both ends share."""

import hmac
import random
import threading
import time
from contextlib import contextmanager

import msgpack

from cloud_bridge.listener import Listener
from cloud_bridge.oneway import KEY_FILE, Keys
from cloud_bridge.store import Store
from edge.blocks import RamBlocks
from edge.oneway import OneWay
from edge.outbox import Outbox

KEY = bytes(range(32))
HEAD = b"\xe1\x01\x04demo\x04gw07\x00"
MINUTE, HOUR = 60_000, 3_600_000
IDLE_MS = 1_000
MASK = (1 << 30) - 1


class Port:
    """Where datagrams go; `trouble` is raised, or False given back, in their place."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.trouble = None

    def send(self, buf, n):
        if self.trouble is not None:
            if isinstance(self.trouble, OSError):
                raise self.trouble
            return self.trouble
        self.gateway.sent.append((self.gateway.now, bytes(buf[:n])))
        return True


class Gateway:
    """Appends frames and lets time pass. `sent`: (ms since the start, datagram)."""

    def __init__(self, sectors=64, boot_ms=MASK - 100_000, name="gw07", rings=1, **keys):
        self.devices = [RamBlocks(4096, sectors) for _ in range(rings)]
        self.name, self.keys, self.boot_ms = name, {"rate": 100_000, **keys}, boot_ms
        self.now = 0
        self.sent = []
        self.bodies = {}
        self.port = Port(self)
        self.boot()

    def boot(self):
        """Start; also after a power cut."""
        self.rings = [Outbox(device, 4000) for device in self.devices]
        for ring in self.rings:
            ring.mount()
        self.outbox = self.rings[0]
        self.way = OneWay(self.port, tuple(self.rings), "demo", self.name, KEY, **self.keys)

    def append(self, n=1, size=300, ring=0):
        for _ in range(n):
            body = random.Random(len(self.bodies)).randbytes(size)  # no two pieces are alike
            outbox = self.rings[ring]
            self.bodies[outbox.epoch, outbox.append(1, body, size)] = body

    def pass_time(self, ms):
        """Step when asked to; every 10 s where the app, with nothing to do, would every second."""
        end = self.now + ms
        while self.now < end:
            wait_ms = self.way.step(self.boot_ms + self.now & MASK)
            self.now = min(self.now + (10_000 if wait_ms == IDLE_MS else max(wait_ms, 1)), end)

    def drain(self):
        """All repeats, to the last."""
        self.pass_time(2 * HOUR + 10 * MINUTE)


def seal(data, key=KEY):
    """A datagram of these bytes with a right tag, by another implementation than the gateway's."""
    return data + hmac.digest(key, b"parkedge-oneway-1" + data, "sha256")[:16]


def datagram(seq, kind=1, body=b"body", epoch=9, head=HEAD, key=KEY):
    """One with a message of these parts."""
    return seal(head + msgpack.packb([1, kind, epoch, seq, body]), key)


def keys_in(folder, *gateways, key=KEY):
    """A folder with the keys of gateways of park demo."""
    for name in gateways or ("gw07",):
        put_key(folder / "keys" / "demo" / name, key)
    return folder / "keys"


def put_key(folder, key):
    """Put a key into a gateway's folder, where nobody else may read it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / KEY_FILE
    path.touch(0o600)
    path.write_bytes(key)


@contextmanager
def listening(folder, **patience):
    """A listener in a thread on loopback, with its store in `folder`; what it logged is in `said`.
    It has stopped, and committed, when the block ends."""
    said = []
    keys = folder / "keys"
    listener = Listener(("127.0.0.1", 0), lambda: Store(folder / "park.db", **patience),
                        Keys(keys if keys.exists() else keys_in(folder)),
                        lambda event, **values: said.append((event, values)))
    listener.said = said
    thread = threading.Thread(target=listener.run)
    thread.start()
    try:
        yield listener
    finally:
        listener.stop()
        thread.join(20)
        assert not thread.is_alive()


def until(reached, timeout_s=20):
    """Wait until something is so."""
    end_s = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < end_s
        time.sleep(0.005)
