"""What the three kinds of rig share: the plant they move, the faults' schedule, the record."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from boards import local_time
from boards.local_time import Moment
from hil import amend
from hil.emulate import plant_of
from hil.emulation import FACTORY_START
from hil.feed import per_beat
from hil.plants import Bank, Battery, Plant
from hil.scenario import Planned, RigFile, Scenario
from hil.series import clear_sky, factory_day

if TYPE_CHECKING:
    from boards.site import Site
    from hil.books import Kept

DAY_S = 86400
SEED = 1  # of everything that looks like chance: the factory's day, the digits of the meters


class Sample(NamedTuple):
    """The plant after one beat: mean powers of the beat (W) and the true state of charge."""

    at_s: int  # second of the local day at which the beat began
    store_w: int
    grid_w: int
    soc_pm: int
    each: tuple[tuple[int, int], ...] = ()  # power and state of charge of several batteries


@dataclass
class Record:
    """What a scenario left behind. `rows` are journal rows, `at_s` their seconds of the local
    day; `counts` are frames on the buses and what was wrong with them."""

    beat_s: int
    rows: list["array[int]"] = field(default_factory=list)
    at_s: list[int] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    imbalance_uj: int = 0
    stored: list[tuple[int, ...]] | None = None  # rows in the store; None: there was none
    broker: str | None = None  # which one was on the way up
    held: list[tuple[int, ...]] | None = None  # rows that are still on the outbox's medium
    tail_rows: int = 0  # how many may be on their way when it ends
    after: list[tuple[int, ...]] = field(default_factory=list)  # rows after the scenario's end
    slack_s: int = 0  # how exactly the times of the rows are known
    waited: int | None = None  # most frames that waited for the struck cloud; None: not struck
    life: dict[str, int] = field(default_factory=dict)  # of an island, see hil/island.py lived
    kept: "Kept | None" = None  # the carbon ledger, where this rig keeps the site's
    troubles: list[str] = field(default_factory=list)  # what went wrong with the rig or the process


class Rig(Protocol):
    """Something a scenario can be played on."""

    def play(self, done: Callable[[int], None]) -> Record:
        """Play the scenario; `done` is told of its seconds as they pass."""


@dataclass(frozen=True)
class Stage:
    """A scenario with everything a rig needs to know about it before it begins."""

    file: RigFile
    scenario: Scenario
    raw: amend.Raw  # the site file, amended
    site: "Site"
    image: dict[str, Any]
    loads: Sequence[int]  # of each beat of the day, W
    pvs: Sequence[int]

    @property
    def beat_s(self) -> int:
        beat_s: int = self.image["site"]["beat_s"]
        return beat_s

    def utc(self, at_s: int) -> Moment:
        """A second of the scenario's local day in UTC."""
        time = FACTORY_START + timedelta(seconds=at_s)
        return local_time.parse(time.isoformat(), (0, 0), self.image["offsets"])

    def feed(self, plant: Plant, at_s: int) -> None:
        """Set the load and the sun of the beat that begins at `at_s`."""
        beat = at_s // self.beat_s % len(self.loads)
        plant.load_w, plant.pv_w = self.loads[beat], self.pvs[beat]

    def plant(self) -> Plant:
        """The plant of the site file, with a battery that does not protect itself: who goes beyond
        its limits shall be seen to."""
        made = plant_of(self.image)
        battery = made.battery
        if isinstance(battery, Bank):
            bare: Battery = Bank([self._bare(one) for one in battery.batteries])
        else:
            bare = self._bare(battery)
        return replace(made, battery=bare)

    def _bare(self, battery: Battery) -> Battery:
        return Battery(
            battery.capacity_wh, 2 * battery.charge_max_w, 2 * battery.discharge_max_w,
            soc_pm=self.file.soc_pm, floor_pm=0, ceiling_pm=1000,
            charge_ppm=battery.charge_ppm, discharge_ppm=battery.discharge_ppm)


def stage(file: RigFile, scenario: Scenario) -> Stage:
    """Set a scenario up. Raises SiteError, OSError, ValueError."""
    from boards.image import compile_site

    raw = amend.change(amend.read(file.site), {**file.change, **scenario.change})
    site = amend.site(raw, file.site)
    image = compile_site(site)
    beat_s = image["site"]["beat_s"]
    beats = DAY_S // beat_s
    day = datetime(FACTORY_START.year, FACTORY_START.month, FACTORY_START.day)
    load, sun = factory_day(day, SEED), clear_sky(day, file.pv_w)
    return Stage(file, scenario, raw, site, image,
                 [file.load_w] * beats if file.load_w
                 else per_beat(load.watts, load.step_s, beat_s),
                 per_beat(sun.watts, sun.step_s, beat_s))


class Schedule:
    """Begins and ends the faults of a scenario as its time passes."""

    def __init__(self, faults: Sequence[Planned], begin: Callable[[Planned], None],
                 end: Callable[[Planned], None]) -> None:
        self._coming = sorted(faults, key=lambda one: one.at_s, reverse=True)
        self._running: list[Planned] = []
        self._begin, self._end = begin, end

    def reach(self, at_s: float) -> None:
        """The scenario's time has come to `at_s`."""
        for fault in [one for one in self._running if one.end_s <= at_s]:
            self._running.remove(fault)
            self._end(fault)
        while self._coming and self._coming[-1].at_s <= at_s:
            fault = self._coming.pop()
            self._running.append(fault)
            self._begin(fault)


def sample(plant: Plant, at_s: int, grid_w: int) -> Sample:
    """The plant as it is after a beat."""
    battery = plant.battery
    each = tuple((one.power_w, one.soc_now_pm) for one in battery.batteries) \
        if isinstance(battery, Bank) else ()
    return Sample(at_s, battery.power_w, grid_w, battery.soc_now_pm, each)
