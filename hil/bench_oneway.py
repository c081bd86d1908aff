"""A day of the foundry behind a one-way isolation device that loses datagrams: what arrives.

The real controller on the emulator's plant, the real uplink in virtual time, a lossy network, real
UDP on loopback, the real listener and its store. Compared is what the outbox was given with what
the store gives back.
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
from typing import Any

from boards import local_time
from boards.site import check
from cloud_bridge.batches import TELEMETRY, decode_batch
from cloud_bridge.listener import Listener
from cloud_bridge.oneway import KEY_FILE, Keys
from cloud_bridge.store import Store
from edge.batching import BATCH_BYTES, Batching
from edge.blocks import RamBlocks
from edge.oneway import OneWay
from edge.outbox import Outbox
from edge.uplink import Uplink
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
    """The way from gateway to listener; nothing is lost on it but what the network loses."""

    def __init__(self, network: Lossy, listener: Listener) -> None:
        self.network, self.listener = network, listener
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, buf: bytearray, n: int) -> bool:
        self.carry(self.network.take(bytes(buf[:n])))
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
        self.carry(self.network.rest())
        self.wait(0)
        self._socket.close()


class _Outbox(Outbox):
    """Remembers the rows it was given."""

    def __init__(self) -> None:
        super().__init__(RamBlocks(4096, 256), BATCH_BYTES)
        self.rows: list[tuple[int, ...]] = []

    def append(self, kind: int, buf: Any, n: int) -> int:
        if kind == TELEMETRY:
            self.rows += map(tuple, decode_batch(bytes(memoryview(buf)[:n])).rows)
        return super().append(kind, buf, n)


class _Gateway(InProcess):
    """The controller, and an uplink that is stepped after each beat."""

    def __init__(self, image: dict[str, Any], air: _Air) -> None:
        super().__init__(image)
        self.outbox = _Outbox()
        self.outbox.mount()
        port: Any = air  # in the place of a UdpPort
        self.way: Any = OneWay(port, (self.outbox,), "demo", "foundry", _KEY)
        self.uplink = Uplink(self.site, Batching(self.site.telemetry, image["telemetry"]),
                             self.outbox, self.way)
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
    site = check(SITE).site
    assert site is not None, "the example is valid"
    feeds = feeds_of(Order(site))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "demo", "foundry")
        path.mkdir(parents=True)
        (path / KEY_FILE).touch(0o600)
        (path / KEY_FILE).write_bytes(_KEY)
        store = Path(folder, "park.db")
        listener = Listener(("127.0.0.1", 0), lambda: Store(store), Keys(Path(folder)),
                            lambda *_, **__: None)
        thread = threading.Thread(target=listener.run, daemon=True)
        thread.start()
        try:
            air = _Air(network, listener)
            device = _Gateway(feeds.image, air)
            moment = local_time.parse(feeds.start.isoformat(), (0, 0), feeds.image["offsets"])
            emulator = Emulator(device, plant_of(feeds.image), feeds.load, feeds.pv, moment,
                                feeds.image["site"]["beat_s"])
            for _ in range(quarters):
                emulator.quarter()
            device.uplink.flush()
            device.live(_AFTER_S)
            air.close()
        finally:
            listener.stop()
            thread.join(_PATIENCE_S)
        with Store(store, create=False) as opened:
            rows = [row.values for row in opened.rows("demo", "foundry", 0, _FOREVER_UTC)]
        with closing(sqlite3.connect(store)) as db:
            (named,) = db.execute("SELECT total(last - first + 1) FROM gaps").fetchone()
    return {**_figures(device, rows, listener.counts, network, quarters),
            "frames_known_missing": int(named)}


def _figures(device: _Gateway, rows: list[tuple[int, ...]], counts: Counter[str],
             network: Lossy, quarters: int) -> dict[str, float]:
    sent = device.outbox.rows
    if Counter(rows) - Counter(sent) or rows != sorted(rows, key=lambda row: row[:2]):
        raise NotMeasuredError("the store holds rows twice, or out of place")
    return {
        "rows_sent": len(sent), "rows_stored": len(rows),
        "frames_sent": device.outbox.acked, "frames_stored": counts["stored"],
        "frames_waiting": device.outbox.backlog(),
        "datagrams_lost_pm": round(1000 * network.dropped / device.way.sent),
        "bytes_a_day": round(device.way.bytes * 96 / quarters),
    }
