"""`python -m hil demo`: one day of one foundry on real Modbus, in a minute."""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hil.demo_day import Day, Plan
    from hil.rig_wire import Wire
    from hil.scenario import Planned, Scenario

_FOLDER = Path(__file__).resolve().parent.parent / "demo"
_DAY_SHOWN_S = 50.0  # on a terminal; elsewhere it goes as fast as it can
_DAY_S, _MORNING_S, _EVENING_S = 86_400, 21_600, 79_200
_AFTER_S = 120  # of a fault: it is still to be seen that all is well again
_LEARNED, _LEARNED_FAST, _LEARNED_FILE = 9, 4, 14  # days before the day, as far as there are
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_BEAT_S, _BEAT_FAST_S = 30, 60  # at least: at 1 s a beat the day would take minutes
_OURS = ("journal", "outbox.bin", "vital.bin", "park.db", "park.db-wal", "park.db-shm",
         "report.html", "trace.csv")


@click.command("demo")
@click.option("--load", type=_FILE, help="A load of your own: CSV timestamp,kW. Its worst day.")
@click.option("--site", type=_FILE, default=_FOLDER / "site.toml", help="Another site file.")
@click.option("--fast", is_flag=True, help="Beats of a minute and no pauses, for CI.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("out/demo"),
              show_default=True, help="Where journal, store and report go.")
def command(load: Path | None, site: Path, fast: bool, out: Path) -> None:
    """One day in a minute: a foundry, real Modbus, real sync, faults on the way.

    No root, no broker, no database: everything runs in this process and on loopback. Exit status 1
    when a row was lost or doubled, or the controller met a fault.

    \b
    Example:
      python -m hil demo --fast --out out/demo
    """
    from edge import __version__

    paced = sys.stdout.isatty() and not fast
    click.echo(f"parkedge {__version__}   {'one day' if load else 'one foundry, one day'}"
               f"{' in a minute' if paced else ', as fast as it goes'}")
    from boards.site import SiteError
    from hil.demo_day import Day
    from hil.patience import RigError
    from hil.scenario import ScenarioError
    from hil.series import SeriesError

    try:
        scenario, plan = _prepare(load, site, fast)
        _clear(out)
        sys.exit(_play(Day(plan, scenario, out), out, fast))
    except (SiteError, SeriesError, ScenarioError, RigError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


def _prepare(load: Path | None, site: Path, fast: bool) -> "tuple[Scenario, Plan]":
    from hil import demo_day, scenario

    raw = demo_day.slowed(site, _BEAT_FAST_S if fast else _BEAT_S)
    plan = demo_day.measured(raw, site, load, _LEARNED_FILE) if load else \
        demo_day.factory(raw, site, _LEARNED_FAST if fast else _LEARNED)
    return scenario.read(_FOLDER / "scenario.toml"), plan


def _clear(out: Path) -> None:
    """Make the folder, and take the last demo out of it."""
    out.mkdir(parents=True, exist_ok=True)
    for name in _OURS:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _play(day: "Day", out: Path, fast: bool) -> int:
    """Show the day and what came of it; the exit status."""
    from boards.journal_file import Header
    from hil import demo_view, report, trace
    from hil import demo_words as words
    from hil.figures import figures
    from hil.progress import progress

    view = demo_view.view(Header.of(day.image))
    with day.wire as wire:
        for line in words.banner(day.plan, day.site, wire.places, day.scenario.faults, out):
            view.say(line)
        with progress(" learning from the days before", day.plan.learned) as done:
            day.learn(done)
        blind_s = -wire.app.site.account.gap_s
        began_s = time.monotonic()
        pace = _Pace(day.scenario.faults, day.beat_s)
        with view.live():
            for seen in day.beats():
                view.news(seen)
                view.show(seen)
                if sys.stdout.isatty() and not fast:
                    pace.keep(seen.at_s)
        took_s = time.monotonic() - began_s
        blind_s += wire.app.site.account.gap_s
        kept, stored = wire.board.rows, _stored(day, wire)
    lost, doubled = len({*map(tuple, kept)} - {*stored}), len(stored) - len({*stored})
    run = day.run()
    found = figures(run)
    trace.write(out / "trace.csv", run.trace, trace.EMULATED,
                (moment.isoformat(timespec="minutes") for moment in run.times), run.prices_e4)
    (out / "report.html").write_text(report.page(run, found), encoding="utf-8")
    for line in [*words.table(found, took_s),
                 *words.counted(found, blind_s, len(stored), lost, doubled),
                 *words.onwards(day.plan, out)]:
        view.say(line)
    return 1 if lost or doubled or found["fault"] or found["balance_uj"] else 0


class _Pace:
    """How the minute is spent: quickly through the night, slowly through what goes wrong."""

    def __init__(self, faults: "Sequence[Planned]", beat_s: int) -> None:
        self._faults = faults
        beats = range(0, _DAY_S, beat_s)
        self._unit_s = _DAY_SHOWN_S / sum(self._weight(at_s) for at_s in beats)
        self._due_s = time.monotonic()

    def keep(self, at_s: int) -> None:
        """Wait until the beat of second `at_s` has been shown for long enough."""
        self._due_s += self._weight(at_s) * self._unit_s
        wait_s = self._due_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)

    def _weight(self, at_s: int) -> float:
        for fault in self._faults:
            if fault.at_s <= at_s < fault.end_s + _AFTER_S:
                return 3 if fault.effect.part else 15
        return 1 if _MORNING_S <= at_s < _EVENING_S else 0.2


def _stored(day: "Day", wire: "Wire") -> list[tuple[int, ...]]:
    assert wire.cloud is not None
    site = day.image["site"]
    return wire.cloud.rows(site["park"], site["gateway"])
