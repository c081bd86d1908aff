"""Scenarios without a wire: the same verdict and the same bytes on both interpreters."""

from pathlib import Path

import pytest

from hil import scenario
from hil.rig import Record, Stage, stage
from hil.rig_lockstep import LockstepRig
from hil.verdict import judge
from tests.conftest import Interpreter

FITTING = [path for path in scenario.shipped() if not scenario.read(path).needs_wire]


def rigs(path: Path) -> tuple[str, str]:
    """Where a scenario is played, in process and in MicroPython."""
    read = scenario.read(path)
    if read.needs_island:
        return "island", "island_micropython"
    if read.charged_wh:
        return "yard", "yard_micropython"
    return ("mill", "mill_micropython") if read.laundered else ("lockstep", "micropython")


def played(rig: str, path: Path, folder: Path) -> tuple[Stage, Record]:
    setting = stage(scenario.read_rig(scenario.find("rigs", rig)), scenario.read(path))
    return setting, LockstepRig(setting, folder).play(lambda done: None)


def test_there_is_something_to_play() -> None:
    assert len(FITTING) >= 4


@pytest.mark.parametrize("path", FITTING, ids=lambda path: path.stem)
def test_it_goes_as_expected(path: Path, tmp_path: Path) -> None:
    setting, record = played(rigs(path)[0], path, tmp_path)
    assert judge(setting, record) == []
    assert len(record.rows) == setting.scenario.for_s


@pytest.mark.parametrize("path", FITTING, ids=lambda path: path.stem)
def test_micropython_gives_the_same_rows(path: Path, micropython: Interpreter, tmp_path: Path
                                         ) -> None:
    setting, record = played(rigs(path)[1], path, tmp_path)
    assert judge(setting, record) == []
    _, other = played(rigs(path)[0], path, tmp_path)
    assert [bytes(row) for row in record.rows] == [bytes(row) for row in other.rows]
    assert record.samples == other.samples
    assert record.life == other.life
