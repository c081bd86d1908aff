"""Scenarios without a wire: the same verdict and the same bytes on both interpreters."""

from pathlib import Path

import pytest

from hil import scenario
from hil.rig import Record, Stage, stage
from hil.rig_lockstep import LockstepRig
from hil.verdict import judge
from tests.conftest import Interpreter

FITTING = [path for path in scenario.shipped() if not scenario.read(path).needs_wire]
RIGS = {path: ("island", "island_micropython") if scenario.read(path).needs_island
        else ("lockstep", "micropython") for path in FITTING}


def played(rig: str, path: Path) -> tuple[Stage, Record]:
    setting = stage(scenario.read_rig(scenario.find("rigs", rig)), scenario.read(path))
    return setting, LockstepRig(setting).play(lambda done: None)


def test_there_is_something_to_play() -> None:
    assert len(FITTING) >= 4


@pytest.mark.parametrize("path", FITTING, ids=lambda path: path.stem)
def test_it_goes_as_expected(path: Path) -> None:
    setting, record = played(RIGS[path][0], path)
    assert judge(setting, record) == []
    assert len(record.rows) == setting.scenario.for_s


@pytest.mark.parametrize("path", FITTING, ids=lambda path: path.stem)
def test_micropython_gives_the_same_rows(path: Path, micropython: Interpreter) -> None:
    setting, record = played(RIGS[path][1], path)
    assert judge(setting, record) == []
    _, other = played(RIGS[path][0], path)
    assert [bytes(row) for row in record.rows] == [bytes(row) for row in other.rows]
    assert record.samples == other.samples
    assert record.life == other.life
