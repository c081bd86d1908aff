"""What a signed tree head costs a gateway: instructions on an Arm, the smallest heap on an i386."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

MODULES = ("edge.evidence.signer",)


class FailedError(Exception):
    """The program ended with an error; its last line."""


def build(folder: Path) -> None:
    """Compile what signs, as a gateway loads it. Raises boards.build.BuildError."""
    from boards.build import ROOT, closure, compile_module

    for name in [*closure(MODULES), "hil", "hil.bench_sign"]:
        source = ROOT.joinpath(*name.split("."))
        source = source / "__init__.py" if source.is_dir() else source.with_suffix(".py")
        target = (folder / source.relative_to(ROOT)).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compile_module(name))


def run(interpreter: Sequence[str], folder: Path, mode: str) -> str:
    """Sign once; what the program printed. Raises FailedError."""
    done = subprocess.run(
        [*interpreter, "-c", f"import sys; sys.path[:] = [{str(folder)!r}, '.frozen']; "
         f"sys.argv[:] = ['bench_sign', {mode!r}]; import hil.bench_sign"],
        capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise FailedError((done.stderr.strip() or "no word").splitlines()[-1][:200])
    return done.stdout


def instructions(command: Sequence[str]) -> dict[str, float]:
    """By an interpreter in an emulator that prints a running count at each mark."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        told = run(command, Path(folder), "steps")
    parts = told.split("garbage ")
    key, signature = map(_steps, parts[:2])
    return {"evidence.key_arm_instructions": sum(key),
            "evidence.sign_arm_instructions": sum(signature),
            "evidence.sign_arm_instructions_max": max(key + signature),
            "evidence.sign_steps": len(signature),
            "evidence.step_garbage_bytes_max": max(int(part.split()[0]) for part in parts[1:])}


def _steps(told: str) -> list[int]:
    """Instructions of each step, less what a mark costs."""
    counts = [int(line.split()[1]) for line in told.splitlines() if line.startswith("insns ")]
    return [after - begun - (begun - marked) for marked, begun, after in
            zip(counts[::3], counts[1::3], counts[2::3], strict=True)]


def min_heap(interpreter: str) -> dict[str, float]:
    """The smallest heap, in whole KB, in which a head is signed. Raises FailedError."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder)
        low, high = 8, 128  # kB; lives at high, dies at low
        run([interpreter, "-X", f"heapsize={high}k"], folder, "run")
        while high - low > 1:
            middle = (low + high) // 2
            try:
                run([interpreter, "-X", f"heapsize={middle}k"], folder, "run")
                high = middle
            except FailedError:
                low = middle
    return {"evidence.sign_min_heapsize_bytes": high * 1024}
