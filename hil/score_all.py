"""Score many sites, some at a time, and tell the result."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import Value, parent_process
from pathlib import Path
from typing import Any

from hil.protocol import Spread, spread
from hil.score import Case, Result, score

_POLL_S = 0.2
_STOP = -(1 << 62)
_passed: Any = None  # quarter-hours passed in all processes; set in each of them


class StoppedError(RuntimeError):
    """Another site's error, or an interrupt."""


def score_all(paths: Iterable[Path], case: Case, out: Path, jobs: int,
              done: Callable[[int], None]) -> list[Result]:
    """Score each load file in a process of its own, at most `jobs` at once, in their order."""
    out.mkdir(parents=True, exist_ok=True)
    passed, told = Value("q", 0), 0
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(passed,)) as pool:
        futures = [pool.submit(_score, path, case, out) for path in paths]
        pending = set(futures)
        try:
            while pending:
                finished, pending = wait(pending, _POLL_S, FIRST_COMPLETED)
                for future in finished:
                    future.result()  # an error ends it all at once
                now = passed.value
                done(now - told)
                told = now
        except BaseException:  # an interrupt, too: the others need not go on
            passed.value = _STOP
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def _begin(passed: Any) -> None:
    global _passed
    _passed = passed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process tells the others


def _score(path: Path, case: Case, out: Path) -> Result:
    return score(path, case, out, _count)


def _count(quarters: int) -> None:
    parent = parent_process()
    if parent is not None and not parent.is_alive():  # killed: nobody is left to tell
        os._exit(1)
    if _passed.value < 0:
        raise StoppedError("stopped")
    with _passed.get_lock():
        _passed.value += quarters


def report(results: Sequence[Result], case: Case) -> dict[str, Any]:
    """Everything for a machine."""
    found: dict[str, Any] = {
        "battery": case.battery, "mode": case.mode, "beat_s": case.beat_s,
        "tariff": case.tariff.name, "plan_minutes": case.plan * 15, "noise_pm": case.noise_pm,
        "sites": [_site(result) for result in results]}
    for key, one in spreads(results).items():
        found[key] = one._asdict() if one else None
    found["violations"] = sum(len(result.wrong) for result in results)
    return found


def spreads(results: Sequence[Result]) -> dict[str, Spread | None]:
    """Peak and bill share over the sites; None where no site has one."""
    found: dict[str, Spread | None] = {}
    for key in ("peak_share", "bill_share"):
        shares = {result.site: getattr(result, key) for result in results
                  if getattr(result, key) is not None}
        found[key] = spread(shares) if shares else None
    return found


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
            lines.append(f"{key.replace('_', ' ')}: mean {one.mean:.3f}, standard error "
                         f"{one.error:.3f}, worst {one.worst:.3f} ({one.worst_site})")
    return "\n".join(lines)


def _plan(case: Case) -> str:
    if not case.plan:
        return ""
    wrong = f", wrong by {case.noise_pm / 10:g} %" if case.noise_pm else ""
    return f", the next {case.plan * 15} minutes announced{wrong}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
