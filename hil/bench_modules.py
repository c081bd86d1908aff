"""A few modules as a gateway loads them, run on MicroPython by a program that measures them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

HIGH_KB = 128


class FailedError(Exception):
    """The program ended with an error; its last line."""


def build(folder: Path, modules: Sequence[str], program: str) -> None:
    """Compile what these modules load, and the program hil/PROGRAM.py. Raises
    boards.build.BuildError."""
    from boards.build import ROOT, closure, compile_module

    for name in [*closure(modules), "hil", f"hil.{program}"]:
        source = ROOT.joinpath(*name.split("."))
        source = source / "__init__.py" if source.is_dir() else source.with_suffix(".py")
        target = (folder / source.relative_to(ROOT)).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compile_module(name))


def run(interpreter: Sequence[str], folder: Path, program: str, *arguments: str) -> str:
    """What the program printed. Raises FailedError."""
    done = subprocess.run(
        [*interpreter, "-c", f"import sys; sys.path[:] = [{str(folder)!r}, '.frozen']; "
         f"sys.argv[:] = {[program, *arguments]!r}; import hil.{program}"],
        capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise FailedError((done.stderr.strip() or "no word").splitlines()[-1][:200])
    return done.stdout


def instructions(told: str) -> list[int]:
    """Of each piece of work between marks, less what a mark costs."""
    counts = [int(line.split()[1]) for line in told.splitlines() if line.startswith("insns ")]
    return [after - begun - (begun - marked) for marked, begun, after in
            zip(counts[::3], counts[1::3], counts[2::3], strict=True)]


def smallest_heap(interpreter: str, folder: Path, program: str, *arguments: str) -> int:
    """In which the program runs, bytes, in whole KB. Raises FailedError."""
    low, high = 8, HIGH_KB  # kB; lives at high, dies at low
    run([interpreter, "-X", f"heapsize={high}k"], folder, program, *arguments)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            run([interpreter, "-X", f"heapsize={middle}k"], folder, program, *arguments)
            high = middle
        except FailedError:
            low = middle
    return high * 1024
