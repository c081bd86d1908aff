"""The table [iec104]: what is said of a site file, and what a gateway gets of it."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from boards import found, site
from boards.image import compile_site
from boards.schema import schema
from tests.boards.sites import FOUNDRY, OFFICE, changed, judge, valid
from tests.conftest import ROOT

POINTS = """points = [
  [1001, "grid_w", "M_ME_NC_1", 1000, 500],
  [1003, "store_w", "M_ME_NB_1", -100],
  [1, "trusted", "M_SP_NA_1"],
  [2001, "meter_import_wh", "M_IT_NA_1", 1000],
]
"""
TABLE = f"[iec104]\nca = 7\n{POINTS}setpoint_ioa = 5001\n\n"


def text(table: str = TABLE, base: Path = OFFICE) -> str:
    return changed(("[tariff]", table + "[tariff]"), base=base)


def test_what_a_gateway_gets() -> None:
    checked = judge(text(), OFFICE)
    assert checked.site is not None
    made = compile_site(checked.site)
    keys = made["iec104"]
    assert keys["points"] == [[1, 1, 1, 0, "trusted"], [1003, 11, -100, 0, "store_w"],
                              [1001, 13, 1000, 500, "grid_w"], [2001, 15, 1000, 0,
                                                                "meter_import_wh"]]
    assert (keys["min_w"], keys["max_w"], keys["setpoint_type"]) == (-25_000, 30_000, 50)
    assert (keys["address"], keys["port"], keys["peers"]) == ("127.0.0.1", 2404, [])
    names = [name for name, _ in made["rules"]]
    assert names.index("dispatch_centre") == names.index("demand") + 1
    checked = judge(text(TABLE + "[commands]\n"), OFFICE)
    assert checked.site is not None
    names = [name for name, _ in compile_site(checked.site)["rules"]]
    assert names.index("command") == names.index("dispatch_centre") + 1, "the cloud comes after"
    jsonschema.validate(tomllib.loads(text()), schema())


def test_the_example_of_the_manual_is_right() -> None:
    manual = (ROOT / "docs" / "iec104.md").read_text(encoding="utf-8")
    table = manual.partition("```toml\n")[2].partition("```")[0]
    checked = judge(text(table), OFFICE)
    assert checked.errors == ()
    assert sum("iec104" in line for line in checked.warnings) == 1, "it is open to others"


def test_over_demand_moves_the_rule() -> None:
    checked = judge(text(TABLE + "over_demand = 1\n"), OFFICE)
    assert checked.site is not None
    names = [name for name, _ in compile_site(checked.site)["rules"]]
    assert names.index("dispatch_centre") == names.index("demand") - 1


def test_a_site_without_the_table_is_what_it_was() -> None:
    made = compile_site(valid(FOUNDRY))
    assert "iec104" not in made
    assert "dispatch_centre" not in dict(made["rules"])


WRONG = {
    "ca": ("ca = 7", "ca = 65535", "iec104.ca: found 65535, expected a whole number 1 .. 65534"),
    "open": ("ca = 7", 'ca = 7\naddress = "0.0.0.0"', "iec104.peers: found none, expected the "
             "addresses of the controlling stations: iec104.address = 0.0.0.0 is open to others"),
    "peer": ("ca = 7", 'ca = 7\npeers = ["scada"]',
             "iec104.peers: found [\"scada\"], expected a list of IP addresses"),
    "name": ('"grid_w"', '"gird_w"', 'iec104.points[0]: found name "gird_w", expected one of'),
    "type": ('"M_ME_NC_1"', '"M_ME_NA_1"', 'iec104.points[0]: found type "M_ME_NA_1", expected'),
    "counter": ('"meter_import_wh"', '"grid_w"', 'iec104.points[3]: found name "grid_w"'),
    "twice": ("[1003,", "[1001,", "iec104.points[1]: found 1001 twice, expected every address"),
    "order": ("setpoint_ioa = 5001", "setpoint_ioa = 1001", "iec104.setpoint_ioa: found 1001"),
    "both": ("setpoint_ioa = 5001", "setpoint_ioa = 5001\ncontrol_ioa = 5001",
             "iec104.control_ioa: found 5001"),
    "control": ("setpoint_ioa = 5001", "control_ioa = 5001", "iec104.control_ioa: found 5001"),
    "address": ("[1003,", "[16777216,", "found address 16777216, expected 1 .. 16777215"),
    "per": ("-100]", "0]", "iec104.points[1]: found 0 units for one"),
    "sign": ('"meter_import_wh", "M_IT_NA_1", 1000', '"meter_import_wh", "M_IT_NA_1", -1',
             "iec104.points[3]: found -1 units for one, expected 1 .. 1000000000"),
    "deadband": ("1000, 500]", "1000, -1]", "iec104.points[0]: found a deadband of -1"),
    "line": ("[1003,", "[1003.5,", "iec104.points: found"),
    "turn": ("ca = 7", "ca = 7\nsetpoint_per = 0", "iec104.setpoint_per: found 0 W"),
    "w": ("ca = 7", "ca = 7\nw = 12", "iec104.w: found 12, expected at most two thirds of k = 12"),
    "t2": ("ca = 7", "ca = 7\nt2_s = 15", "iec104.t2_s: found 15 s, expected less than t1_s = 15"),
    "t3": ("ca = 7", "ca = 7\nt3_s = 15", "iec104.t3_s: found 15 s, expected more than t1_s = 15"),
    "rule": ("[iec104]", "[rules.dispatch_centre]\n[iec104]",
             "rules.dispatch_centre: is switched on by a table [iec104]"),
    "setpoint": ("ca = 7", 'ca = 7\nsetpoint_type = "C_SE_NA_1"', "iec104.setpoint_type: found"),
}


@pytest.mark.parametrize("how", WRONG)
def test_each_mistake_is_one_clear_line(how: str) -> None:
    old, new, said = WRONG[how]
    assert old in TABLE
    checked = judge(text(TABLE.replace(old, new, 1)), OFFICE)
    assert [line for line in checked.errors if said in line], checked.errors
    assert len(checked.errors) == 1


def test_too_many_points() -> None:
    lines = ", ".join(f'[{ioa}, "grid_w", "M_ME_NC_1"]' for ioa in range(1, 259))
    checked = judge(text(f"[iec104]\nca = 1\npoints = [{lines}]\n"), OFFICE)
    assert checked.errors == ("site.toml: iec104.points: found 258 points, expected at most 256",)


def test_what_is_odd_is_a_warning() -> None:
    checked = judge(text(TABLE + 'address = "10.0.0.5"\npeers = ["10.0.0.9"]\n'), OFFICE)
    assert any("iec104.address" in line and "encryption" in line for line in checked.warnings)
    checked = judge(text("[iec104]\nca = 1\n"), OFFICE)
    assert any("neither points nor a setpoint" in line for line in checked.warnings)


def test_beside_a_one_way_device_it_is_the_only_way_in() -> None:
    checked = judge(text(TABLE + '[oneway]\nhost = "192.168.10.9"\n'), OFFICE)
    assert checked.errors == ()
    assert checked.site is not None
    made = compile_site(checked.site)
    assert {"iec104", "oneway"} <= made.keys()


def test_a_microcontroller_is_refused() -> None:
    checked = judge(text(base=FOUNDRY), FOUNDRY)
    assert checked.site is not None
    boards = found.boards()
    assert found.misfits(checked.site, boards["w5500_evb_pico2"]) == [
        "site.toml: iec104: found a table, expected none on w5500_evb_pico2: a dispatch centre is "
        "served by pi and emulator"]
    for name in ("pi", "emulator"):
        assert not any("iec104" in line for line in found.misfits(checked.site, boards[name]))


def test_check_tells_of_it(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text())
    done = subprocess.run([sys.executable, "-m", "boards", "check", str(path), "--json"],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["shown"]["iec104"]["ca"] == 7
    assert "dispatch_centre" in [rule["name"] for rule in told["rules"]]
    assert isinstance(site.load(path), site.Site)
