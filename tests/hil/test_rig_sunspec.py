"""Faults on the wire of a site whose devices all speak SunSpec; all others are a command:
`python -m hil run sunspec`."""

from pathlib import Path

import pytest

from hil import scenario
from hil.rig import stage
from hil.rig_wire import WireRig
from hil.verdict import judge


@pytest.mark.parametrize("name", ["frozen_meter", "meter_silent", "not_available",
                                  "quiet_half_minute"])
def test_it_goes_as_expected(name: str, tmp_path: Path) -> None:
    setting = stage(scenario.read_rig(scenario.find("rigs", "sunspec")),
                    scenario.read(scenario.find("scenarios", name)))
    record = WireRig(setting, tmp_path).play(lambda done: None)
    assert judge(setting, record) == []
    assert len(record.rows) == setting.scenario.for_s
