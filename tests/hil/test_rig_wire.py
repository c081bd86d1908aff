"""Every shipped scenario on real Modbus, a real broker and a real store."""

from pathlib import Path

import pytest

from hil import scenario
from hil.rig import Record, Stage, stage
from hil.rig_wire import WireRig
from hil.verdict import judge


def played(path: Path, folder: Path) -> tuple[Stage, Record]:
    setting = stage(scenario.read_rig(scenario.find("rigs", "wire")), scenario.read(path))
    return setting, WireRig(setting, folder).play(lambda done: None)


FITTING = [path for path in scenario.shipped()  # with chargers: tests/charging/test_rig.py
           if not ((one := scenario.read(path)).needs_island or one.laundered or one.charged_wh)]


@pytest.mark.parametrize("path", FITTING, ids=lambda path: path.stem)
def test_it_goes_as_expected(path: Path, tmp_path: Path) -> None:
    setting, record = played(path, tmp_path)
    assert judge(setting, record) == []
    assert len(record.rows) == setting.scenario.for_s
    assert record.counts["requests"] > 2 * len(record.rows)


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    """Sockets and threads take as long as they like; virtual time does not notice."""
    runs = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        _, record = played(scenario.find("scenarios", "meter_silent"), folder)
        runs.append(([bytes(row) for row in record.rows], record.samples, record.counts))
    assert runs[0] == runs[1]


def test_who_trusts_for_too_long_is_caught(tmp_path: Path) -> None:
    """The judge is awake: with a site that believes old readings the same scenario fails."""
    text = scenario.find("scenarios", "meter_silent").read_text()
    path = tmp_path / "believer.toml"
    believing = '[set]\n"ages.grid_ms" = 60000\n"gate.age_max_ms" = 60000'
    path.write_text(text.replace("[set]", believing))
    setting, record = played(path, tmp_path)
    problems = judge(setting, record)
    assert any("expected 0 W within 6 s" in line for line in problems), problems
