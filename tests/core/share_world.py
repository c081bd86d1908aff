"""Gateways behind one coupling point on a link that loses, delays, doubles and reorders messages.

Everything happens at moments of one true time; each gateway has a clock of its own, which begins
anywhere and runs a little fast or slow. `check` is asked after everything that happens.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge.rules.share import compiled
from edge.share import Share

TICKS = 1 << 30
KEYS = {"limit_w": 1_000_000, "safe_w": 0, "keep_w": 0, "margin_w": 0, "period_ms": 2000,
        "lease_ms": 10_000, "settle_ms": 10_000}


@dataclass
class Link:
    """What becomes of each message: per mille lost and doubled, and the longest delay."""

    lost_pm: int = 0
    doubled_pm: int = 0
    delay_ms: int = 50
    cut: bool = False
    deaf: set[int] = field(default_factory=set)  # who hears nothing, but is heard


@dataclass
class Site:
    """One gateway: a load, a battery that would charge with want_w, and its instruments."""

    keys: dict[str, int]
    offset_ms: int
    speed_ppm: int
    beat_ms: int
    load_w: int = 0
    want_w: int = 0
    battery_w: int = 200_000
    share: Share = field(init=False)
    in_force_w: int = 0
    store_w: int = 0
    life: int = 0
    readings: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])

    def clock(self, true_ms: int) -> int:
        return (self.offset_ms + true_ms + true_ms * self.speed_ppm // 1_000_000) % TICKS

    def boot(self, number: int) -> None:
        """Start, or start again: it charges nothing until its first beat."""
        self.share = Share(self.keys, self.beat_ms, number)
        self.in_force_w = self.keys["keep_w"]
        self.store_w = 0
        self.life += 1

    def beat(self, true_ms: int) -> None:
        """As the rule does: charge what the allowance leaves free, cover what is above it."""
        self.in_force_w = self.share.allowance_w(self.clock(true_ms))
        self.share.room_w = self.battery_w
        free_w = self.in_force_w - self.load_w
        self.store_w = min(max(-free_w, -self.want_w), self.battery_w)
        self.readings = [*self.readings[-3:], (self.clock(true_ms), self.import_w)]

    @property
    def import_w(self) -> int:
        return self.load_w - self.store_w


class World:
    """Events in the order of true time; `seed` decides all that chance decides."""

    def __init__(self, safes_w: Sequence[int], keeps_w: Sequence[int], seed: int,
                 beats_ms: Sequence[int] | None = None, **keys: int) -> None:
        self.rng = random.Random(seed)
        self.link = Link()
        self.true_ms = 0
        self.late_ms = 0  # by which a beat or a turn may be late
        self.check: Callable[[], None] = lambda: None
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        names = [f"g{k}" for k in range(len(safes_w))]
        self.sites: list[Site] = []
        for k, name in enumerate(names):
            own = {**KEYS, **keys, "safe_w": safes_w[k], "keep_w": keeps_w[k],
                   "gateways": [other for other in names if other != name]}
            (_, words), = compiled(own, name)
            site = Site(words, self.rng.randrange(TICKS), self.rng.randrange(-2000, 2001),
                        beats_ms[k] if beats_ms else 1000)
            site.boot(self.rng.randrange(TICKS))
            self.sites.append(site)
            self._later(self.rng.randrange(1000), self._beat(k, site.life))
            self._later(self.rng.randrange(2000), self._turn(k, site.life))

    def run(self, for_ms: int) -> None:
        end_ms = self.true_ms + for_ms
        while self._events and self._events[0][0] <= end_ms:
            self.true_ms, _, event = heapq.heappop(self._events)
            event()
            self.check()
        self.true_ms = end_ms

    def restart(self, k: int) -> None:
        site = self.sites[k]
        site.boot(self.rng.randrange(TICKS))
        self._later(3000, self._beat(k, site.life))
        self._later(3000, self._turn(k, site.life))

    def allowed_w(self) -> int:
        return sum(site.in_force_w for site in self.sites)

    def _later(self, wait_ms: int, event: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.true_ms + wait_ms, self._count, event))

    def _late(self) -> int:
        return self.rng.randrange(self.late_ms + 1) if self.rng.random() < 0.05 else 0

    def _beat(self, k: int, life: int) -> Callable[[], None]:
        def event() -> None:
            site = self.sites[k]
            if site.life == life:
                site.beat(self.true_ms)
                self._later(site.beat_ms + self._late(), event)
        return event

    def _turn(self, k: int, life: int) -> Callable[[], None]:
        def event() -> None:
            site = self.sites[k]
            if site.life != life:
                return
            share, clock_ms = site.share, site.clock(self.true_ms)
            read_ms, read_w = site.readings[-1]
            want_w = min(site.want_w, share.room_w)
            share.next_turn(clock_ms, share.safe_w - max(site.load_w, 0), want_w, read_w, read_ms)
            self._send(k, (k, share.number, share.spares_w[k], share.wants_w[k],
                           list(share.heard), list(share.said_w)))
            # A period of its own clock, never less.
            self._later(share.period_ms + share.period_ms // 400 + 1 + self._late(), event)
        return event

    def _send(self, k: int, message: Any) -> None:
        link, rng = self.link, self.rng
        for to in range(len(self.sites)):
            if to == k or link.cut or to in link.deaf or rng.randrange(1000) < link.lost_pm:
                continue
            for _ in range(2 if rng.randrange(1000) < link.doubled_pm else 1):
                self._later(rng.randrange(link.delay_ms + 1), self._hear(to, message))

    def _hear(self, to: int, message: Any) -> Callable[[], None]:
        def event() -> None:
            k, number, spare_w, want_w, heard, said_w = message
            site = self.sites[to]
            site.share.hear(k, number, spare_w, want_w, heard[to], said_w[to],
                            site.clock(self.true_ms))
        return event
