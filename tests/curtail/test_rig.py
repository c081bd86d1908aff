"""The whole gateway limits a SunSpec inverter on the wire, the same on both interpreters."""

from pathlib import Path

import pytest

from boards.image import compile_site
from boards.site import SiteError
from hil import amend, field, scenario
from hil.rig import Record, stage
from hil.rig_wire import WireRig
from hil.verdict import judge
from tests.conftest import ROOT, Interpreter

DAIRY = ROOT / "examples" / "dairy" / "site.toml"
STORY = Path(__file__).with_name("full_battery.toml")
RULE = {"rules.curtail.export_max_w": 0, "rules.curtail.rated_w": 100_000}


def played(rig: str, folder: Path) -> Record:
    folder.mkdir()
    setting = stage(scenario.read_rig(scenario.find("rigs", rig)), scenario.read(STORY))
    record = WireRig(setting, folder).play(lambda done: None)
    assert judge(setting, record) == [], rig
    return record


def test_a_full_battery_and_a_silent_meter(tmp_path: Path, micropython: Interpreter) -> None:
    records = [played(rig, tmp_path / rig) for rig in ("curtail_wire", "curtail_wire_micropython")]
    assert field.unlike(*records) == ""
    assert records[0].counts["breaks"] == 0


def test_the_image_says_what_limits_the_roof() -> None:
    made = compile_site(amend.site(amend.change(amend.read(DAIRY), RULE), DAIRY))
    roof = next(device for device in made["devices"] if device["name"] == "roof")
    assert roof["driver"] == "pv_limit"
    assert (roof["control"]["min_w"], roof["control"]["max_w"]) == (0, 100_000)
    plain = compile_site(amend.site(amend.read(DAIRY), DAIRY))
    assert next(device for device in plain["devices"] if device["name"] == "roof") == {
        **roof, "driver": "sunspec", "control": None}


@pytest.mark.parametrize(("change", "said"), [
    ({"device.2.profile": "sunspec_pv"},
     "device roof: found sunspec_pv, whose most is not known to be set, expected one for "
     "[rules.curtail] as sunspec_inverter"),
    ({"rules.export.export_max_w": 5000},
     "rules.curtail.export_max_w: found 0 W, expected [rules.export] with no more"),
])
def test_a_site_that_cannot_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(SiteError, match="curtail") as error:
        amend.site(amend.change(amend.read(DAIRY), {**RULE, **change}), DAIRY)
    assert said in str(error.value)
