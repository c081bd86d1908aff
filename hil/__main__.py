"""`python -m hil`: rigs, from the emulator on this machine to hardware in the loop.

A module of this folder with a `command` is a command of the same name; it is loaded when called.
"""

import ast
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

_FOLDER = Path(__file__).parent
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER_OUT = click.Path(file_okay=False, path_type=Path)


class Found(click.Group):
    """The commands below, and those of the modules beside this file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.commands, *_modules()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = self.commands.get(cmd_name)
        if own is not None or cmd_name not in _modules():
            return own
        found: click.Command = import_module(f"hil.{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        meanings = _modules() | {name: own.get_short_help_str(90)
                                 for name, own in self.commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(meanings.items()))


def _modules() -> dict[str, str]:
    """The modules that hold a `command`, with the first line of its help; none is imported."""
    found = {}
    for path in sorted(_FOLDER.glob("[a-z]*.py")):
        source = path.read_text(encoding="utf-8")
        if "\ndef command(" in source:
            body = ast.parse(source).body
            made = next(node for node in body
                        if isinstance(node, ast.FunctionDef) and node.name == "command")
            found[path.stem] = (ast.get_docstring(made) or "").partition("\n")[0]
    return found


@click.group(cls=Found, name="python -m hil", no_args_is_help=True)
def main() -> None:
    """Rigs: the real firmware against simulated devices.

    \b
    Example:
      python -m hil emulate examples/foundry/site.toml --warm-up 14 --beat 10 --out out
    """


def _fail(*lines: str) -> NoReturn:
    for line in lines:
        click.echo(line, err=True)
    sys.exit(1)


def _site(path: Path) -> Any:
    """The site, or its mistakes and exit status 1."""
    from boards.site import check

    checked = check(path)
    if checked.site is None:
        _fail(*checked.errors)
    return checked.site


def _beat(ctx: click.Context, option: click.Parameter, beat_s: int | None) -> int | None:
    if beat_s is not None and (beat_s < 1 or 60 % beat_s):
        raise click.BadParameter(f"found {beat_s} s, expected a divisor of 60")
    return beat_s


def _phases(ctx: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    from hil.phase_split import Split

    parts = text.split(",")
    if not all(part.isdecimal() for part in parts):
        raise click.BadParameter(f"found {text}, expected three whole numbers as 500,300,200")
    shares = tuple(map(int, parts))
    try:
        Split(shares)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return shares


def _outages(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]
             ) -> tuple[tuple[int, int], ...]:
    from hil.share import span_of_day

    spans = tuple(map(span_of_day, texts))
    for begin, end in spans:
        if begin >= end:
            raise click.BadParameter("found a span that ends before it begins, expected times of "
                                     "one day as 10:00-11:30")
    return spans


def _told(found: dict[str, Any], text: str, as_json: bool) -> None:
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else text)


@main.command()
@click.argument("site", type=_FILE)
@click.option("--load", type=_FILE, help="Load: CSV timestamp,kW. Without it the shipped factory.")
@click.option("--pv", type=_FILE, help="PV: CSV as the load, beginning with it.")
@click.option("--days", type=click.IntRange(1), help="Days to report; all the load has, or one.")
@click.option("--warm-up", "warm_up", type=click.IntRange(0), default=0, show_default=True,
              help="Days before them, from which the controller learns.")
@click.option("--beat", "beat_s", type=int, callback=_beat, help="Length of a beat, s; the site's.")
@click.option("--dut", type=click.Choice(["inproc", "micropython"]), default="inproc",
              show_default=True, help="What runs the controller.")
@click.option("--phases", default="334,333,333", callback=_phases, show_default=True,
              help="The load's shares of the phases, per mille, where the site has that rule.")
@click.option("--pushes", type=_FILE, help="Prices pushed on the way: CSV at,day,prices.")
@click.option("--outage", "outages", multiple=True, callback=_outages,
              help="The grid is away from then to then on each day reported, as 10:00-11:30; for "
                   "a site with the rule island. May be given again.")
@click.option("--out", type=_FOLDER_OUT, required=True, help="Where journal, trace and report go.")
@_JSON
def emulate(site: Path, out: Path, as_json: bool, warm_up: int, **ordered: Any) -> None:
    """A park on this machine: the real controller against a simulated plant.

    Writes OUT/journal (every beat), OUT/trace.csv (15-minute means) and OUT/report.html. A line of
    PUSHES is local time, date, and a profile of the tariff by its name or 24 or 96 prices a kWh,
    as 2026-07-01T19:10,2026-07-02,critical.

    Of a site with a [ledger] the gateway's own ledger is kept and audited: OUT/evidence, for
    `python -m cloud_bridge audit` (not with --dut micropython). Every meter has a register there,
    tenants and what has no meter draw equal parts of the load, and a direct line brings nothing.
    Of meters of water, heat ... what flows is made up: OUT/readings.jsonl, for `indicators`.

    \b
    Example:
      python -m hil emulate examples/foundry/site.toml --warm-up 14 --beat 10 --out out
      python -m hil emulate examples/mill/site.toml --warm-up 14 --beat 60 --out out
    """
    from hil import emulation, report, summary, trace
    from hil.dut import DutError
    from hil.figures import figures
    from hil.progress import progress
    from hil.series import SeriesError

    order = emulation.Order(_site(site), warm_up_days=warm_up, **ordered)
    if order.outages and "island" not in order.site.rules:
        _fail(f"{site}: found no [rules.island], expected a site that can run without the grid")
    try:
        feeds = emulation.feeds_of(order)
        with progress("emulating", (feeds.days + warm_up) * 96, as_json) as done:
            run = emulation.emulate(order, feeds, out, done)
        found = figures(run)
        trace.write(out / "trace.csv", run.trace, trace.EMULATED,
                    (time.isoformat(timespec="minutes") for time in run.times), run.prices_e4)
        (out / "report.html").write_text(report.page(run, found), encoding="utf-8")
    except (SeriesError, DutError, OSError) as error:
        _fail(str(error))
    _told(found, f"{summary.text(found)}\n\n  {out / 'report.html'}", as_json)
    if found["fault"] or found["balance_uj"]:
        _fail("the controller latched a fault" if found["fault"] else "energy is missing")
    if found["carbon_ledger"] and not found["carbon_ledger"]["stands"]:
        _fail("the carbon ledger does not stand")


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--battery", type=click.Choice(["large", "small"]), default="large",
              show_default=True, help="A quarter of the peak for 2 h, or a tenth for 1 h.")
@click.option("--mode", type=click.Choice(["peak", "bill"]), default="bill", show_default=True,
              help="peak: nothing but the demand charge counts.")
@click.option("--beat", "beat_s", type=int, callback=_beat, default=60, show_default=True,
              help="Length of a beat, s.")
@click.option("--out", type=_FOLDER_OUT, required=True, help="Where the traces go.")
@click.option("--tariff", type=_FILE, help="Tariff file; without it the protocol's.")
@click.option("--sites", help="Only these: names of files in FOLDER, as a,b.")
@click.option("--against", help="Baselines to score beside it, as a,b, or all.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True,
              help="Sites at a time.")
@click.option("--plan", type=click.Choice(["15min", "1h", "2h", "4h"]),
              help="Announce the true loads of so long ahead, every quarter-hour.")
@click.option("--plan-noise", "noise_pm", type=click.IntRange(0, 1000), default=0,
              help="How wrong they are: standard deviation, per mille.")
@_JSON
def score(folder: Path, out: Path, sites: str | None, jobs: int, as_json: bool,
          tariff: Path | None, against: str | None, plan: str | None, **case: Any) -> None:
    """How much of the best possible saving the controller gets, over measured loads.

    FOLDER holds loads, *.csv.gz with timestamp,kW[,filled], 15-minute means of whole months.
    Exit status 1 when a trace breaks physics. Baselines are the files of hil/baselines.

    \b
    Example:
      python -m hil score loads --battery large --mode peak --out scored --jobs 2
      python -m hil score loads --out scored --against last_month_ratchet,foresight
    """
    from boards.site import SiteError
    from hil import score as scoring
    from hil import score_all, score_table
    from hil.baseline import BaselineError
    from hil.foretell import HORIZONS
    from hil.progress import progress
    from hil.series import SeriesError, read

    chosen = _chosen(scoring.loads(folder), sites)
    if case["noise_pm"] and not plan:
        raise click.BadParameter("--plan-noise is of an announced plan, expected --plan")
    asked = scoring.Case(**case, tariff=tariff or scoring.TARIFF, against=_rivals(against),
                         plan=HORIZONS[plan] if plan else 0)
    try:
        scoring.check_tariff(asked.tariff)
        quarters = sum(len(read(path)) for path in chosen)
        with progress("scoring", quarters, as_json) as done:
            results = score_all.score_all(chosen, asked, out, jobs, done)
    except (SeriesError, SiteError, BaselineError, OSError) as error:
        _fail(str(error))
    _told(score_table.report(results, asked), score_table.text(results, asked), as_json)
    wrong = [f"{one.site}: {line}" for result in results for one in (result, *result.against)
             for line in one.wrong]
    if wrong:
        _fail(*wrong[:10], f"{len(wrong)} violations")


def _rivals(against: str | None) -> tuple[str, ...]:
    """The baselines asked for; `all` leaves out, and says so, what cannot run here."""
    from boards.parts import PartError
    from hil import baseline

    there, chosen = baseline.names(), []
    names = [name.strip() for name in against.split(",")] if against else []
    unknown = [name for name in names if name not in (*there, "all")]
    if unknown:
        raise click.BadParameter(f"found {' '.join(unknown)}, expected all or some of "
                                 f"{' '.join(there)}", param_hint="--against")
    for name in there if "all" in names else dict.fromkeys(names):
        try:
            baseline.load(name)
            chosen.append(name)
        except PartError as error:
            if name in names:
                _fail(f"{name}: {error}")
            click.echo(f"{name}: left out: {error}", err=True)
    return tuple(chosen)


def _chosen(there: dict[str, Path], sites: str | None) -> list[Path]:
    """The load files asked for; all without a list."""
    names = [name.strip() for name in sites.split(",")] if sites else list(there)
    unknown = [name for name in names if name not in there]
    if unknown or not names:
        raise click.BadParameter(f"found {' '.join(unknown) or 'no load'}, expected some of "
                                 f"{' '.join(there) or 'the files *.csv.gz'}")
    return [there[name] for name in names]


@main.command()
@click.argument("journal", type=_FILE)
@click.option("--site", type=_FILE, default="site.toml", show_default=True,
              help="The site file that ran, or another one to see what it changes.")
@_JSON
def replay(journal: Path, site: Path, as_json: bool) -> None:
    """Run what a journal's beats saw through today's code, and find the first difference.

    What no row holds (a switch, phases, loans, each of several batteries) is taken from what was
    said then, and named. Exit status 0 when all rows are the same, 1 when one is not.

    \b
    Example:
      python -m hil replay out/journal --site examples/foundry/site.toml
    """
    from boards.journal_file import JournalError
    from hil import replay as replaying
    from hil.progress import progress

    try:
        with progress("replaying", replaying.rows(journal), as_json) as done:
            result = replaying.replay(journal, _site(site), done)
    except (JournalError, OSError) as error:
        _fail(str(error))
    _told(result.for_machine(), result.text(), as_json)
    sys.exit(1 if result.differences else 0)


if __name__ == "__main__":
    from boards.cli import main as run

    run(main)
