"""The same bus on a real 32-bit MicroPython: the same words, and not a byte of its heap."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "scenario.py"
ROOT = SCRIPT.parents[2]


def test_the_same_story_on_both_interpreters_and_no_heap_for_a_frame(micropython):
    here = subprocess.run([sys.executable, SCRIPT], cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=True).stdout.splitlines()
    *there, taken = micropython.run(SCRIPT).stdout.splitlines()
    assert len(here) > 400
    assert there == here
    assert int(taken) == 0
