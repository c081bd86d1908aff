"""Score many sites, some at a time."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import Value, parent_process
from pathlib import Path
from typing import Any

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
