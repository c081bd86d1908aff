"""A park whose demand window follows a utility's meter: whole beats, a meter with a window and a
clock of its own, and what both make of the same load."""

from collections.abc import Callable
from typing import Any

from hil.dlt645_meter import Demand
from tests.core.park import DAY, TICKS, Park, image

START_S = 43_200 + 137  # of the gateway's day, in the middle of a minute
LATENCY_MS = 350
LEFT_OUT = ("ramp", "contract", "export", "self_use", "tariff", "refill", "bands", "phase",
         "share", "command")
Load = Callable[[int], int]


class Follow:
    """`tick_s` is what the gateway's ticks show at its start. `clock` and `register` say what of
    the meter is read, `poll_s` how often."""

    def __init__(self, demand: Demand, *, sliding: int = 0, beat_s: int = 1, poll_s: int = 5,
                 clock: bool = True, register: bool = True, maximum: bool = True,
                 tick_s: int = 0, **sections: Any) -> None:
        made = image(site={"beat_s": beat_s}, demand={"sliding": sliding},
                     ages={"release_s": 3600},  # the battery rests: the grid is the load
                     without=LEFT_OUT, **{"rules": {"billing_meter": {}}, **sections})
        self.park = Park(made)
        self.site = self.park.site
        self.demand, self.beat_s, self.poll_s = demand, beat_s, poll_s
        self.meter = next(role for role in self.site.roles if "meter_clock_s" in role.SIGNALS)
        self.reads = {"clock": clock, "register": register, "maximum": maximum}
        self.tick_ms = tick_s * 1000
        self.at_s = 0  # since the start
        self.wall_s = START_S  # what the gateway's clock shows, from midnight on
        self.peaks: list[int] = []

    @property
    def now_ms(self) -> int:
        return (self.tick_ms + self.at_s * 1000) % TICKS

    def told(self) -> dict[str, Any]:
        """What the gateway says of it."""
        found: dict[str, Any] = {}
        for tell in self.site.live:
            tell(found.__setitem__)
        return found

    def left_s(self) -> int:
        """How long the running window lasts from the last beat on, as the gateway sees it."""
        self.site.window.weigh(1_000_000, self.site.now)
        return self.site.now.left_s

    def poll(self) -> None:
        """Read the meter; `LATENCY_MS` pass meanwhile."""
        meter, demand = self.meter, self.demand
        demand.advance(self.at_s * 1000)
        asked_ms = (self.now_ms - LATENCY_MS) % TICKS
        meter.heard_ms = self.now_ms
        if self.reads["register"]:
            meter.take("present_demand_w", int(demand.present_w), asked_ms)
        if self.reads["clock"]:
            second = demand.clock_ms(self.at_s * 1000 - LATENCY_MS // 2) // 1000 % 86_400
            meter.take("meter_clock_s", second, asked_ms)
        if self.reads["maximum"]:
            meter.take("max_demand_w", int(demand.highest_w), asked_ms)
            if demand.highest_w:
                meter.take("max_demand_at", demand.highest_at // 60_000, asked_ms)

    def run(self, seconds: int, load: Load) -> None:
        """Let time pass."""
        for _ in range(seconds // self.beat_s):
            if self.at_s % self.poll_s < self.beat_s:
                self.poll()
            load_w = load(self.at_s)
            now_ms = self.now_ms
            self.park.beat(now_ms=now_ms, day=DAY + self.wall_s // 86_400,
                           second=self.wall_s % 86_400, grid_w=load_w, grid_ms=now_ms,
                           store_ms=now_ms, soc_pm=500, soc_ms=now_ms, ready=1)
            assert self.site.fault is None, self.site.fault
            self.demand.advance(self.at_s * 1000)
            self.demand.power_w = float(load_w)
            self.at_s += self.beat_s
            self.wall_s += self.beat_s
            self.peaks.append(self.site.window.peak_w)

    def apart_s(self, period_s: int = 900) -> float:
        """How much later than the meter's own the gateway's window ends, s."""
        shown_ms = self.demand.clock_ms((self.at_s - self.beat_s) * 1000)
        late = (self.left_s() + shown_ms / 1000) % period_s
        return late - period_s if late > period_s / 2 else late
