"""The demo's day: which load, what the controller has learned before, and the day itself."""

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from boards import local_time
from boards.image import compile_site
from boards.journal_file import Header
from boards.local_time import Moment
from boards.site_devices import feeds
from boards.why_words import meaning
from edge.journal import FIELDS
from edge.snapshot import TRUSTED
from edge.ticks import ticks_add
from hil import amend, lockstep, series
from hil.bounds import Bounds
from hil.cloud import Cloud
from hil.demo_words import end_words, fault_words
from hil.emulate import STEP_MAX_W, Emulator, plant_of
from hil.emulation import Meters, Order, Run
from hil.feed import QUARTER_S, QUARTERS, Feed, Made, Nothing, per_beat
from hil.plants import Plant
from hil.rig import DAY_S, SEED, Schedule
from hil.rig_wire import Wire
from hil.scenario import Planned, Scenario, span
from hil.trace import Trace

_FIRST = datetime(2026, 7, 1)  # a Wednesday, and the first of a month: no peak is billed yet
_ROOF_W = 120_000
_TARGET, _FLAGS = FIELDS.index("target_w"), FIELDS.index("flags")


class Days:
    """Powers of whole days, one after the other."""

    def __init__(self, days: Sequence[Sequence[int]], beat_s: int) -> None:
        self.quarters = len(days) * QUARTERS
        self.beats = QUARTER_S // beat_s
        self._days = days

    def quarter(self, number: int) -> Sequence[int]:
        day, quarter = divmod(number, QUARTERS)
        return self._days[day][quarter * self.beats:(quarter + 1) * self.beats]


@dataclass(frozen=True)
class Plan:
    """A day to be shown, and the days before it. `raw` is the site file, amended for the load;
    `limit_w` the import limit that replaces the site's own, 0 where it does not."""

    raw: amend.Raw
    path: Path
    name: str
    start: datetime  # local midnight of the day
    learned: int  # days before it
    load: Feed
    pv: Feed
    limit_w: int

    @property
    def target_w(self) -> int:
        """The demand target of the site file; 0: learned."""
        target_w: int = self.raw["rules"].get("demand", {}).get("target_w", 0)
        return target_w


@dataclass
class Seen:
    """What happened at one beat, for whoever watches. `news` are (mark, text)."""

    at_s: int
    row: "array[int]"
    waiting: int  # frames in the outbox
    connected: bool  # whether the way up stands
    news: list[tuple[str, str]] = field(default_factory=list)


def slowed(path: Path, beat_s: int) -> amend.Raw:
    """A site file with a beat of at least `beat_s`, and what has to follow it. Raises SiteError,
    OSError."""
    raw = amend.read(path)
    site = amend.site(raw, path)
    sections = site.sections
    if sections["site"]["beat_s"] >= beat_s:
        return raw
    changed = {"site.beat_s": beat_s, "telemetry.period_s": beat_s}
    for name, keys in sections.items():  # of each battery, where there are several
        if "step_max_w" in keys:  # is told for a beat
            step_w = keys["step_max_w"] * beat_s // sections["site"]["beat_s"]
            changed[f"{name}.step_max_w"] = min(step_w, STEP_MAX_W)
        if "lease_ms" in keys and (name != "battery" or not site.batteries):
            changed[f"{name}.lease_ms"] = max(keys["lease_ms"], 2000 * beat_s)
    return amend.change(raw, changed)


def factory(raw: amend.Raw, path: Path, learned: int) -> Plan:
    """The shipped factory: its own day after days of the same kind."""
    site = amend.site(raw, path)
    beat_s, quarters = site.sections["site"]["beat_s"], (learned + 1) * QUARTERS
    load = Made(lambda day: series.factory_day(_FIRST, _seed(day, learned)), beat_s, quarters)
    pv: Feed = Nothing(beat_s, quarters)
    if feeds(site.devices, "pv_w"):
        pv = Made(lambda day: series.clear_sky(_FIRST, _ROOF_W, cloud_seed=2 + _seed(day, learned)),
                  beat_s, quarters)
    return Plan(raw, path, "the shipped factory", _FIRST, learned, load, pv, 0)


def measured(raw: amend.Raw, path: Path, file: Path, learned: int) -> Plan:
    """The day of a load file with the highest quarter-hour that has `learned` days before it, or
    as many as there are. Raises SeriesError."""
    beat_s: int = amend.site(raw, path).sections["site"]["beat_s"]
    found = series.read(file)
    each = DAY_S // found.step_s
    skip = -_second(found.start) % DAY_S // found.step_s
    days = [found.watts[at:at + each] for at in range(skip, len(found) - each + 1, each)]
    if not days:
        raise series.SeriesError(f"{file}: holds no whole day, from midnight to midnight")
    if found.step_s % beat_s and beat_s % found.step_s:
        raise series.SeriesError(f"{file}: a step of {found.step_s} s cannot be cut into beats of "
                                 f"{beat_s} s")
    learned = min(len(days) - 1, learned)
    chosen = max(range(learned, len(days)), key=lambda n: _peak_w(days[n], found.step_s))
    limit_w = 2 * _peak_w(days[chosen], found.step_s)
    if limit_w <= 0:
        raise series.SeriesError(f"{file}: never draws any power")
    own = {"rules.demand.target_w": 0, "gate.import_max_w": limit_w}
    if "contract" in raw["rules"]:
        own["rules.contract.import_max_w"] = limit_w
    start = found.start + timedelta(seconds=skip * found.step_s, days=chosen)
    shown = [per_beat(day, found.step_s, beat_s) for day in days[chosen - learned:chosen + 1]]
    return Plan(amend.change(raw, own), path, file.name, start, learned, Days(shown, beat_s),
                Nothing(beat_s, len(shown) * QUARTERS), limit_w)


class Day:
    """One day on the wire. `run` tells afterwards what became of it."""

    def __init__(self, plan: Plan, scenario: Scenario, folder: Path) -> None:
        self.plan, self.scenario = plan, scenario
        self.site = amend.site(plan.raw, plan.path)
        image = compile_site(self.site)
        self.plant: Plant = plant_of(image)
        self.wire = Wire(plan.raw, plan.path, self.plant, folder,
                         Cloud(folder, embedded=True))
        self.trace, self.bounds = Trace(), Bounds()
        self.beat_s: int = image["site"]["beat_s"]
        self.number_of_beats = DAY_S // self.beat_s
        self.image: dict[str, Any] = image
        self.opening: array[int] = array("i")
        self.closing: array[int] = array("i")
        self._first_uj = self.plant.battery.stored_uj
        self._before = Meters.of(self.plant)
        self._news: list[tuple[str, str]] = []
        self._header = Header.of(image)
        self._distrusted_s: int | None = None  # since when readings are not trusted

    def learn(self, done: Callable[[int], None]) -> None:
        """Live through the days before, without a wire: as fast as it goes."""
        wire, days = self.wire, self.plan.learned
        first = self._moment(-days * DAY_S)
        emulator = Emulator(_Pupil(wire.app), self.plant, self.plan.load, self.plan.pv, first,
                            self.beat_s)
        for _ in range(days):
            for _ in range(QUARTERS):
                emulator.quarter()
            done(1)
        wire.app.site.window.new_month()  # the day is shown as the first of a billing month
        _forget(wire.app.site.telemetry)
        now_ms = 0
        for _ in range(days):
            now_ms = ticks_add(now_ms, DAY_S * 1000)
        wire.begin_at(now_ms)
        self._before = Meters.of(self.plant)

    def beats(self) -> Iterator[Seen]:
        """Live through the day, beat by beat."""
        wire, plant = self.wire, self.plant
        schedule = Schedule(self.scenario.faults, self._begin, self._end)
        each = QUARTER_S // self.beat_s
        for quarter in range(QUARTERS):
            number = self.plan.learned * QUARTERS + quarter
            loads, pvs = self.plan.load.quarter(number), self.plan.pv.quarter(number)
            rows, stores = array("i"), []
            for beat in range(each):
                at_s = quarter * QUARTER_S + beat * self.beat_s
                schedule.reach(at_s)
                plant.load_w, plant.pv_w = loads[beat], pvs[beat]
                row = wire.beat(self._moment(at_s))
                self._watch(at_s, row)
                rows.extend(row)
                plant.run(wire.park.setpoint, self.beat_s)
                stores.append(plant.battery.power_w)
                yield Seen(at_s, row, wire.app.outbox.backlog(), wire.app.client.is_up(),
                           self._news)
                self._news = []
            self.trace.take(loads, pvs, stores, plant.battery.stored_uj, row[_TARGET])
            self.bounds.take(rows)
        self.closing = wire.beat(self._moment(DAY_S))
        wire.close_batch()

    def _watch(self, at_s: int, row: "array[int]") -> None:
        """Notice when the controller stops to trust its readings, and when it does again."""
        trusted = bool(row[_FLAGS] & TRUSTED)
        if trusted == (self._distrusted_s is None):
            return
        if trusted:
            assert self._distrusted_s is not None
            lasted = span(at_s - self._distrusted_s)
            self._news.append(("+", f"readings trusted after {lasted}, battery at work"))
            self._distrusted_s = None
        else:
            reason = meaning("fresh", dict(zip(FIELDS, row, strict=True)), self._header, "hi")
            begun = "the gateway starts, battery at" if at_s == 0 else "battery to"
            self._news.append(("!", f"{begun} 0 W: {reason}"))
            self._distrusted_s = at_s

    def run(self) -> Run:
        """What became of the day, as the figures and the report want it."""
        times = [local_time.local(self._moment(number * QUARTER_S), self.image["offsets"])
                 for number in range(self.trace.quarters)]
        order = Order(self.site, warm_up_days=self.plan.learned, dut="wire")
        return Run(self.image, order, self.plan.name, times, self.trace, self.bounds, self._before,
                   Meters.of(self.plant), self.plant.imbalance_uj(self._first_uj),
                   self.bounds.opening, self.closing)

    def _moment(self, at_s: int) -> Moment:
        """A second of the day, in UTC."""
        return local_time.parse((self.plan.start + timedelta(seconds=at_s)).isoformat(), (0, 0),
                                self.image["offsets"])

    def _begin(self, fault: Planned) -> None:
        self.wire.begin(fault)
        text = f"{fault_words(fault)} for {span(fault.for_s)}"
        self._news.append(("!", text + (", the outbox fills" if fault.effect.part else "")))

    def _end(self, fault: Planned) -> None:
        waiting, began_s = self.wire.app.outbox.backlog(), time.monotonic()
        self.wire.end(fault)
        took_s = time.monotonic() - began_s
        text = f", {waiting} frames delivered in {took_s:.1f} s" if fault.effect.part else ""
        self._news.append(("+", end_words(fault) + text))


class _Pupil:
    """The gateway's controller without its wires; what it wants to send is thrown away."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.names: tuple[str, ...] = lockstep.INPUTS
        self.row: array[int] = app.site.journal.row
        self.coils = 0  # a site of the demo has no relays,
        self.limits_ma: list[int] = []  # and no chargers
        app.site.clock_set = True

    def beat(self, row: "array[int]") -> Any:
        app = self._app
        setpoint = lockstep.beat(app.site, app.controller, row)
        _forget(app.site.telemetry)
        return setpoint

    def close(self) -> None:
        pass


def _forget(telemetry: Any) -> None:
    """Throw away what waits to be coded."""
    while telemetry.oldest() is not None:
        telemetry.taken()


def _seed(day: int, learned: int) -> int:
    """Day 1 .. `learned` are of other seeds; the one after them is the factory's own."""
    return SEED + learned + 1 - day


def _second(time: datetime) -> int:
    """The second of its day."""
    return time.hour * 3600 + time.minute * 60 + time.second


def _peak_w(watts: Sequence[int], step_s: int) -> int:
    """The highest quarter-hour of a day, or the highest step where steps are longer."""
    each = max(QUARTER_S // step_s, 1)
    return max(sum(watts[at:at + each]) // each for at in range(0, len(watts), each))

