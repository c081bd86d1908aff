"""A whole gateway and its park: the battery on a CAN bus of sockets, all else on real Modbus."""

from pathlib import Path

import pytest

from hil import scenario
from hil.can_station import CanStation
from hil.rig import stage
from hil.rig_wire import WireRig
from hil.verdict import judge

STORY = Path(__file__).with_name("bms_silent.toml")
STORE_W = 8  # field of a row


@pytest.mark.parametrize("rig", ["can_wire", "can_wire_micropython"])
def test_a_battery_that_says_nothing_rests_and_works_again(tmp_path, monkeypatch, rig, micropython):
    stations = []
    advance = CanStation.advance

    def seen(self, now_ms):
        stations.append(self)
        advance(self, now_ms)

    monkeypatch.setattr(CanStation, "advance", seen)
    setting = stage(scenario.read_rig(scenario.find("rigs", rig)), scenario.read(STORY))
    record = WireRig(setting, tmp_path).play(lambda done: None)
    assert judge(setting, record) == []
    assert record.counts["breaks"] == 0
    watts = [row[STORE_W] for row in record.rows]
    assert max(watts) >= 15_000
    assert 0 in watts[20:50]
    assert stations[0].alive >= 60, "it hears that somebody is there"
