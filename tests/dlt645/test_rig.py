"""A whole gateway and its park: the utility's meter on a terminal, all else on real Modbus."""

from pathlib import Path

from hil import scenario
from hil.dlt645_station import Dlt645Station
from hil.rig import Record, Stage, stage
from hil.rig_wire import WireRig
from hil.verdict import judge

STORY = Path(__file__).with_name("billed_before.toml")
PEAK_W = 25  # of a row


def played(path: Path, folder: Path) -> tuple[Stage, Record]:
    setting = stage(scenario.read_rig(scenario.find("rigs", "billing_wire")), scenario.read(path))
    return setting, WireRig(setting, folder).play(lambda done: None)


def test_what_was_billed_before_is_the_month_s_peak(tmp_path):
    setting, record = played(STORY, tmp_path)
    assert judge(setting, record) == []
    assert record.counts["timeouts"] == record.counts["exceptions"] == 0
    assert record.rows[0][PEAK_W] == 0


def test_a_silent_billing_meter_keeps_nobody_from_anything(tmp_path, monkeypatch):
    """The quick meter steers on; the dead line is asked ever more rarely."""
    hear = Dlt645Station.answer
    monkeypatch.setattr(Dlt645Station, "answer", lambda self, asked: (hear(self, asked)[0], b""))
    path = tmp_path / "silent.toml"
    path.write_text(STORY.read_text().replace("333_000", "0"))
    setting, record = played(path, tmp_path)
    assert judge(setting, record) == []
    assert 3 <= record.counts["timeouts"] <= 12
