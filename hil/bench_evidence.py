"""What a signed tree head costs a gateway: instructions on an Arm, the smallest heap on an i386."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hil import bench_modules

MODULES = ("edge.evidence.signer",)
PROGRAM = "bench_sign"


def instructions(command: Sequence[str]) -> dict[str, float]:
    """By an interpreter in an emulator that prints a running count at each mark."""
    with tempfile.TemporaryDirectory() as folder:
        bench_modules.build(Path(folder), MODULES, PROGRAM)
        told = bench_modules.run(command, Path(folder), PROGRAM, "steps")
    parts = told.split("garbage ")
    key, signature = map(bench_modules.instructions, parts[:2])
    return {"evidence.key_arm_instructions": sum(key),
            "evidence.sign_arm_instructions": sum(signature),
            "evidence.sign_arm_instructions_max": max(key + signature),
            "evidence.sign_steps": len(signature),
            "evidence.step_garbage_bytes_max": max(int(part.split()[0]) for part in parts[1:])}


def verifying(command: Sequence[str], interpreter: str) -> dict[str, float]:
    """The same of a signature that is checked."""
    with tempfile.TemporaryDirectory() as folder:
        bench_modules.build(Path(folder), ("edge.evidence.verifier",), "bench_verify")
        told = bench_modules.run(command, Path(folder), "bench_verify", "steps")
        heap = bench_modules.smallest_heap(interpreter, Path(folder), "bench_verify", "run")
    counts = bench_modules.instructions(told)
    if "good True" not in told:
        raise bench_modules.FailedError("a right signature was refused")
    return {"evidence.verify_arm_instructions": sum(counts),
            "evidence.verify_arm_instructions_max": max(counts),
            "evidence.verify_steps": len(counts), "evidence.verify_min_heapsize_bytes": heap}


def min_heap(interpreter: str) -> dict[str, float]:
    """The smallest heap, in whole KB, in which a head is signed."""
    with tempfile.TemporaryDirectory() as folder:
        bench_modules.build(Path(folder), MODULES, PROGRAM)
        return {"evidence.sign_min_heapsize_bytes": bench_modules.smallest_heap(
            interpreter, Path(folder), PROGRAM, "run")}
