"""`python -m hil run`: plays scenarios on a rig and says what came of them."""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from boards.build import BuildError
from boards.site import SiteError
from boards.site_devices import feeds
from hil import amend, results, scenario
from hil.dut import DutError
from hil.patience import RigError
from hil.progress import progress
from hil.results import Result
from hil.rig import Record, Rig, Stage, stage
from hil.scenario import RigFile, Scenario, ScenarioError
from hil.verdict import judge

_LONG_S = 300  # in real time, without being asked for by name
_OUT = Path("out")


@click.command("run")
@click.argument("rig")
@click.argument("scenarios", nargs=-1)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path),
              help="Where junit.xml and report.md go; out/run-RIG without it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(rig: str, scenarios: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Play scenarios on a rig: faults on the wire, and whether the site stays safe and recovers.

    RIG and SCENARIOS are names of files in hil/rigs and hil/scenarios, or paths of your own.
    Without SCENARIOS all that fit the rig are played. Exit status 1 when one of them fails.

    \b
    Example:
      python -m hil run wire meter_silent bad_crc
    """
    try:
        file = scenario.read_rig(scenario.find("rigs", rig))
        paths = [scenario.find("scenarios", name) for name in scenarios] or scenario.shipped()
        asked = [scenario.read(path) for path in paths]
    except ScenarioError as error:
        raise click.UsageError(str(error)) from None
    folder = out or _OUT / f"run-{file.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(str(error)) from None
    found = []
    for one in asked:
        found.append(_result(file, rig, one, bool(scenarios), folder, as_json))
        if not as_json:
            _tell(found[-1])
    results.write(folder, file.name, found)
    if as_json:
        click.echo(json.dumps(results.json_of(file.name, found), indent=1))
    else:
        click.echo(f"\n{results.tally(found)}; {folder / 'report.md'}, {folder / 'junit.xml'}")
    sys.exit(1 if any(one.problems for one in found) else 0)


def _result(file: RigFile, rig: str, one: Scenario, named: bool, folder: Path, quiet: bool
            ) -> Result:
    """Play one scenario, if it fits the rig."""
    shown = one.path if one.path.parent != scenario.HERE / "scenarios" else one.name
    result = Result(one, f"python -m hil run {rig} {shown}")
    result.skipped = misfit(file, one, named)
    if result.skipped:
        return result
    began = time.monotonic()
    try:
        with progress(one.name, one.for_s, quiet) as done:
            play(file, one, result, folder, done)
    except (SiteError, RigError, DutError, BuildError, OSError, ValueError) as error:
        result.problems.append(f"{type(error).__name__}: {error}")
    result.took_s = time.monotonic() - began
    return result


def play(file: RigFile, one: Scenario, result: Result, folder: Path,
         done: Callable[[int], None]) -> Record:
    """Play one scenario, and note what it measured and what was wrong; what it left behind."""
    setting = stage(file, one)
    with tempfile.TemporaryDirectory(prefix="parkedge-", ignore_cleanup_errors=True) as scratch:
        record = make(setting, Path(scratch)).play(done)
    result.figures = results.figures(record)
    if one.delivered and record.stored is None:
        result.unjudged = "what arrives in the cloud, which this rig has not"
    if one.laundered and record.kept is None:
        result.unjudged = "the carbon ledger, which this rig keeps of a controller in process only"
    result.problems += judge(setting, record)
    return record


def make(setting: Stage, folder: Path) -> Rig:
    """The rig for a clock."""
    if setting.file.clock == "lockstep":
        from hil.rig_lockstep import LockstepRig
        return LockstepRig(setting, folder)
    if setting.file.clock == "wire":
        from hil.rig_wire import WireRig
        return WireRig(setting, folder)
    from hil.rig_wall import WallRig
    return WallRig(setting, folder)


def misfit(file: RigFile, one: Scenario, named: bool) -> str:
    """Why a scenario is not played on a rig; "" when it is."""
    if file.clock == "lockstep" and one.needs_wire:
        return "its faults need a wire"
    keeps = "ledger" in amend.read(file.site)
    if one.laundered and not (keeps and file.clock == "lockstep"):
        return "it needs a site with a ledger, and clock = \"lockstep\""
    if keeps and not one.laundered and not named:
        return "it is timed for a site without a direct line: name it to play it"
    if one.needs_island and (file.clock == "wall" or "island" not in _rules(file)):
        return "it needs a site that can run without the grid, and virtual time"
    if not one.needs_island and "island" in _rules(file) and not named:
        return "it is timed for a site without a grid switch: name it to play it"
    if one.charged_wh and (file.clock == "wall" or "charging" not in _rules(file)):
        return "it needs a site with chargers, and virtual time"
    if not one.charged_wh and "charging" in _rules(file) and not named:
        return "it is timed for a site without chargers: name it to play it"
    if one.link and file.clock != "lockstep" and one.link not in _links(file, one):
        return f"its faults are those of another wire: {one.link}"
    if file.clock == "wall" and one.for_s > _LONG_S and not named:
        return f"takes {scenario.span(one.for_s)} of real time: name it to play it"
    return ""


def _links(file: RigFile, one: Scenario) -> set[str]:
    """The wires of the devices that have its faults."""
    site = amend.site(amend.change(amend.read(file.site), file.change), file.site)
    return {site.buses[device.bus].image["link"] for fault in one.faults
            for device in feeds(site.devices, scenario.ROLES[fault.device])}


def _rules(file: RigFile) -> Mapping[str, object]:
    rules = amend.read(file.site).get("rules", {})
    return rules if isinstance(rules, dict) else {}


def _tell(result: Result) -> None:
    mark = {"passed": "+", "failed": "!", "skipped": "-"}[result.verdict]
    words = result.skipped or result.scenario.about
    took = "        " if result.skipped else f"{result.took_s:6.1f} s"
    click.echo(f" {mark} {result.scenario.name:<20} {took}  {words}")
    if result.unjudged:
        click.echo(f"   not judged: {result.unjudged}")
    for line in result.problems:
        click.echo(f"   {line}")
    if result.problems:
        click.echo(f"   again: {result.again}")
