"""Half a minute of real time: a gateway process, and the built tree on MicroPython, side by side.

Real Modbus over TCP and at 9600 baud, a real broker: read, decide, write, deliver.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from edge.journal import FIELDS
from edge.snapshot import NEVER_MS
from hil import scenario
from hil.rig import Record, Stage, stage
from hil.rig_wall import WallRig
from hil.verdict import judge
from tests.conftest import Interpreter

AGE = FIELDS.index("grid_age_ms")


def played(rig: str, folder: Path) -> tuple[Stage, Record]:
    setting = stage(scenario.read_rig(scenario.find("rigs", rig)),
                    scenario.read(scenario.find("scenarios", "quiet_half_minute")))
    folder.mkdir()
    return setting, WallRig(setting, folder).play(lambda done: None)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a folder: a disk that takes seconds to sync would cost rows,
    and counts them, but it is not what is tested here."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as name:
        yield Path(name)


def test_half_a_minute_of_real_time(micropython: Interpreter, folder: Path) -> None:
    with ThreadPoolExecutor() as both:
        runs = {rig: both.submit(played, rig, folder / rig)
                for rig in ("wall", "wall_micropython")}
    for rig, run in runs.items():
        setting, record = run.result()
        assert judge(setting, record) == [], rig
        assert record.stored, rig
        ages = [row[AGE] for row in record.rows[5:]]
        assert all(0 < age < NEVER_MS for age in ages), "readings bear the time they were asked for"
