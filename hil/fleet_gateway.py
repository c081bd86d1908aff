"""A gateway of a fleet: all of its way up is the firmware's, only the plant is made up.

Its rows are numbered and worked out from its own number, so whoever reads the store can tell what
each must be. A row is kept when its batch is; what a loss of power finds in memory is known.
"""

from __future__ import annotations

import errno
from array import array
from typing import Any, NamedTuple

from edge.batching import BATCH_BYTES, Batching
from edge.blocks import RamBlocks
from edge.journal import FIELDS
from edge.ledger.account import Account
from edge.mqtt_client import MqttClient, Options
from edge.port import TcpPort
from edge.rings import Rings
from edge.sync import AROUND, Sync
from edge.telemetry import Telemetry
from edge.uplink import Uplink

PARK = "fleet"
PERIODS_S = (1, 5, 15)  # of the rows, by gateway
DAY = 9_800
PATIENCE_S = 30.0  # a gateway's own
NUMBER = FIELDS.index("cost_units")  # where a row has its number
_ROWS = {"batch_rows": 60, "linger_s": 900, "flush_s": 60}  # as configured by itself
_TIMES = ("reply_ms", "retry_ms", "retry_max_ms", "stable_ms", "spread_ms")
_AT = {name: at for at, name in enumerate(FIELDS)}
_TICKS = (1 << 30) - 1


class Life(NamedTuple):
    """Rows first to last were offered between two losses of power; up to `safe` surely kept."""

    first: int
    safe: int
    last: int


class Told(NamedTuple):
    """What a gateway says in the end."""

    number: int
    period_s: int
    lives: list[Life]
    streams: dict[int, tuple[int, int]]  # epoch: its last number, how many were given up
    sent: int  # messages handed to the client, doubles too
    failures: int  # connections that broke or were not made
    refused: int  # subscriptions, by a broker that could not just then
    errors: list[str]  # what must never happen


def name(number: int) -> str:
    """Of a gateway."""
    return f"gw{number:03d}"


def row(gateway: int, number: int, period_s: int) -> array[int]:
    """Its row of that number, counted from 1."""
    noise = (number * 2_654_435_761 + gateway * 40_503 & 0xFFFF_FFFF) >> 18
    seconds = number * period_s
    made = array("i", [0] * len(FIELDS))
    values = {"day": DAY + seconds // 86_400, "second": seconds % 86_400,
              "now_ms": seconds * 1_000 & _TICKS, "flags": gateway, "grid_w": 120_000 + noise,
              "grid_age_ms": noise & 1023, "pv_w": noise >> 2, "store_w": -noise >> 1,
              "store_age_ms": noise >> 5, "soc_pm": number % 1_000, "charge_max_w": 60_000,
              "discharge_max_w": 60_000, "net_w": 120_000 + (noise >> 1), "lo_w": -60_000,
              "hi_w": 60_000, "target_w": 150_000, "demand_w": 120_000 + (noise >> 3),
              "price_e4": 8_000, "import_kwh": seconds // 30, "import_wh": seconds % 30 * 33,
              "cost_units": number, "cost_e4": noise}
    for field, value in values.items():
        made[_AT[field]] = value
    return made


def energy_kwh(gateway: int, day: int, second: int) -> int:
    """What its import register holds then."""
    return gateway * 1_000 + ((day - DAY) * 86_400 + second) // 30


class _Site:
    """As much of edge/site.py as the uplink looks at."""

    class _Now:
        day = second = 0

    class _Window:
        peak_w = 150_000

    def __init__(self, number: int, period_s: int) -> None:
        self.telemetry = Telemetry(len(FIELDS), period_s)
        self.now, self.window = self._Now(), self._Window()
        self.account = Account(0)
        self.rule_names = ("fleet",)
        self.hash = f"{number:08x}"
        self.beat_s = 1


class Line(TcpPort):
    """A gateway's network, which can be cut: it is refused, or nothing arrives any more."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._is_cut = self._is_silent = self._is_broken = False

    def cut(self, silent: bool) -> None:
        """`silent`: whatever is sent is taken and lost."""
        self._is_cut, self._is_silent = not silent, silent

    def mend(self) -> None:
        """Connections can be made again; the old one is no more."""
        self._is_cut = self._is_silent = False
        self._is_broken = True

    def open(self, now_ms: int) -> None:
        self._check(errno.ENETUNREACH)
        self._is_broken = False
        if not self._is_silent:
            super().open(now_ms)

    def is_open(self) -> bool:
        self._check(errno.ECONNRESET)
        return not self._is_silent and super().is_open()

    def send(self, buf: bytearray | memoryview, n: int) -> int:
        self._check(errno.ECONNRESET)
        return n if self._is_silent else super().send(buf, n)

    def recv(self, buf: bytearray, at: int) -> int:
        self._check(errno.ECONNRESET)
        return 0 if self._is_silent else super().recv(buf, at)

    def _check(self, number: int) -> None:
        if self._is_cut or (self._is_broken and number == errno.ECONNRESET):
            raise OSError(number)


class Gateway:
    """One of them: `offer` rows, `step`, `power_cut`, in the end `flush` and `told`."""

    def __init__(self, number: int, host: str, port: int, patience_s: float = PATIENCE_S,
                 sectors: int = 128) -> None:
        """`patience_s` shortens all its times in proportion."""
        self.number = number
        self.name = name(number)
        self.period_s = PERIODS_S[number % len(PERIODS_S)]
        self.offered = 0
        self._place = host, port
        self._haste = patience_s / PATIENCE_S
        self._devices = RamBlocks(4096, sectors), RamBlocks(4096, 16)
        self._lives: list[Life] = []
        self._sent = self._failures = self._refused = self._sessions = 0
        self._errors: list[str] = []
        self._start()

    def offer(self, until: int) -> None:
        """Rows up to number `until`, as many as may wait."""
        telemetry = self._site.telemetry
        while telemetry.oldest() is None and self.offered < until:
            for number in range(self.offered + 1, min(self.offered + 4, until) + 1):
                made = row(self.number, number, self.period_s)
                telemetry.keep(made, self.period_s)
                self.offered = number
            self._tell_time(made)
            return

    def step(self, now_ms: int) -> int:
        """ms until the next; 0 while there are rows to code."""
        wait_ms: int = self._uplink.step(now_ms, True)
        if self._client.sessions > self._sessions:
            self._sessions = self._client.sessions
            self._refused += self._client.unsubscribed
        if self._site.telemetry.oldest() is not None:
            return 0
        self._safe = self.offered - self._batching.batch.rows
        return wait_ms

    def power_cut(self) -> None:
        """All that is not in its flash is gone; it starts anew."""
        self._end_life()
        self.line.close()
        self._start()

    def flush(self) -> None:
        """Store what is in memory, as in a graceful stop."""
        self._uplink.flush()
        self._safe = self.offered

    def backlog(self) -> int:
        """Messages that the cloud has not acknowledged."""
        return self._rings.backlog()

    def waiting(self, kind: int) -> list[bytes]:
        """The messages of a kind that are not acknowledged, the oldest first."""
        found, into = [], bytearray(self._rings.bulk.max_payload)
        for ring in self._rings.by_rank:
            for seq in range(ring.acked + 1, ring.acked + ring.backlog() + 1):
                n = ring.read(seq, into)
                if ring.kind == kind:
                    found.append(bytes(into[:n]))
        return found

    def told(self) -> Told:
        """The sum of its lives."""
        self._end_life()
        streams = {ring.epoch: (ring.acked + ring.backlog(), ring.lost())
                   for ring in self._rings.by_rank}
        return Told(self.number, self.period_s, self._lives, streams, self._sent, self._failures,
                    self._refused, self._errors)

    def _start(self) -> None:
        self.line = Line(*self._place)
        self._site = _Site(self.number, self.period_s)
        self._batching = Batching(self._site.telemetry, {**_ROWS, "period_s": self.period_s})
        self._rings = Rings(*self._devices, BATCH_BYTES)
        self._rings.mount()
        topic = f"parkedge/{PARK}/{self.name}"
        options = Options(f"{PARK}-{self.name}".encode(), status_topic=f"{topic}/status".encode())
        options.slot_bytes = AROUND + len(topic) + self._rings.bulk.max_payload
        options.packet_bytes = 256
        for option in _TIMES:
            setattr(options, option, max(1, round(getattr(options, option) * self._haste)))
        self._client = MqttClient(self.line, options)
        self._sync = Sync(self._client, self._rings.by_rank, PARK, self.name,
                          patience_ms=round(1_000 * PATIENCE_S * self._haste))
        self._uplink: Any = Uplink(self._site, self._batching, self._rings, self._sync)
        self._sessions = 0
        self._first, self._safe = self.offered + 1, self.offered

    def _tell_time(self, made: array[int]) -> None:
        now, account = self._site.now, self._site.account
        now.day, now.second = made[0], made[1]
        account.imported.kwh = energy_kwh(self.number, now.day, now.second)

    def _end_life(self) -> None:
        self._lives.append(Life(self._first, self._safe, self.offered))
        self._sent += self._sync.frames_sent
        self._failures += self._client.failures
        for what, n in (("rows without room", self._site.telemetry.lost),
                        ("errors of the flash", self._uplink.errors + self._sync.device_errors),
                        ("internal faults", sum(guard.faults for guard in self._uplink.guards)),
                        ("strange acknowledgements", self._sync.strange_acks),
                        ("packets too long", self._client.oversized)):
            if n:
                self._errors.append(f"{self.name}: {n} {what}")
