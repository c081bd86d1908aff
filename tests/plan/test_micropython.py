"""The same plans on a 32-bit MicroPython, with the heap locked, as on CPython."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / "tests" / "plan" / "days.py"


@pytest.mark.parametrize(("mode", "days"), [("shave", 10), ("trade", 9), ("free", 3),
                                            ("told", 9), ("capped", 4), ("dear", 4),
                                            ("worn", 4)])
def test_both_interpreters_plan_the_same_and_none_allocates(micropython, mode, days):
    here = subprocess.run([sys.executable, SCRIPT, mode, str(days)], capture_output=True, text=True,
                          check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    there = micropython.run(SCRIPT, mode, days, heap="128k")
    assert there.stdout == here.stdout
    assert int(here.stdout.split()[3]) > 100 * days  # it did think
