"""The same bus on a real 32-bit MicroPython: the same words, little memory, and no more of it."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BUS_BYTES_MAX = 6144


def test_the_same_story_on_both_interpreters(micropython):
    script = HERE / "bus_scenario.py"
    here = subprocess.run([sys.executable, script], cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=True).stdout
    there = micropython.run(script).stdout
    assert len(here.splitlines()) > 1000
    assert there == here


def test_a_bus_of_four_devices_is_small_and_does_not_grow(micropython):
    size, grown = map(int, micropython.run(HERE / "bus_heap.py", 600, heap="256k").stdout.split())
    assert 1000 < size <= BUS_BYTES_MAX
    assert grown == 0
