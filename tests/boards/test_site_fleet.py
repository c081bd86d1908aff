"""Several batteries in a site file: what is made of them, and every mistake in one line."""

from __future__ import annotations

import re

import pytest

from boards import build
from boards.image import compile_site, encode
from tests.boards.sites import DEPOT, changed, commanded, feeding, judge, valid

TEXT = DEPOT.read_text("utf-8")
PCS_OLD, BMS_OLD = ('[[device]]\nname = "' + part for part in
                    TEXT.split('[[device]]\nname = "')[4:])
BATTERY_OLD = TEXT[TEXT.index("[battery.old]"):TEXT.index("# The last check of the site's")]
GATE_OLD = TEXT[TEXT.index("[gate.old]"):TEXT.index("[tariff]")]
THIRD = '\n[[device]]\nname = "third"\nprofile = "sinexcel_pcs"\nbus = "old-net"\nunit = 9\n'

# (what is changed, what is said: all of it)
GOLDEN = {
    "a device of no battery": (
        ('bus = "old-net"\nbattery = "old"', 'bus = "old-net"'),
        ["device[3] pcs-old.battery: found nothing, expected one of new old"]),
    "a device of an unknown battery": (
        ('bus = "old-net"\nbattery = "old"', 'bus = "old-net"\nbattery = "odl"'),
        ['device[3] pcs-old.battery: found "odl", expected one of new old; did you mean "old"?']),
    "one device for two batteries": (
        ('bus = "old-net"\nbattery = "old"', 'bus = "old-net"\nbattery = ["new", "old"]'),
        ['device[3] pcs-old.battery: found ["new", "old"], expected a text']),
    "two batteries, one converter": (
        (PCS_OLD, ""),
        ["device: battery old: found none that reads store_w, the battery's power, expected one "
         "with a profile as " + feeding("store_w"),
         "device: battery old: found none that takes the battery's setpoint, expected one with a "
         "profile as " + commanded()]),
    "no BMS for one": (
        (BMS_OLD, ""),
        ["device: battery old: found none that reads soc_pm, the battery's state of charge, "
         "expected one with a profile as " + feeding("soc_pm")]),
    "two converters for one battery": (
        (BMS_OLD, BMS_OLD + THIRD + 'battery = "old"\n'),
        ["device: battery old: found store_w read by pcs-old and third, expected one: list the "
         "others' readings without it, signals = [...]",
         "device: battery old: found the setpoint taken by pcs-old and third, expected one "
         "converter"]),
    "a battery's device that is none": (
        ('profile = "acrel_adw300"\n', 'profile = "acrel_adw300"\nbattery = "old"\n'),
        ['device[0] meter.battery: found "old", expected none: the device reads nothing of a '
         "battery"]),
    "a name twice": (
        ("[battery.old]", "[battery.new]"),
        ["not TOML: Cannot declare ('battery', 'new') twice (at line 17, column 13)"]),
    "a name that is no name": (
        ("[battery.old]", '[battery."The Old"]'),
        ['battery: found "The Old", expected a name of a-z, 0-9 and -, 1 .. 32 of them',
         "gate.The Old: found nothing, expected a table [gate.The Old] with the numbers on its "
         "converter's door",
         "gate.old: there is no such battery",
         "device[3] pcs-old.battery: found \"old\", expected one of new The Old",
         "device[4] bms-old.battery: found \"old\", expected one of new The Old"]),
    "a single one": (
        (BATTERY_OLD, ""),
        ['battery: found "[battery.new]", expected 2 .. 8 such tables, or [battery] itself for a '
         "single one",
         "gate.old: there is no such battery",
         'device[3] pcs-old.battery: found "old", expected one of new',
         'device[4] bms-old.battery: found "old", expected one of new']),
    "no nameplate": (
        (GATE_OLD, ""),
        ["gate.old: found nothing, expected a table [gate.old] with the numbers on its converter's "
         "door"]),
    "a nameplate of none": (
        ("[gate.old]", "[gate.odl]"),
        ["gate.old: found nothing, expected a table [gate.old] with the numbers on its converter's "
         "door", "gate.odl: there is no such battery; did you mean old?"]),
    "beyond 8 MW together": (
        ("discharge_max_w = 90_000", "discharge_max_w = 8_000_000"),
        ["battery: found discharge_max_w = 8080000 W of all batteries together, expected at most "
         "8000000 W",
         "battery.new.discharge_max_w: found 8000000 W, expected at most gate.new.discharge_max_w "
         "= 100000 W"]),
    "beyond its own door": (
        ("discharge_max_w = 80_000", "discharge_max_w = 101_000"),
        ["battery.discharge_max_w: found 191000 W, expected at most gate.discharge_max_w = "
         "180000 W",
         "battery.old.discharge_max_w: found 101000 W, expected at most gate.old.discharge_max_w "
         "= 100000 W"]),
    "outside its maker's window": (
        ("soc_floor_pm = 80", "soc_floor_pm = 120"),
        ["rules.reserve.floor_pm: found 100 per mille, expected at least gate.old.soc_floor_pm = "
         "120 per mille"]),
    "a lease too short": (
        ("health_pm = 850", "lease_ms = 1500\nhealth_pm = 850"),
        ["battery.old.lease_ms: found 1500 ms, expected at least 2000 ms: two beats"]),
    "a slip of a unit": (
        ("215_000\ncharge_max_w = 60_000", "215\ncharge_max_w = 60_000"),
        ["battery.old.capacity_wh: found 215 Wh, expected at least 1000 Wh: "
         "battery.old.charge_max_w = 60000 W moves it within a minute",
         "battery.old.capacity_wh: found 215 Wh, expected at least 1333 Wh: "
         "battery.old.discharge_max_w = 80000 W moves it within a minute"]),
    "an unknown key": (
        ("health_pm = 850", "health_pct = 85"),
        ["battery.old.health_pct: unknown key; did you mean health_pm? give 850 per mille"]),
    "one and several": (
        ("[battery.new]", "[battery]\ncapacity_wh = 5\n\n[battery.new]"),
        ["battery: found capacity_wh beside [battery.new], expected either [battery] for a single "
         "one, or tables [battery.NAME] alone"]),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_lines(name):
    change, lines = GOLDEN[name]
    errors = judge(changed(change, base=DEPOT), DEPOT).errors
    assert errors == tuple(f"site.toml: {line}" for line in lines)
    assert all(line.isprintable() for line in errors)


def test_more_than_eight():
    tables = "".join(
        f"[battery.b{n}]\ncapacity_wh = 10_000\ncharge_max_w = 1000\ndischarge_max_w = 1000\n"
        f"[gate.b{n}]\n" + GATE_OLD.removeprefix("[gate.old]\n") for n in range(7))
    errors = judge(changed(("[tariff]", tables + "[tariff]"), base=DEPOT), DEPOT).errors
    assert errors[0].startswith('site.toml: battery: found "[battery.new] [battery.old] ')
    assert errors[0].endswith("expected 2 .. 8 such tables, or [battery] itself for a single one")


def test_one_battery_is_of_no_name():
    text = changed(('profile = "sinexcel_pcs"\n', 'profile = "sinexcel_pcs"\nbattery = "a"\n'))
    assert judge(text).errors == (
        'site.toml: device[1] pcs.battery: found "a", expected none: the site has a single '
        "battery",)


def test_the_image_holds_the_whole_and_each():
    image = compile_site(valid(DEPOT))
    assert image["battery"] == {
        "capacity_wh": 215_000 + 182_750, "charge_max_w": 150_000, "discharge_max_w": 170_000,
        "efficiency_pm": (215_000 * 900 + 182_750 * 880) // 397_750, "lease_ms": 5000,
        "wear_e4": 0}
    new, old = image["fleet"]
    assert (new["name"], new["capacity_wh"], new["duty_pm"]) == ("new", 215_000, 1000)
    assert (old["name"], old["capacity_wh"], old["duty_pm"]) == ("old", 182_750, 700)
    assert old["gate"] == {"charge_max_w": 100_000, "discharge_max_w": 100_000, "soc_floor_pm": 80,
                           "soc_ceiling_pm": 950, "step_max_w": 60_000}
    assert sorted(image["gate"]) == sorted(compile_site(valid())["gate"])
    assert [device["battery"] for device in image["devices"]] == [0, 0, 0, 1, 1]
    limits = [(device["control"]["min_w"], device["control"]["max_w"])
              for device in image["devices"] if device["control"]]
    assert limits == [(-90_000, 90_000), (-60_000, 80_000)]


def test_a_single_battery_has_none_of_it():
    image = compile_site(valid())
    assert "fleet" not in image
    assert not any("battery" in device for device in image["devices"])
    assert not re.search(r"fleet|duty|health", encode(image).decode())
    assert not [name for name in build.edge_modules(image) if "fleet" in name]


def test_a_gateway_gets_what_several_batteries_need():
    image = compile_site(valid(DEPOT))
    assert {"edge.fleet", "edge.fleet.guard", "edge.fleet.split"} <= build.core_modules(image)
    sizes = {name: len(build.compile_module(name)) for name in build.core_modules(image)}
    assert sum(sizes.values()) <= build.BUDGETS["core"]


def test_phases_and_the_check_of_the_state_of_charge_beside_several():
    text = DEPOT.read_text("utf-8") \
        + "\n[rules.phase]\nimport_max_w = 150_000\n[rules.soc_check]\n"
    site = judge(text, DEPOT).site
    assert site is not None, judge(text, DEPOT).errors
    image = compile_site(site)
    assert {"edge.fleet.phases", "edge.rules.soc_check"} <= build.core_modules(image)
    without = compile_site(valid(DEPOT))
    assert "edge.fleet.phases" not in build.core_modules(without)
