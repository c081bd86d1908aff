"""A day of the foundry behind a one-way isolation device that loses datagrams: what arrives.

The real controller on the emulator's plant, the real uplink in virtual time, a lossy network, real
UDP on loopback, the real listener and its store. Compared is what was sent with what the store
gives back.
"""

from __future__ import annotations

import socket
import sqlite3
import tempfile
import threading
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from boards import local_time
from boards.site import check
from cloud_bridge.batches import TELEMETRY, Message, decode_batch
from cloud_bridge.listener import Listener
from cloud_bridge.oneway import KEY_FILE, Joiner, Keys, unseal
from cloud_bridge.store import Store
from edge import uplink
from edge.blocks import RamBlocks
from edge.sync import RESUME
from hil import bench_modules
from hil.bench_tree import SITE, NotMeasuredError
from hil.dut import InProcess
from hil.emulate import Emulator, plant_of
from hil.emulation import Order, feeds_of
from hil.lossy import Lossy

NETWORKS = {"random": {"drop_pm": 50}, "bursts": {"burst_pm": 2, "burst": 25}}  # 5 %, about
_KEY = bytes(range(32))
_MASK = (1 << 30) - 1
_AFTER_S = 2 * 3600 + 600  # until the last repeat is let go
_STEPS = "bench_datagram"
_AHEAD = 40  # datagrams that the listener may be behind: less than a socket holds
_PATIENCE_S = 30.0
_FOREVER_UTC = 1 << 40


class _Air:
    """The way from gateway to listener; nothing is lost on it but what the network loses. Keeps
    what goes in at the beginning."""

    def __init__(self, network: Lossy, listener: Listener) -> None:
        self.network, self.listener = network, listener
        self.sent: list[bytes] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, buf: bytearray, n: int) -> bool:
        self.sent.append(bytes(buf[:n]))
        self.carry(self.network.take(self.sent[-1]))
        return True

    def carry(self, datagrams: list[bytes]) -> None:
        for data in datagrams:
            self._socket.sendto(data, ("127.0.0.1", self.listener.port))
        self.wait(_AHEAD)

    def wait(self, ahead: int) -> None:
        end_s = time.monotonic() + _PATIENCE_S
        while self.network.passed - self.listener.counts["datagrams"] > ahead:
            if time.monotonic() > end_s:
                raise NotMeasuredError("the listener did not get on")
            time.sleep(0.0005)

    def close(self) -> None:
        """All that is still on its way arrives."""
        try:
            self.carry(self.network.rest())
            self.wait(0)
        finally:
            self._socket.close()


class _Board:
    """What an uplink asks of a board."""

    def flash_device(self) -> RamBlocks:
        return RamBlocks(4096, 256)

    def state(self, name: str) -> RamBlocks:
        return RamBlocks(4096, 64)

    def secret(self, name: str) -> bytes:
        return _KEY


class _Gateway(InProcess):
    """The controller, and its uplink, which is stepped after each beat."""

    def __init__(self, image: dict[str, Any], air: _Air) -> None:
        super().__init__(image)
        self.app = SimpleNamespace(site=self.site, board=_Board(), sync=None, client=None)
        self.uplink: Any = uplink.part(self.app, image)
        self.app.sync._port = air
        self._now_ms = _MASK - 3_600_000  # so that the clock wraps on the way

    def beat(self, row: array[int]) -> Any:
        setpoint = super().beat(row)
        self.live(1)
        return setpoint

    def live(self, seconds: int) -> None:
        for _ in range(seconds):
            self._now_ms += 1000
            self.uplink.step(self._now_ms & _MASK, True)


def measure(quarters: int = 96, seed: int = 1) -> dict[str, float]:
    """Figures of each network. NotMeasuredError when the store holds what was never sent."""
    figures: dict[str, float] = {}
    for name, keys in NETWORKS.items():
        figures.update({f"oneway.{name}.{key}": value for key, value in
                        _measure(quarters, Lossy(seed, **keys)).items()})
    return figures


def instructions(command: Sequence[str]) -> dict[str, float]:
    """Of a step, by an interpreter in an emulator that prints a running count at each mark."""
    with tempfile.TemporaryDirectory() as folder:
        bench_modules.build(Path(folder), ("edge.oneway", "edge.blocks"), _STEPS)
        counts = bench_modules.instructions(bench_modules.run(
            command, Path(folder), _STEPS, str(Path(folder, "outbox.bin"))))
    half = len(counts) // 2
    return {"oneway.step_arm_instructions": round(sum(counts[:half]) / half),
            "oneway.step_arm_instructions_max": max(counts[:half]),
            "oneway.idle_arm_instructions": round(sum(counts[half:]) / half)}


def site_file(folder: Path) -> Path:
    """The foundry behind such a device."""
    path = folder / "site.toml"
    path.write_text(SITE.read_text(encoding="utf-8") + '\n[oneway]\nhost = "127.0.0.1"\n',
                    encoding="utf-8")
    return path


def _measure(quarters: int, network: Lossy) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "demo" / "foundry" / KEY_FILE
        path.parent.mkdir(parents=True)
        path.touch(0o600)
        path.write_bytes(_KEY)
        store, keys = folder / "park.db", Keys(folder)
        listener = Listener(("127.0.0.1", 0), lambda: Store(store), keys, lambda *_, **__: None)
        thread = threading.Thread(target=listener.run, daemon=True)
        thread.start()
        air = _Air(network, listener)
        try:
            device = _live(folder, quarters, air)
        finally:
            air.close()
            listener.stop()
            thread.join(_PATIENCE_S)
        with Store(store, create=False) as opened:
            rows = [row.values for row in opened.rows("demo", "foundry", 0, _FOREVER_UTC)]
        with closing(sqlite3.connect(store)) as db:
            (named,) = db.execute("SELECT total(last - first + 1) FROM gaps").fetchone()
        frames = _frames(air.sent, keys)
    sent = [tuple(row) for frame in frames if frame.kind == TELEMETRY
            for row in decode_batch(frame.body).rows]
    if Counter(rows) - Counter(sent) or rows != sorted(rows, key=lambda row: row[:2]):
        raise NotMeasuredError("the store holds rows twice, or out of place")
    return {
        "rows_sent": len(sent), "rows_stored": len(rows),
        "frames_sent": len(frames), "frames_stored": listener.counts["stored"],
        "frames_known_missing": int(named), "frames_waiting": device.app.outbox.backlog(),
        "datagrams_lost_pm": round(1000 * network.dropped / len(air.sent)),
        "bytes_a_day": round(sum(map(len, air.sent)) * 96 / quarters),
    }


def _live(folder: Path, quarters: int, air: _Air) -> _Gateway:
    """The quarter-hours, and then as long as repeats are to come."""
    site = check(site_file(folder)).site
    assert site is not None, "it is the example"
    feeds = feeds_of(Order(site))
    device = _Gateway(feeds.image, air)
    moment = local_time.parse(feeds.start.isoformat(), (0, 0), feeds.image["offsets"])
    emulator = Emulator(device, plant_of(feeds.image), feeds.load, feeds.pv, moment,
                        feeds.image["site"]["beat_s"])
    for _ in range(quarters):
        emulator.quarter()
    device.uplink.flush()
    device.live(_AFTER_S)
    return device


def _frames(datagrams: list[bytes], keys: Keys) -> list[Message]:
    """What was sent, each message once, in the order of their numbers."""
    joiner = Joiner()
    found = {(one.epoch, one.seq): one for one in (joiner.join(unseal(data, keys))
                                                   for data in datagrams)
             if one is not None and one.kind != RESUME}
    return [found[key] for key in sorted(found)]
