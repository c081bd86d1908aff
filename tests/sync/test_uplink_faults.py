"""The uplink when what it is made of has a bug: internal errors at any line of it, at any time, and
from the devices and pipes it stands on. Control never notices, what is durable arrives, rows that
are lost are counted, the cloud is told, and nothing is tried without a pause."""

from __future__ import annotations

import itertools
import random
import sys
from pathlib import Path

import pytest

import edge
from cloud_bridge.batches import BIRTH, FAULT, decode_batch
from edge import broker
from edge.app import App
from edge.blocks import RamBlocks
from edge.energies import ENERGY
from edge.now import Faults
from edge.rings import BATCH
from tests.core.park import image
from tests.sync.test_mqtt_sync import Cloud
from tests.sync.test_uplink_storage import Board

EDGE = Path(edge.__file__).parent
ROW_S = 5
PARTS = {  # of the uplink: what may have a bug at any line
    "coder": ("batching", "open_frame", "wire/batch", "wire/row_encoder", "wire/range_encoder"),
    "energies": ("energies",),
    "storing": ("uplink", "rings"),
    "sync": ("sync", "mqtt_client", "backoff", "wire/mqtt", "wire/msgpack"),
}
FILES = {name: {str(EDGE / f"{one}.py") for one in files} for name, files in PARTS.items()}


class Bug(Exception):  # noqa: N818 - what is injected
    """No OSError."""


class Broker(Cloud):
    """That of the sync's tests; it lets pass what is not of the outbox."""

    def __init__(self):
        super().__init__()
        self.clean = []  # of each connection

    def _take(self, first, body):
        if first >> 4 == 1:
            self.clean.append(body[7] >> 1 & 1)
        if first & 0xF6 != 0x30:
            super()._take(first, body)


class Life:
    """A gateway and its cloud in the test's time, a beat each second."""

    def __init__(self, monkeypatch, seed=0):
        self.random = random.Random(seed)
        self.board = _Board()
        self.cloud = Broker()
        monkeypatch.setattr(broker, "TcpPort", lambda host, port: self.cloud)
        made = image(site={"park": "demo", "gateway": "gw07"}, broker={"host": "h"},
                     telemetry={"period_s": ROW_S, "linger_s": 120, "flush_s": 20})
        self.app = App(made, self.board)
        self.guard = self.app.guards[0]
        self.now_ms = self.guard.step(0)
        self.due_ms = 1_000
        self.offered = 0  # rows

    def live(self, seconds, around=None):
        """Let time pass. `around(step)` calls a step in its own way."""
        app = self.app
        end_ms = self.now_ms + 1_000 * seconds
        while self.now_ms < end_ms:
            while self.due_ms <= self.now_ms:
                self._beat()
            wait_ms = (around or _call)(lambda: self.guard.step(self.now_ms))
            assert 0 <= wait_ms <= 300_000
            self.now_ms += max(wait_ms, 1)
        assert app.site.fault is None
        assert app.beats == self.due_ms // 1_000 - 1

    def _beat(self):
        site, now_ms = self.app.site, self.due_ms
        self.board.second += 1
        site.grid_meter.take("grid_w", self.random.randrange(60_000), now_ms)
        site.storage.take("store_w", 0, now_ms)
        site.storage.take("soc_pm", 500, now_ms)
        telemetry = site.telemetry
        before = telemetry._waiting + telemetry.lost
        self.app.beat(now_ms)
        self.offered += telemetry._waiting + telemetry.lost - before
        self.due_ms += 1_000

    def bodies(self, kind):
        """What the cloud has of a kind, oldest first."""
        return [body for _, (found, body) in sorted(self.cloud.frames.items()) if found == kind]

    def told(self):
        return [body.decode() for body in self.bodies(FAULT)]

    def faults(self):
        return Faults(self.app).count()

    def settle(self):
        """After the last fault: a rest may be over in five minutes, and all that was kept goes."""
        self.live(700)
        self.app.uplink.flush()
        offered, lost = self.offered, self.app.site.telemetry.lost
        end = self.board.wall()[1]
        self.live(120)
        assert self.app.outbox.backlog() <= 1
        assert self.app.outbox.lost() == 0
        assert self.cloud.gaps == []
        rows = [row for body in self.bodies(BATCH) for row in decode_batch(body).rows]
        stamps = [row[1] for row in rows if row[1] <= end]
        assert len(set(stamps)) == len(stamps)
        assert offered - lost <= len(stamps) <= offered
        return lost


def _call(step):
    return step()


class _Board(Board):
    def __init__(self):
        super().__init__()
        self.devices = {"bulk": RamBlocks(4096, 64), "vital": RamBlocks(4096, 64)}
        self.second = 0

    def wall(self):
        return 9_800, 43_200 + self.second, True

    def network_up(self):
        return True

    def password(self):
        return b""

    def name_server(self):
        return ""


class Tracer:
    """Raises a Bug at a random line of some files, in one step of about `every`."""

    def __init__(self, files, seed, every=120):
        self.files = files
        self.random = random.Random(seed)
        self.every = every
        self.raised = 0

    def __call__(self, step):
        if self.random.randrange(self.every):
            return step()
        self._left = self.random.randrange(1 << self.random.randrange(1, 9))
        sys.settrace(self._trace)
        try:
            return step()
        finally:
            sys.settrace(None)

    def _trace(self, frame, event, arg):
        if frame.f_code.co_filename not in self.files:
            return self._trace if frame.f_code.co_name != "fault" else None
        if event == "line" and not _is_mending(frame):
            self._left -= 1
            if self._left < 0:
                self._left = 1 << 30
                self.raised += 1
                raise Bug(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
        return self._trace


def _is_mending(frame):
    while frame is not None and frame.f_code.co_name != "fault":
        frame = frame.f_back
    return frame is not None


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("part", PARTS)
def test_a_bug_at_any_line_ends_nothing(part, seed, monkeypatch):
    life = Life(monkeypatch, seed)
    bug = Tracer(FILES[part], seed)
    life.live(1_800, bug)
    assert bug.raised > 5
    life.settle()
    assert life.faults() >= bug.raised > 0
    assert any("Bug(" in words for words in life.told())
    assert all(len(decode_batch(body).rows) for body in life.bodies(ENERGY))


def broken_device(device, name, seed):
    """Raises before or after the device has done its work."""
    dice, inner = random.Random(seed), getattr(device, name)

    def outer(*args):
        odd = outer.active and dice.randrange(2) == 0
        if odd and dice.randrange(2):
            raise Bug(name)
        inner(*args)
        if odd:
            raise Bug(name)

    outer.active = True
    setattr(device, name, outer)
    return outer


@pytest.mark.parametrize("call", ["program", "sync", "erase"])
@pytest.mark.parametrize("ring", ["bulk", "vital"])
def test_storing_that_has_a_bug_ends_nothing(ring, call, monkeypatch):
    life = Life(monkeypatch)
    bug = broken_device(life.board.devices[ring], call, 3)
    life.live(7_200)
    bug.active = False
    life.settle()
    assert life.faults() > 0
    assert len(life.bodies(BIRTH)) == 2
    assert f"uplink: Bug('{call}')" in life.told()
    assert all(len(decode_batch(body).rows) for body in life.bodies(ENERGY))


def test_a_bug_that_stays_is_tried_ever_more_rarely_and_told_once(monkeypatch):
    life = Life(monkeypatch)
    life.live(100)
    calls = []

    def code(row):
        calls.append(life.now_ms)
        raise Bug("always")

    monkeypatch.setattr(life.app.uplink._batching.batch, "code", code)
    life.live(3_600)
    pauses = [later - before for before, later in itertools.pairwise(calls)]
    assert pauses[:3] == pytest.approx([1_000, 2_000, 4_000], abs=5_000)  # a row comes each 5 s
    assert max(pauses[:-1]) <= 306_000
    assert 15 < len(calls) < 25
    assert life.told() == ["uplink: Bug('always')"]
    assert life.app.client.failures == 0  # what waits for the cloud goes on
    assert life.faults() == len(calls)
    monkeypatch.delattr(life.app.uplink._batching.batch, "code")
    before = len(life.bodies(BATCH))
    life.live(900)
    assert len(life.bodies(BATCH)) > before


def test_a_message_that_reaches_a_bug_costs_a_connection_and_no_row(monkeypatch):
    """One that the broker keeps for us is not to be had again: that session ends."""
    life = Life(monkeypatch)
    life.live(100)
    receive = life.app.sync.receive

    def fails(buf, start, end, now_ms):
        if bytes(buf[start:end]) == b"poison":
            raise IndexError("bytearray index out of range")
        receive(buf, start, end, now_ms)

    monkeypatch.setattr(life.app.sync, "receive", fails)
    life.app.client._receivers[0] = life.app.sync
    life.cloud.say(b"poison")
    life.live(60)
    assert life.cloud.clean == [0, 1]
    assert life.app.client.sessions == 2
    assert life.told() == ["sync: IndexError('bytearray index out of range')"]
    life.cloud.broken = True
    life.live(5)
    life.cloud.broken = False
    life.live(300)
    assert set(life.cloud.clean[2:]) == {0}
    assert life.settle() == 0


@pytest.mark.parametrize("half", ["storing", "sending"])
def test_mending_that_fails_is_tried_again_before_anything_goes_on(half, monkeypatch):
    life = Life(monkeypatch)
    life.live(100)
    uplink, mends = life.app.uplink, []

    def at_work(*_):
        raise Bug("at work")

    def mending():
        mends.append(life.now_ms)
        raise Bug("mending")

    works = (uplink._frame, "flush") if half == "storing" else (life.app.sync, "_take_puback")
    mend = (uplink._energies, "drop") if half == "storing" else (life.cloud, "close")
    monkeypatch.setattr(*works, at_work)
    monkeypatch.setattr(*mend, mending)
    life.live(1_200)
    assert 4 < len(mends) < 25
    monkeypatch.delattr(*works)
    monkeypatch.delattr(*mend)
    life.settle()
    name = "uplink" if half == "storing" else "sync"
    assert life.told()[:2] == [f"{name}: Bug('at work')", f"{name}: Bug('mending')"]
