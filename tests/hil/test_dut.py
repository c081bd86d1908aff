"""The controller in a real MicroPython at the end of a pipe gives the same rows as in process."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path

import pytest

from hil.dut import DutError, InProcess, MicroPythonProcess
from hil.emulate import Emulator, image_of, plant_of
from hil.feed import factory, roof
from hil.lockstep import INPUTS
from tests.conftest import Interpreter
from tests.hil.little import MOMENT, START, foundry

QUARTERS = 8  # two hours of seconds
FIRST = 40  # from 10:00 on, when furnaces melt


def _rows(dut: InProcess | MicroPythonProcess) -> array[int]:
    image = image_of(foundry())
    rows = array("i")
    emulator = Emulator(dut, plant_of(image), _Later(factory(START, 1, 1)),
                        _Later(roof(START, 1, 1, 90_000)), MOMENT, 1, rows.extend)
    for _ in range(QUARTERS):
        emulator.quarter()
    dut.close()
    return rows


class _Later:
    """A feed from its quarter-hour FIRST on."""

    quarters = QUARTERS

    def __init__(self, feed: object) -> None:
        self.quarter = lambda number: feed.quarter(FIRST + number)  # type: ignore[attr-defined]


def test_two_hours_are_the_same_rows(micropython: Interpreter) -> None:
    image = image_of(foundry())
    ours = _rows(InProcess(image))
    theirs = _rows(MicroPythonProcess(image, micropython.command))
    assert len(ours) == QUARTERS * 900 * len(InProcess(image).row)
    assert ours == theirs


def test_a_dut_that_ends_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no heap left')\n")
    broken.chmod(0o755)
    dut = MicroPythonProcess(image_of(foundry()), [str(broken)])
    with pytest.raises(DutError, match="ended with status 1: no heap left"):
        dut.beat(array("i", bytes(4 * len(INPUTS))))
    dut.close()


def test_without_micropython_it_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch,
                                                   tmp_path: Path) -> None:
    monkeypatch.setattr("hil.dut._ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DutError, match="make toolchain"):
        MicroPythonProcess(image_of(foundry()))
