"""A whole emulation of a site file: what feeds it, its warm-up, the run itself and its files."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from boards import local_time
from boards.journal_file import Header, JournalWriter
from boards.site_devices import feeds
from hil import dut, feed, pushes, series
from hil.bill import prices
from hil.books import Books, Kept
from hil.bounds import Bounds
from hil.emulate import Emulator, image_of, plant_of
from hil.island import IslandPlant, lived
from hil.media import Media
from hil.phase_split import THIRDS, split_of
from hil.plants import Plant
from hil.trace import Trace

if TYPE_CHECKING:
    from boards.site import Site
    from boards.tariff import Tariff

FACTORY_START = datetime(2026, 7, 1)  # a Wednesday, and a month nobody has paid a peak in yet
ROOF_W = 90_000  # PV of the shipped factory, where the site has any
JOURNAL = "journal"
EVIDENCE = "evidence"
READINGS = "readings.jsonl"


@dataclass(frozen=True)
class Order:
    """What to emulate; None stands for the site's own beat, the shipped factory, all there is."""

    site: Site
    load: Path | None = None
    pv: Path | None = None
    days: int | None = None
    warm_up_days: int = 0
    beat_s: int | None = None
    phases: tuple[int, ...] = THIRDS  # the load's shares, where the site has a rule for phases
    pushes: Path | None = None  # prices pushed on the way (hil/pushes.py)
    outages: tuple[tuple[int, int], ...] = ()  # from second to second of each day reported
    dut: str = "inproc"  # what ran the controller; "wire": it was on real Modbus


@dataclass(frozen=True)
class Feeds:
    """What feeds the plant: from local `start` on, a warm-up and `days` days."""

    image: dict[str, Any]
    start: datetime
    load: feed.Feed
    pv: feed.Feed | None
    days: int
    name: str
    pushes: Sequence[pushes.Push] = ()


class Meters(NamedTuple):
    """What the plant has counted so far; energies without rounding."""

    import_ws: int
    export_ws: int
    pv_ws: int
    load_ws: int
    charged_ws: int
    discharged_ws: int
    lost_uj: int
    stored_uj: int

    @classmethod
    def of(cls, plant: Plant) -> Meters:
        battery = plant.battery
        return cls(plant.import_ws, plant.export_ws, plant.pv_ws, plant.load_ws,
                   battery.charged_ws, battery.discharged_ws, battery.lost_uj, battery.stored_uj)


@dataclass(frozen=True)
class Run:
    """What became of it, from the end of the warm-up on."""

    image: dict[str, Any]
    order: Order
    load_name: str
    times: list[datetime]  # local start of each quarter-hour
    trace: Trace
    bounds: Bounds
    before: Meters
    after: Meters
    balance_uj: int  # energy that came from nowhere since the very start: 0
    opening: array[int]  # journal row of the first beat
    closing: array[int]  # and of one beat after the last
    pushed: Sequence[pushes.Told] = ()  # what became of the pushes
    life: dict[str, int] = field(default_factory=dict)  # without the grid: hil/island.py lived
    kept: Kept | None = None  # the ledger of a site that has one

    @cached_property
    def tariff(self) -> Tariff:
        """The tariff as it was billed: with the pushes that were taken."""
        return pushes.billed(self.order.site.tariff, self.pushed)

    @property
    def prices_e4(self) -> list[int]:
        """Price of each quarter-hour."""
        return prices(self.tariff, self.times)


def feeds_of(order: Order) -> Feeds:
    """Open the load and the PV. Raises SeriesError when a file cannot be used or is too short."""
    image = image_of(order.site, order.beat_s)
    beat_s = image["site"]["beat_s"]
    load: feed.Feed
    pv: feed.Feed | None = None
    if order.load is None:
        days = order.days or 1
        whole = days + order.warm_up_days
        start = FACTORY_START - timedelta(days=order.warm_up_days)
        load = feed.factory(start, beat_s, whole)
        if order.pv is None and feeds(order.site.devices, "pv_w"):
            pv = feed.roof(start, beat_s, whole, ROOF_W)
    else:
        measured = series.read(order.load)
        days = order.days or max(measured.days - order.warm_up_days, 1)
        whole = days + order.warm_up_days
        start = measured.start
        load = _measured(order.load, measured, beat_s, start, whole)
    if order.pv is not None:
        pv = _measured(order.pv, series.read(order.pv), beat_s, start, whole)
    name = order.load.name if order.load else "the shipped factory"
    pushed = pushes.read(order.pushes, start, start + timedelta(days=whole)) if order.pushes else ()
    return Feeds(image, start, load, pv, days, name, pushed)


def emulate(order: Order, feeds: Feeds, out: Path, done: Callable[[int], None]) -> Run:
    """Run it and keep the journal in `out`; `done` is told of quarter-hours as they pass. Raises
    DutError, OSError."""
    image, beat_s = feeds.image, feeds.image["site"]["beat_s"]
    moment = local_time.parse(feeds.start.isoformat(), (0, 0), image["offsets"])
    plant = plant_of(image)
    first_uj = plant.battery.stored_uj
    if isinstance(plant, IslandPlant):
        plant.outages = [(86400 * day + begin, 86400 * day + end) for begin, end in order.outages
                         for day in range(order.warm_up_days, order.warm_up_days + feeds.days)]
    out.mkdir(parents=True, exist_ok=True)
    device = dut.start(order.dut, image)
    try:
        with JournalWriter(out / JOURNAL, Header.of(image)) as journal:
            emulator = Emulator(device, plant, feeds.load, feeds.pv, moment, beat_s, journal.write,
                                split_of(image, order.phases))
            pusher = pushes.Pusher(feeds.pushes, feeds.start, device)
            _pass(emulator, pusher, order.warm_up_days, done)
            if "ledger" in image and isinstance(device, dut.InProcess):
                emulator.books = Books(image, device.site, plant)
            if "media" in image and isinstance(device, dut.InProcess):
                emulator.media = Media(image, device.site)
            trace, bounds, before = Trace(), Bounds(), Meters.of(plant)
            emulator.trace, emulator.bounds = trace, bounds
            _pass(emulator, pusher, feeds.days, done)
            closing = array("i", emulator.close())
            if emulator.media:
                emulator.media.close(out / READINGS)
            kept = emulator.books.close(out / EVIDENCE) if emulator.books else None
    finally:
        device.close()
    began = local_time.seconds(moment) + order.warm_up_days * 86400
    times = [local_time.local(divmod(began + number * feed.QUARTER_S, 86400), image["offsets"])
             for number in range(trace.quarters)]
    return Run(image, order, feeds.name, times, trace, bounds, before, Meters.of(plant),
               plant.imbalance_uj(first_uj), bounds.opening, closing, pusher.told,
               lived(plant), kept)


def _pass(emulator: Emulator, pusher: pushes.Pusher, days: int, done: Callable[[int], None]
          ) -> None:
    for _ in range(days * feed.QUARTERS // 4):
        for _ in range(4):
            emulator.quarter()
            pusher.quarter()
        done(4)


def _measured(path: Path, found: series.Series, beat_s: int, start: datetime, days: int
              ) -> feed.Feed:
    try:
        cut = feed.Measured(found, beat_s, start)
    except series.SeriesError as error:
        raise series.SeriesError(f"{path}: {error}") from None
    if cut.quarters <= 0:
        raise series.SeriesError(f"{path}: ends before {start:%Y-%m-%d}, where the load begins")
    if cut.quarters < days * feed.QUARTERS:
        raise series.SeriesError(f"{path}: holds {cut.quarters / feed.QUARTERS:.1f} days from "
                                 f"{start:%Y-%m-%d} on, expected {days}")
    return cut
