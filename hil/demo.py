"""`python -m hil demo`: one day of one foundry on real Modbus, in a minute."""

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hil.demo_day import Day, Plan
    from hil.rig_wire import Wire
    from hil.scenario import Scenario

_FOLDER = Path(__file__).resolve().parent.parent / "demo"
_DAY_SHOWN_S = 50.0  # on a terminal; elsewhere it goes as fast as it can
_LEARNED, _LEARNED_FAST = 10, 4  # days before the day
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FAST = {"site.beat_s": 60, "battery.lease_ms": 120_000, "telemetry.period_s": 60}
_OURS = ("journal", "outbox.bin", "park.db", "park.db-wal", "park.db-shm", "report.html",
         "trace.csv")


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
    from hil.line import RigError
    from hil.series import SeriesError

    try:
        scenario, plan = _prepare(load, site, fast)
        _clear(out)
        sys.exit(_play(Day(plan, scenario, out), out, fast))
    except (SiteError, SeriesError, RigError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


def _prepare(load: Path | None, site: Path, fast: bool) -> "tuple[Scenario, Plan]":
    from hil import demo_day, scenario

    learned = _LEARNED_FAST if fast else _LEARNED
    changes = _FAST if fast else {}
    plan = demo_day.measured(site, load, learned, changes) if load else \
        demo_day.factory(site, learned, changes)
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
        pause_s = 0.0 if fast or not sys.stdout.isatty() else _DAY_SHOWN_S / day.number_of_beats
        with view.live():
            for number, seen in enumerate(day.beats(), start=1):
                view.news(seen)
                view.show(seen)
                ahead_s = began_s + number * pause_s - time.monotonic()
                if ahead_s > 0:
                    time.sleep(ahead_s)
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


def _stored(day: "Day", wire: "Wire") -> list[tuple[int, ...]]:
    assert wire.cloud is not None
    site = day.image["site"]
    return wire.cloud.rows(site["park"], site["gateway"])
