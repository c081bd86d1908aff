"""An outstation under virtual time, in a park of the core's tests, and controlling stations that
are pipes made up by the test."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from boards.iec104_points import image as points_image
from edge.iec104 import part
from edge.ticks import ticks_add
from tests.core.park import DAY, Park, image
from tests.iec104.master import STARTDT, Master, Told
from tests.shown.test_page_turns import Pipe

START_MS = (1 << 30) - 60_000  # the clock wraps into every test
SECOND = 36_000
SPONTANEOUS = 3
POINTS = [(1001, "grid_w", "M_ME_NC_1", 1000, 500), (1002, "soc_pm", "M_ME_NC_1", 10, 0),
          (1003, "store_w", "M_ME_NB_1", -100, 0), (1, "trusted", "M_SP_NA_1", 1, 0),
          (2, "fault", "M_SP_NA_1", 1, 0), (1004, "pv_w", "M_ME_NC_1", 1000, 0),
          (1005, "dispatch_w", "M_ME_NC_1", 1000, 0),
          (2001, "import_kwh", "M_IT_NA_1", 1, 0), (2002, "meter_import_wh", "M_IT_NA_1", 1000, 0)]
KEYS: dict[str, Any] = {
    "ca": 7, "address": "127.0.0.1", "port": 2404, "peers": [], "connections": 2, "k": 12, "w": 8,
    "t1_s": 15, "t2_s": 10, "t3_s": 20, "points": points_image(POINTS), "spontaneous_ms": 1000,
    "cyclic_s": 0, "stamps": 1, "local_time": 0, "setpoint_ioa": 5001, "setpoint_type": 50,
    "setpoint_per": 1000, "min_w": -200_000, "max_w": 200_000, "control_ioa": 0, "select": 0,
    "select_s": 10, "lease_s": 60, "while_connected": 0}
RULES = ("phase", "share", "command", "tariff", "refill", "self_use")  # left out


class Queue:
    """The listening socket, and its poll."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, str]] = []

    def poll(self, ms: int) -> list[int]:
        assert ms == 0, "no call may wait"
        return [1] if self.waiting else []

    def close(self) -> None:
        self.waiting.clear()

    def accept(self) -> tuple[Any, tuple[str, int]]:
        pipe, peer = self.waiting.pop(0)
        return pipe, (peer, 40_000)


class Station:
    """A controlling station at its end of a pipe."""

    def __init__(self, bench: Bench, peer: str = "127.0.0.1") -> None:
        self.pipe, self.master, self._bench = Pipe(), Master(), bench
        self._read = 0
        bench.queue.waiting.append((self.pipe, peer))

    def say(self, *frames: bytes) -> None:
        self.pipe.says += b"".join(frames)

    def ask(self, data: bytes, for_ms: int = 100) -> list[Told]:
        """Send an ASDU; what was answered within a moment."""
        self.say(self.master.i_frame(data))
        self._bench.run(for_ms)
        return [one for one in self.heard() if one.cause != SPONTANEOUS]

    def heard(self) -> list[Told]:
        self.listen()
        return self.master.take()

    def listen(self) -> int:
        data, self._read = self.pipe.heard[self._read:], len(self.pipe.heard)
        return self.master.hear(data)

    def start(self) -> list[Told]:
        self.say(STARTDT)
        self._bench.run(100)
        return self.heard()

    def confirm(self) -> None:
        """Say that all heard so far has arrived."""
        self.say(self.master.s_frame())


class Bench:
    """One park with one outstation; `outbox` keeps (kind, body)."""

    def __init__(self, over_demand: int = 0, made: dict[str, Any] | None = None,
                 **keys: Any) -> None:
        rules = {"dispatch_centre": {"over_demand": over_demand}, "reserve": {}}
        made = made or image(without=RULES, rules=rules)
        made["iec104"] = {**KEYS, **keys}
        self.park = Park(made)
        self.frames: list[tuple[int, bytes]] = []
        self.broken = False
        outbox = SimpleNamespace(append=self._append)
        self.door: Any = part(SimpleNamespace(site=self.park.site, outbox=outbox), made)
        self.queue = Queue()
        self.door.listener._socket = self.door.listener._poll = self.queue
        self.now_ms = START_MS
        self.readings = {"grid_w": 300_000, "store_w": 0, "soc_pm": 500, "pv_w": 0}
        self.silent: set[str] = set()
        self.commands_w: list[int] = []  # of every beat
        self.beats = 0
        self._beat_in_ms = 0

    def _append(self, kind: int, data: bytes, n: int) -> None:
        if self.broken:
            raise OSError(5)
        self.frames.append((kind, bytes(data[:n])))

    @property
    def orders(self) -> Any:
        return self.door.station.orders

    @property
    def row(self) -> Any:
        return self.park.site.journal.row

    def station(self, peer: str = "127.0.0.1") -> Station:
        return Station(self, peer)

    def run(self, for_ms: int) -> None:
        """Let time pass: a beat every second, the outstation's steps when it asks for them."""
        while for_ms > 0:
            if self._beat_in_ms <= 0:
                self._beat()
            wait_ms = min(self.door.step(self.now_ms), for_ms, self._beat_in_ms)
            assert wait_ms > 0
            self.now_ms = ticks_add(self.now_ms, wait_ms)
            self._beat_in_ms -= wait_ms
            for_ms -= wait_ms

    def _beat(self) -> None:
        site, now_ms = self.park.site, self.now_ms
        for name, value in self.readings.items():
            role = site.grid_meter if name == "grid_w" else site.pv if name == "pv_w" \
                else site.storage
            if name not in self.silent:
                role.take(name, value, now_ms)
        site.storage.take("ready", 1, now_ms)
        second = SECOND + self.beats * site.beat_s
        self.park.controller.beat(now_ms, DAY + second // 86_400, second % 86_400)
        self.commands_w.append(site.now.command_w)
        self.beats += 1
        self._beat_in_ms = 1000 * site.beat_s

    def settle(self) -> Bench:
        """Until everything is trusted."""
        self.run(13_000)
        return self


def started(**keys: Any) -> tuple[Bench, Station]:
    """A bench that has settled and a station that has started; the first changes are heard."""
    bench = Bench(**keys).settle()
    station = bench.station()
    station.start()
    bench.run(1500)
    station.heard()
    station.confirm()
    bench.run(100)
    return bench, station
