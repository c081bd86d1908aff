"""`python -m hil share`: a day of several gateways on one import limit."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hil.neighbours import Neighbours

_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def _cut(ctx: click.Context, option: click.Parameter, text: str | None) -> tuple[int, int]:
    return span_of_day(text) if text is not None else (0, 0)


def span_of_day(text: str) -> tuple[int, int]:
    """Seconds of the day of a span as 10:00-11:30. Raises click.BadParameter."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"found {text}, expected times of the day as 10:00-11:30")
    from_h, from_min, to_h, to_min = map(int, found.groups())
    return from_h * 3600 + from_min * 60, to_h * 3600 + to_min * 60


@click.command()
@click.argument("files", nargs=-1, required=True,
                type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--cut", callback=_cut, help="The link is down from then to then, as 10:00-11:30.")
@click.option("--lost", "lost_pm", type=click.IntRange(0, 1000), default=20, show_default=True,
              help="Messages lost, per mille.")
@click.option("--delay", "delay_ms", type=click.IntRange(0, 600_000), default=200,
              show_default=True, help="The longest way of a message, ms.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="Where to: 15-minute means of each gateway, CSV.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(files: tuple[Path, ...], cut: tuple[int, int], lost_pm: int, delay_ms: int,
            out: Path | None, as_json: bool) -> None:
    """A day of gateways that share an import limit: their controllers, plants and link.

    The load of each is the shipped factory, three hours later than its neighbour's, its highest
    quarter-hour 1.3 times the safe share. Exit status 1 when more was allowed than the limit.

    \b
    Example:
      python -m hil share examples/halls/hall-1.toml examples/halls/hall-2.toml --cut 10:00-11:00
    """
    from boards.group_checks import check_group
    from boards.site import check
    from hil.neighbours import Air, Neighbours
    from hil.progress import progress

    checked = [check(path) for path in files]
    sites = [one.site for one in checked if one.site is not None and "share" in one.site.rules]
    errors = [line for one in checked for line in one.errors]
    errors += [f"{one.site.path.name}: rules.share: found nothing, expected the rule share"
               for one in checked if one.site is not None and "share" not in one.site.rules]
    errors += check_group(sites)[0]
    if errors:
        for line in errors:
            click.echo(line, err=True)
        sys.exit(1)
    neighbours = Neighbours(sites, Air(delay_ms, lost_pm))
    with progress("sharing", 96, as_json) as done:
        neighbours.day(lambda second: cut[0] <= second < cut[1], done)
    if out is not None:
        _write(out, [site.name for site in sites], neighbours)
    found = report(neighbours)
    click.echo(json.dumps(found, indent=1) if as_json else _text(found))
    if found["allowed_max_w"] > found["limit_w"] or found["faults"]:
        click.echo("more was allowed than the limit, or a controller has failed", err=True)
        sys.exit(1)


def report(neighbours: Neighbours) -> dict[str, Any]:
    """What the day has shown, for a machine."""
    from hil.joint import battery_of, peaks_kw

    seen, many = neighbours.seen, range(len(neighbours.gateways))
    loads_kw = [[quarter[3 * k] / 1000 for quarter in seen.quarters] for k in many]
    batteries = [battery_of(one.image) for one in neighbours.gateways]
    bare_kw, own_kw, joint_kw = peaks_kw(loads_kw, batteries)
    as_run_w = max(sum(quarter[1::3]) for quarter in seen.quarters)
    return {"limit_w": neighbours.limit_w, "allowed_max_w": seen.allowed_max_w,
            "import_max_w": seen.import_max_w, "over_s": seen.over_s,
            "demand_kw": {"without": round(bare_kw, 1), "as_run": as_run_w / 1000,
                          "own_targets": round(own_kw, 1), "one_target": round(joint_kw, 1)},
            "borrowed_wh": seen.borrowed_wh, "discharged_wh": seen.discharged_wh,
            "faults": sum(one.device.site.fault is not None for one in neighbours.gateways)}


def _text(found: dict[str, Any]) -> str:
    demand = found["demand_kw"]
    return "\n".join((
        f"  limit                   {found['limit_w'] / 1000:8.1f} kW",
        f"  allowed together        {found['allowed_max_w'] / 1000:8.1f} kW at most",
        f"  imported together       {found['import_max_w'] / 1000:8.1f} kW at most, above the "
        f"limit for {found['over_s']} s",
        f"  highest 15-minute mean  {demand['as_run']:8.1f} kW together; without batteries "
        f"{demand['without']:.1f} kW",
        f"    all loads known ahead {demand['own_targets']:8.1f} kW with a target for each, "
        f"{demand['one_target']:.1f} kW with one for all",
        f"  borrowed                {found['borrowed_wh'] / 1000:8.1f} kWh of allowance",
        f"  batteries discharged    {found['discharged_wh'] / 1000:8.1f} kWh"))


def _write(out: Path, names: Sequence[str], neighbours: Neighbours) -> None:
    with out.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["quarter", *(f"{name} {what}" for name in names
                                    for what in ("load_w", "import_w", "allowance_w"))])
        for number, quarter in enumerate(neighbours.seen.quarters):
            rows.writerow([number, *quarter])
