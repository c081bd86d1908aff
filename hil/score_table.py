"""Scores told: for a machine, and as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from hil import baseline
from hil.protocol import Spread, spread
from hil.score import Case, Result

_SHARES = ("peak_share", "bill_share")


class Gain(NamedTuple):
    """A paired difference, the controller's share less the baseline's on the same site, over
    `sites` sites; at `better` of them it is above 0."""

    mean: float
    error: float
    worst: float
    worst_site: str
    better: int
    sites: int


def report(results: Sequence[Result], case: Case) -> dict[str, Any]:
    """Everything for a machine."""
    rivals = [result for one in results for result in one.against]
    return {
        "battery": case.battery, "mode": case.mode, "beat_s": case.beat_s,
        "tariff": case.tariff.name, "plan_minutes": case.plan * 15, "noise_pm": case.noise_pm,
        "sites": [_site(result) for result in results],
        **_spreads(results),
        "against": {name: _rival(name, results, theirs)
                    for name, theirs in against(results, case)},
        "violations": sum(len(result.wrong) for result in [*results, *rivals])}


def against(results: Sequence[Result], case: Case) -> Iterator[tuple[str, list[Result]]]:
    """Each baseline with its results, in the sites' order."""
    for number, name in enumerate(case.against):
        yield name, [result.against[number] for result in results]


def spreads(results: Sequence[Result]) -> dict[str, Spread | None]:
    """Peak and bill share over the sites; None where no site has one."""
    found: dict[str, Spread | None] = {}
    for key in _SHARES:
        shares = _shares(results, key)
        found[key] = spread(shares) if shares else None
    return found


def gain(ours: Sequence[Result], theirs: Sequence[Result], key: str) -> Gain | None:
    """What the controller has over a baseline, paired by site; None where no site has both."""
    one, other = _shares(ours, key), _shares(theirs, key)
    differences = {site: one[site] - other[site] for site in one if site in other}
    if not differences:
        return None
    return Gain(*spread(differences), sum(value > 0 for value in differences.values()),
                len(differences))


def _shares(results: Sequence[Result], key: str) -> dict[str, float]:
    return {result.site: getattr(result, key) for result in results
            if getattr(result, key) is not None}


def _spreads(results: Sequence[Result]) -> dict[str, Any]:
    return {key: one._asdict() if one else None for key, one in spreads(results).items()}


def _rival(name: str, ours: Sequence[Result], theirs: Sequence[Result]) -> dict[str, Any]:
    gains = {key: gain(ours, theirs, key) for key in _SHARES}
    return {"meaning": baseline.meaning(name), "ahead": baseline.module(name).AHEAD,
            **_spreads(theirs),
            "gain": {key: one._asdict() if one else None for key, one in gains.items()},
            "sites": [_site(result) for result in theirs]}


def _site(result: Result) -> dict[str, Any]:
    months = [{"month": month.month,
               "peak_kw": dict(zip(("without", "with", "best"), month.peaks, strict=True)),
               "bill": dict(zip(("without", "with", "best"), month.bills, strict=True))}
              for month in result.months]
    return {"site": result.site, "peak_share": result.peak_share, "bill_share": result.bill_share,
            "both_ways": result.both_ways, "violations": result.wrong, "months": months}


def text(results: Sequence[Result], case: Case) -> str:
    """The same for people."""
    width = max(len(result.site) for result in results)
    lines = [f"battery {case.battery}, mode {case.mode}, beat {case.beat_s} s, tariff "
             f"{case.tariff.name}{_plan(case)}", "",
             f"{'site':<{width}}  months   peak, mean kW: without    with    best   "
             "peak share  bill share"]
    for result in results:
        count = max(len(result.months), 1)
        means = [sum(month.peaks[at] for month in result.months) / count for at in range(3)]
        lines.append(f"{result.site:<{width}}  {len(result.months):>6}{'':16}"
                     f"{means[0]:>8.1f}{means[1]:>8.1f}{means[2]:>8.1f}   "
                     f"{_share(result.peak_share):>10}  {_share(result.bill_share):>10}")
    lines.append("")
    for key, one in spreads(results).items():
        if one:
            lines.append(f"{_words(key)}: mean {one.mean:.3f}, standard error "
                         f"{one.error:.3f}, worst {one.worst:.3f} ({one.worst_site})")
    for key in _SHARES if case.against else ():
        lines += _compared(results, case, key)
    return "\n".join(lines)


def _compared(results: Sequence[Result], case: Case, key: str) -> list[str]:
    """A table of one share; "gain" is the controller's less the baseline's, paired by site."""
    ours = spreads(results)[key]
    if ours is None:
        return []
    width = max(len(name) for name in (*case.against, "the controller"))
    lines = ["", f"{_words(key):<{width}}    mean    worst   gain ± error      better at",
             f"{'the controller':<{width}}  {ours.mean:6.3f}   {ours.worst:6.3f}"]
    for name, theirs in against(results, case):
        one, more = spreads(theirs)[key], gain(results, theirs, key)
        if one and more:
            ahead = baseline.module(name).AHEAD
            lines.append(f"{name:<{width}}  {one.mean:6.3f}   {one.worst:6.3f}   "
                         f"{more.mean:+.3f} ± {more.error:.3f}   {more.better:>2} of {more.sites}"
                         + (f"   (knows {ahead})" if ahead else ""))
    return lines


def _words(key: str) -> str:
    return key.replace("_", " ")


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _plan(case: Case) -> str:
    if not case.plan:
        return ""
    wrong = f", wrong by {case.noise_pm / 10:g} %" if case.noise_pm else ""
    return f", the next {case.plan * 15} minutes announced{wrong}"
