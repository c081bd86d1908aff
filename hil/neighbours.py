"""Several gateways behind one coupling point, in one process: their controllers, their plants, and
a link between them that delays, loses and fails.

All live by one clock; that clocks may differ is proven in tests/core. Loads are the shipped
factory, each gateway's a few hours later and as large as its safe share asks for.
"""

from __future__ import annotations

import heapq
import random
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from boards.image import compile_site
from boards.local_time import Moment, parse
from boards.site import Site
from edge.share_link import ShareLink
from edge.ticks import ticks_add
from hil import dut, feed
from hil.emulate import plant_of
from hil.inputs import PHASES
from hil.phase_split import split_of

START = datetime(2026, 7, 1)  # a Wednesday
_APART = 12  # quarter-hours between the days of two neighbours
_HIGHEST_PM = 1300  # of its safe share: a load's highest quarter-hour
_DAY_S = 86400


@dataclass
class Air:
    """The link, seen by the gateways as an MQTT client each."""

    delay_ms: int = 100
    lost_pm: int = 0
    cut: bool = False
    now_ms: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    _receivers: list[Any] = field(default_factory=list)
    _under_way: list[tuple[int, int, bytes]] = field(default_factory=list)

    def subscribe(self, topic: bytes, receiver: Any) -> None:
        self._receivers.append(receiver)

    def publish(self, topic: bytes, payload: bytes) -> bool:
        """To everybody, the sender as well: so does a broker."""
        for number in range(len(self._receivers)):
            if not self.cut and self.chance.randrange(1000) >= self.lost_pm:
                due_ms = self.now_ms + self.chance.randrange(self.delay_ms + 1)
                heapq.heappush(self._under_way, (due_ms, number, payload))
        return not self.cut

    def pass_to(self, now_ms: int) -> None:
        """Hand over what has arrived by now."""
        self.now_ms = now_ms
        while self._under_way and self._under_way[0][0] <= now_ms:
            _, number, payload = heapq.heappop(self._under_way)
            self._receivers[number].receive(bytearray(payload), 0, len(payload), now_ms)


class Load:
    """A day of the factory, later and larger or smaller."""

    def __init__(self, watts: Sequence[int], beat_s: int, later: int, highest_w: int) -> None:
        each = feed.QUARTER_S // beat_s
        quarters = [watts[k * each:(k + 1) * each] for k in range(feed.QUARTERS)]
        top_w = max(sum(quarter) // each for quarter in quarters)
        self._quarters = [[w * highest_w // top_w for w in quarter] for quarter in quarters]
        self._later = later

    def quarter(self, number: int) -> Sequence[int]:
        return self._quarters[(number - self._later) % feed.QUARTERS]


class Neighbour:
    """One gateway with its plant."""

    def __init__(self, image: Mapping[str, Any], air: Air, load: Load) -> None:
        self.image = image
        self.device = dut.InProcess(image)
        self.plant = plant_of(image)
        self.load = load
        site: Any = self.device.site
        self.share = site.share
        self.link = ShareLink(self.share, site)
        self.link.join(air, image["site"]["park"])
        self._split = split_of(image)
        battery = self.plant.battery
        names = self.device.names
        self._phases = names.index(PHASES[0]) if self._split else 0
        self._inputs = array("i", bytes(4 * len(names)))
        self._inputs[11:14] = array("i", [battery.charge_max_w, battery.discharge_max_w, 1])

    def live(self, moment: Moment, now_ms: int, load_w: int, span_s: int) -> None:
        """Take a beat with what the instruments show now, and live through it."""
        inputs, battery = self._inputs, self.plant.battery
        inputs[0] = inputs[4] = inputs[6] = inputs[8] = now_ms
        inputs[1], inputs[2] = moment
        inputs[3] = load_w - battery.power_w
        inputs[5], inputs[7], inputs[10] = battery.power_w, battery.soc_now_pm, -1
        if self._split:
            self._split.show(inputs, self._phases, self.plant)
        setpoint_w = self.device.beat(inputs)
        self.plant.load_w = load_w
        self.plant.run(setpoint_w, span_s)


@dataclass
class Seen:
    """What the coupling point has seen."""

    import_max_w: int = 0
    allowed_max_w: int = 0
    over_s: int = 0  # with an import above the limit
    borrowed_wh: int = 0
    discharged_wh: int = 0
    quarters: list[list[int]] = field(default_factory=list)  # per gateway: load, import, allowance


class Neighbours:
    """The gateways of valid site files that share a limit."""

    def __init__(self, sites: Sequence[Site], air: Air) -> None:
        images = [compile_site(site) for site in sites]
        self.beat_s = images[0]["site"]["beat_s"]
        self.limit_w = sites[0].rules["share"]["limit_w"]
        self.seen = Seen()
        self._air = air
        day = feed.factory(START, self.beat_s, 1)
        watts = [w for number in range(feed.QUARTERS) for w in day.quarter(number)]
        self.gateways = [Neighbour(image, air, Load(
            watts, self.beat_s, k * _APART, site.rules["share"]["safe_w"] * _HIGHEST_PM // 1000))
            for k, (image, site) in enumerate(zip(images, sites, strict=True))]
        self._day, self._second = parse(START.isoformat(), (0, 0), images[0]["offsets"])
        self._now_ms = 0
        self._borrowed_ws = 0

    def day(self, cut: Callable[[int], bool], done: Callable[[int], None],
            quarters: int = feed.QUARTERS) -> None:
        """Run the first quarter-hours of a day; `cut` tells for each second of it whether the link
        is down."""
        for number in range(quarters):
            sums = [0] * 3 * len(self.gateways)
            loads = [one.load.quarter(number) for one in self.gateways]
            beats = feed.QUARTER_S // self.beat_s
            for k in range(beats):
                self._air.cut = cut(number * feed.QUARTER_S + k * self.beat_s)
                self._beat([load[k] for load in loads])
                for place, one in enumerate(self.gateways):
                    for n, w in enumerate((one.plant.load_w, one.plant.grid_w, one.share.used_w)):
                        sums[3 * place + n] += w
            self.seen.quarters.append([total // beats for total in sums])
            done(1)
        self.seen.discharged_wh = sum(one.plant.battery.discharged_ws
                                      for one in self.gateways) // 3600
        self.seen.borrowed_wh = self._borrowed_ws // 3600

    def _beat(self, loads_w: Sequence[int]) -> None:
        seen, span_s = self.seen, self.beat_s
        for one, load_w in zip(self.gateways, loads_w, strict=True):
            one.live((self._day, self._second), self._now_ms, load_w, span_s)
        import_w = sum(one.plant.grid_w for one in self.gateways)
        seen.import_max_w = max(seen.import_max_w, import_w)
        seen.allowed_max_w = max(seen.allowed_max_w,
                                 sum(one.share.used_w for one in self.gateways))
        self._borrowed_ws += span_s * sum(max(one.share.used_w - one.share.safe_w, 0)
                                          for one in self.gateways)
        if import_w > self.limit_w:
            seen.over_s += span_s
        self._pass(span_s)

    def _pass(self, span_s: int) -> None:
        """Let the links speak, each as often as it wishes."""
        for _ in range(4):
            self._now_ms = ticks_add(self._now_ms, span_s * 250)
            self._air.pass_to(self._now_ms)
            for one in self.gateways:
                one.link.step(self._now_ms)
        self._second += span_s
        if self._second >= _DAY_S:
            self._second -= _DAY_S
            self._day += 1
