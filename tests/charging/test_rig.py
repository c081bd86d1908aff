"""Six vehicles at six chargers on a serial line, through drivers and devices. The same scenarios in
lockstep, on both interpreters: tests/hil/test_rig_lockstep.py."""

from pathlib import Path

from hil import scenario
from hil.rig import stage
from hil.rig_wire import WireRig
from hil.verdict import judge


def played(name, folder):
    setting = stage(scenario.read_rig(scenario.find("rigs", "yard_wire")),
                    scenario.read(scenario.find("scenarios", name)))
    return setting, WireRig(setting, folder).play(lambda done: None)


def test_what_is_billed_stays_below_the_target_on_the_wire(tmp_path: Path) -> None:
    setting, record = played("vehicles_all_at_once", tmp_path)
    assert judge(setting, record) == []
    assert record.counts["exceptions"] == record.counts["crc_errors"] == 0


def test_without_a_grid_meter_all_fall_to_their_safe_limit(tmp_path: Path) -> None:
    setting, record = played("vehicles_and_a_dead_meter", tmp_path)
    assert judge(setting, record) == []
    (fault,) = setting.scenario.faults
    before_w = [one.grid_w for one in record.samples if one.at_s < fault.at_s][-1]
    blind_w = [one.grid_w + one.store_w for one in record.samples
               if fault.at_s + 20 <= one.at_s < fault.end_s]
    assert before_w > 440_000
    assert max(blind_w) <= 400_000 + 6 * 6 * 3 * 230, "six times 6 A on three phases"
    assert max(blind_w) > 405_000, "and they still charge"
