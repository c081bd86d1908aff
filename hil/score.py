"""Score the real controller over measured loads: one battery, one tariff, many sites.

A site is compiled from the text of a site file and run by the emulator like any other. What is
scored is read back from the trace that was written, after that has been re-checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from boards import site as sites
from boards import tariff as tariffs
from boards import tariff_words
from boards.local_time import parse
from boards.shapes import Findings
from hil import baseline, bill, foretell, optimum, protocol, recheck, series, trace
from hil.dut import InProcess
from hil.emulate import Emulator, image_of, plant_of, window_pm
from hil.feed import QUARTER_S, Measured

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

SUFFIX = ".csv.gz"
TARIFF = Path(__file__).with_name("score_tariff.toml")
BATTERIES = {"large": (0.25, 2), "small": (0.10, 1)}  # power over the highest load; hours of it
MODES = ("peak", "bill")
_SITE = """\
[site]
park = "score"
gateway = "site"
timezone = "UTC" # the loads' own clock
beat_s = {beat_s}
[battery]
capacity_wh = {capacity_wh}
charge_max_w = {power_w}
discharge_max_w = {power_w}
efficiency_pm = 900
lease_ms = {lease_ms}
[gate]
charge_max_w = {power_w}
discharge_max_w = {power_w}
soc_floor_pm = 100
soc_ceiling_pm = 900
import_max_w = 8_000_000
export_max_w = 8_000_000
step_max_w = {step_w}
age_max_ms = 5000
soc_age_max_ms = 60_000
[tariff]
file = {tariff}
[carbon]
factor = 0
source = "not asked"
year = 2026
[rules.reserve]
floor_pm = 100
ceiling_pm = 900
[rules.demand]
[rules.self_use]
[rules.tariff]
[rules.refill]
[[bus]]
name = "line"
link = "rtu"
path = 0
[[bus]]
name = "battery-line"
link = "rtu"
path = 1
[[bus]]
name = "net"
link = "tcp"
host = "127.0.0.1"
[[device]]
name = "meter"
profile = "acrel_adw300"
bus = "line"
unit = 1
[[device]]
name = "pcs"
profile = "sinexcel_pcs"
bus = "net"
[[device]]
name = "bms"
profile = "soltaro_bms"
bus = "battery-line"
"""


class Case(NamedTuple):
    """What every site is scored with."""

    battery: str = "large"
    mode: str = "bill"
    beat_s: int = 60
    tariff: Path = TARIFF
    against: tuple[str, ...] = ()  # names of baselines
    plan: int = 0  # quarter-hours ahead whose loads are announced
    noise_pm: int = 0  # how wrong they are: standard deviation of a slowly changing factor


class Result(NamedTuple):
    """One site and one controller; shares are None where nothing was to be saved, or not asked.
    `against` are the results of the case's baselines on the same site."""

    site: str
    months: list[protocol.Month3]
    peak_share: float | None
    bill_share: float | None
    both_ways: int
    wrong: list[str]
    against: tuple[Result, ...] = ()


def loads(folder: Path) -> dict[str, Path]:
    """The load files of a folder by site."""
    return {path.name.removesuffix(SUFFIX): path for path in sorted(folder.glob("*" + SUFFIX))}


def site_of(peak_w: int, case: Case) -> sites.Site:
    """The site of a load. In mode peak energy costs nothing."""
    part, hours = BATTERIES[case.battery]
    power_w = int(peak_w * part)
    text = _SITE.format(beat_s=case.beat_s, power_w=power_w, capacity_wh=power_w * hours,
                        lease_ms=max(5000, 2000 * case.beat_s), step_w=2 * power_w,
                        tariff=_quoted(case.tariff.name))
    if case.plan:
        text += f"[announced]\nlocal = 1\nraise_w = {power_w // 4}\n"
    checked = sites.check_bytes(text.encode(), case.tariff.resolve().parent / "site.toml")
    if checked.site is None:
        raise sites.SiteError(checked.errors)
    # The loads are of years gone by.
    tariff = replace(checked.site.tariff, valid_from=None, valid_to=None)
    return replace(checked.site, tariff=tariff if case.mode == "bill" else tariff.free())


def check_tariff(path: Path) -> None:
    """Raises SiteError with every mistake in a tariff file, or when the protocol cannot bill it."""
    findings = Findings(path.name)
    found = tariffs.read(path, findings)
    if found is not None and not found.simple:
        findings.add("days", tariff_words.structure(found), "a tariff whose days are all alike "
                     "and a month's highest demand: the protocol bills nothing else")
    if findings.lines:
        raise sites.SiteError(findings.lines)


def score(path: Path, case: Case, out: Path, done: Callable[[int], None]) -> Result:
    """Run one site, write its trace into `out`, re-check and score it; the same for each baseline
    in a folder of its name. `done` is told of quarter-hours as they pass. Raises SeriesError,
    BaselineError, OSError."""
    name = path.name.removesuffix(SUFFIX)
    load = series.read(path)
    if load.step_s != QUARTER_S:
        raise series.SeriesError(f"{path}: a step of {load.step_s} s, expected {QUARTER_S}")
    peak_w = max(load.watts)
    if peak_w <= 0:
        raise series.SeriesError(f"{path}: a peak of {peak_w / 1000} kW, expected one above 0")
    try:
        image = image_of(site_of(peak_w, case))
    except sites.SiteError as error:  # a battery too small or too large for any site file
        raise series.SeriesError(f"{path}: {error.lines[0]}") from None
    written = out / f"{name}.csv"
    fault = _run(image, load, case, written, done)
    result = _judged(name, written, load, image, case.mode)
    return result._replace(wrong=([fault] if fault else []) + result.wrong,
                           against=_against(result, load, image, case, out))


def _judged(name: str, written: Path, load: series.Series, image: Mapping[str, Any], mode: str,
            known: Sequence[protocol.Month3] = ()) -> Result:
    """What a written trace is worth; `known` are the same months scored before."""
    limits = limits_of(image)
    rows = recheck.read(written)
    verdict = recheck.recheck(rows, [w / 1000 for w in load.watts], limits)
    months = score_rows(rows, load.filled, image, limits, known)
    return Result(name, months, protocol.share([month.peaks for month in months]),
                  protocol.share([month.bills for month in months]) if mode == "bill" else None,
                  verdict.both_ways, verdict.violations)


def _against(ours: Result, load: series.Series, image: Mapping[str, Any], case: Case, out: Path
             ) -> tuple[Result, ...]:
    """Each baseline on the same site, from its trace to its shares."""
    times, limits = list(load.times()), limits_of(image)
    kilowatts = [w / 1000 for w in load.watts]
    park = baseline.Park(kilowatts, bill.months(times),
                         protocol.scored_months(times, load.filled), battery_of(limits),
                         tariff_of(image, times), max(kilowatts))
    found = []
    for name in case.against:
        written = out / name / f"{ours.site}.csv"
        written.parent.mkdir(exist_ok=True)
        baseline.run(name, park, times, limits, written)
        found.append(_judged(ours.site, written, load, image, case.mode, ours.months))
    return tuple(found)


def _run(image: Mapping[str, Any], load: series.Series, case: Case, written: Path,
         done: Callable[[int], None]) -> str:
    """Emulate one load; returns what fault latched, if one did."""
    device, beat_s = InProcess(image), case.beat_s
    start = parse(load.start.isoformat(), (0, 0), image["offsets"])
    emulator = Emulator(device, plant_of(image), Measured(load, beat_s), None, start, beat_s)
    said = foretell.Foretold(load, start[0], case.plan, case.noise_pm) if case.plan else None
    site: Any = device.site
    for number in range(len(load)):
        if said:
            said.tell(site.announce, number)
        emulator.quarter()
        if number % 96 == 95:
            done(96)
    times = (time.isoformat(timespec="minutes") for time in load.times())
    trace.write(written, emulator.trace, trace.SCORED, times)
    return f"the controller latched a fault: {device.site.fault!r}" if device.site.fault else ""


def limits_of(image: Mapping[str, Any]) -> recheck.Limits:
    """The battery's limits; it starts full."""
    battery = image["battery"]
    floor_pm, ceiling_pm = window_pm(image)
    floor, ceiling = (battery["capacity_wh"] * pm / 1e6 for pm in (floor_pm, ceiling_pm))
    way = (battery["efficiency_pm"] / 1000) ** 0.5
    return recheck.Limits(battery["discharge_max_w"] / 1000, floor, ceiling, ceiling, way)


def battery_of(limits: recheck.Limits) -> optimum.Battery:
    """The battery between its limits."""
    return optimum.Battery(limits.power_kw, limits.ceiling_kwh - limits.floor_kwh, limits.way)


def tariff_of(image: Mapping[str, Any], times: Sequence[datetime]) -> optimum.Tariff:
    """What quarter-hours with these local starts cost."""
    day = image["tariff"]["prices_e4"]
    return optimum.Tariff([day[bill.slot(time)] / 10_000 for time in times],
                          image["tariff"]["demand_e4"] / 10_000)


def score_rows(rows: Sequence[recheck.Row], filled: Sequence[bool], image: Mapping[str, Any],
               limits: recheck.Limits, known: Sequence[protocol.Month3] = ()
               ) -> list[protocol.Month3]:
    """Score the months of a trace; the best of months `known` is not searched again."""
    battery, times = battery_of(limits), [row.timestamp for row in rows]
    months = []
    for number, month in enumerate(protocol.scored_months(times, filled)):
        part = rows[month.first:month.end]
        months.append(protocol.score_month(
            month.name, [row.load_kw for row in part], [row.grid_kw for row in part], battery,
            tariff_of(image, times[month.first:month.end]),
            (known[number].peaks[2], known[number].bills[2]) if known else None))
    return months


def _quoted(text: str) -> str:
    """A TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
