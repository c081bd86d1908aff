"""A site with a utility's own meter: what is compiled, what `check` says, what is built."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from boards import build, polling, profiles
from boards.describe import summary
from boards.found import boards, misfits
from boards.image import compile_site
from boards.profile_dlt645 import Dlt645Profile
from boards.schema import schema
from boards.site import Checked
from tests.boards.sites import FOUNDRY, ROOT, changed, judge

KILN = ROOT / "examples" / "kiln" / "site.toml"
METER_LINE = 'link = "rtu"\npath = 0\nbaud = 9600\n'
ADW300 = 'profile = "acrel_adw300"\nbus = "meter-line"\nunit = 1\npoll_ms = 1000\n'
OWN = 'profile = "dlt645_2007"\nbus = "meter-line"\nnumber = "000012345678"\nct = 120\n'
ALONE = ((METER_LINE, 'link = "dlt645"\npath = 0\n'), (ADW300, OWN))  # the foundry's only meter


def kiln(*pairs: tuple[str, str]) -> Checked:
    return judge(changed(*pairs, base=KILN), KILN)


def foundry(*pairs: tuple[str, str]) -> Checked:
    return judge(changed(*ALONE, *pairs), FOUNDRY)


def test_the_kiln_is_valid_and_its_meter_is_asked_for_what_it_is_billed_by():
    checked = kiln()
    assert checked.errors == ()
    assert checked.site is not None
    image = compile_site(checked.site)
    meter = next(one for one in image["devices"] if one["name"] == "billing")
    assert (meter["unit"], meter["driver"]) == ("000012345678", "dlt645")
    assert [high << 16 | low for high, low, *_ in meter["blocks"]] == [
        0x02800004, 0x04000102, 0x01010000, 0x0001FF00, 0x04000103, 0x04000104]
    assert {point[0]: point[4:] for point in meter["points"]}["max_demand_w"] == [12, 1]
    assert dict(image["rules"])["billing_meter"] == {"import_max_w": 600_000}
    assert image["rules"][0][0] == "billing_meter", "before whoever looks at the window"
    assert json.loads(json.dumps(image)) == image
    assert misfits(checked.site, boards()["w5500_evb_pico2"]) == []


def test_a_gateway_gets_what_it_needs_and_another_nothing_of_it():
    site = kiln().site
    assert site is not None
    own = {"edge.wire.dlt645", "edge.devices.dlt645", "edge.devices.bcd",
           "edge.devices.billing_meter", "edge.ledger.aligned", "edge.ledger.turns",
           "edge.ledger.meter_peak", "edge.rules.billing_meter"}
    assert own <= build.edge_modules(compile_site(site))
    other = judge(FOUNDRY.read_text("utf-8"), FOUNDRY).site
    assert other is not None
    assert not own & build.edge_modules(compile_site(other))


def test_the_only_meter_is_told_to_be_slow_and_its_window_to_be_free():
    checked = foundry()
    assert checked.errors == ()
    said = [line for line in checked.warnings if "meter" in line]
    assert len(said) == 1
    assert "without [rules.billing_meter]" in said[0]
    slow = foundry(("ct = 120\n", "ct = 120\npoll_ms = 3000\n"))
    assert any("every 3000 ms, slower than a beat of 1000 ms" in line for line in slow.warnings)
    parts = foundry(("[rules.demand]", "[rules.billing_meter]\n[rules.demand]"),
                    ('link = "dlt645"\npath = 0\n', 'link = "dlt645"\npath = 0\nbaud = 300\n'))
    assert any("longer than poll_ms" in line for line in parts.warnings)
    assert any("300 baud E, but dlt645_2007 usually has 2400 E" in line for line in parts.warnings)


MISTAKES = [
    (("number = \"000012345678\"", "number = \"12345678\""),
     'device[0] meter.number: found "12345678", expected the meter\'s number as 12 digits, or 12 '
     "letters A where it is alone on its line"),
    (("number = \"000012345678\"\n", ""),
     "device[0] meter.number: found nothing, expected the meter's number as 12 digits, or 12 "
     "letters A where it is alone on its line"),
    (("ct = 120\n", "ct = 120\nunit = 3\n"),
     "device[0] meter.unit: found 3, expected none: such a meter is asked by its number"),
    (("ct = 120\n", "ct = 0\n"),
     "device[0] meter.ct: found 0, expected a whole number 1 .. 100000 times"),
    (('profile = "soltaro_bms"\nbus = "battery-line"', 'profile = "soltaro_bms"\nbus = "meter-line"'
      ),
     'device[2] bms.bus: found "meter-line", expected a bus with link tcp or rtu, as soltaro_bms '
     "speaks"),
    (('bus = "meter-line"\nnumber', 'bus = "battery-line"\nnumber'),
     'device[0] meter.bus: found "battery-line", expected a bus with link dlt645 or dlt645_tcp, as '
     "dlt645_2007 speaks"),
]


@pytest.mark.parametrize(("change", "line"), MISTAKES)
def test_each_mistake_is_one_line(change, line):
    assert foundry(change).errors == (f"site.toml: {line}",)


def test_readings_that_come_after_their_age_are_refused():
    errors = foundry(("ct = 120\n", "ct = 120\npoll_ms = 6000\n")).errors
    assert ("site.toml: gate.age_max_ms: found 5000 ms, expected at least 6000 ms, as meter is "
            "read no more often") in errors


def test_what_only_such_a_meter_has_is_refused_elsewhere():
    for key in ('number = "000012345678"', "ct = 120", "pt = 100"):
        errors = judge(changed((ADW300, f"{ADW300}{key}\n")), FOUNDRY).errors
        assert any("acrel_adw300 is no DL/T 645 meter" in line for line in errors)


def test_who_answers_to_any_number_is_alone():
    second = f'[[device]]\nname = "other"\n{OWN}signals = ["v_l1_mv"]\n'
    wild = foundry(('number = "000012345678"', f'number = "{"A" * 12}"'),
                   ("[[device]]\nname = \"pcs\"", second + "[[device]]\nname = \"pcs\""),
                   ("[rules.demand]", "[rules.billing_meter]\n[rules.demand]"))
    assert any("found 12 letters A" in line and "other would answer as well" in line
               for line in wild.errors)
    twice = foundry(("[[device]]\nname = \"pcs\"", second + "[[device]]\nname = \"pcs\""),
                    ("[rules.demand]", "[rules.billing_meter]\n[rules.demand]"))
    assert any("found 2 with unit 12345678 on meter-line" in line for line in twice.errors)


def test_the_rule_without_such_a_meter_is_refused():
    errors = judge(changed(("[rules.demand]", "[rules.billing_meter]\n[rules.demand]")),
                   FOUNDRY).errors
    assert any("none that reads max_demand_w" in line for line in errors)


def test_through_a_serial_server():
    there = 'link = "dlt645_tcp"\nhost = "192.168.10.20"\nport = 4196\n'
    checked = judge(changed((METER_LINE, there), ALONE[1]), FOUNDRY)
    assert checked.errors == ()
    said = summary(checked)
    assert said["buses"][0]["place"] == "192.168.10.20:4196"
    assert said["buses"][0]["round_ms"] > 250, "as slow as the line behind it is taken to be"
    assert checked.site is not None
    assert "edge.wire.dlt645_tcp" in build.edge_modules(compile_site(checked.site))


def test_the_model_of_a_line():
    """20 bytes out, 20 and the data back, 11 bits each, at 2400 baud; and the meter's thinking."""
    assert polling.dlt645_ms(12, 2400) == pytest.approx(52 * 11_000 / 2400 + 100)


def test_editors_know_the_links():
    buses = schema()["properties"]["bus"]["items"]["oneOf"]
    links = {bus["properties"]["link"]["enum"][0]: bus["properties"] for bus in buses}
    assert links["dlt645"]["baud"]["default"] == 2400
    assert links["dlt645"]["parity"]["default"] == "E"
    assert "host" in links["dlt645_tcp"]


# The profile.


PROFILE = (ROOT / "edge" / "devices" / "dlt645_2007.toml").read_text("utf-8")


def test_instrument_transformers_scale_what_they_transform():
    profile = profiles.load("dlt645_2007")
    assert isinstance(profile, Dlt645Profile)
    made = replace(profile, ct=120, pt=100)
    points = {point[0]: point[4] / point[5]
              for point in profiles.compile_device(made, "m", 0, 0)["points"]}
    assert points["grid_w"] == 0.1 * 120 * 100
    assert points["import_t3_wh"] == 10 * 120 * 100
    assert points["v_l2_mv"] == 100 * 100
    assert points["i_l2_ma"] == 120
    assert points["f_mhz"] == 10


@pytest.mark.parametrize(("old", "new", "line"), [
    ('"0203FF00", 12, 1', '"0203ff00", 12, 1', "blocks.power"),
    ('"0203FF00", 12, 1', '"0203FF00", 12, 0', "blocks.power"),
    ('power = ["02030000", "02030100", "02030200", "02030300"]', 'power = ["02030000", "0203"]',
     "parts.power"),
    ('power = ["02030000", "02030100", "02030200", "02030300"]', 'powers = ["02030000"]',
     "parts.powers: unknown key"),
    ('["power", 0, "s3", 0.0001, "kW"]', '["power", 10, "s3", 0.0001, "kW"]', "points.p:"),
    ('["power", 0, "s3", 0.0001, "kW"]', '["power", 0, "s9", 0.0001, "kW"]', "points.p:"),
    ('["power", 0, "s3", 0.0001, "kW"]', '["power", 0, "s3", -1, "kW"]', "points.p:"),
    ('["power", 0, "s3", 0.0001, "kW"]', '["power", 0, "s3", 1, "V"]', "points.p unit"),
    ('p = "import"', 'p = "export"', "sign.p:"),
    ('grid_w = "p"', 'grid_w = "q"', "signals.grid_w"),
    ('import_wh = "e_imp"', 'import_wh = "-e_imp"', "no direction"),
    ('grid_w = "p"\n', "", "signals.grid_w: found nothing"),
    ('import_wh = "e_imp"', 'imports = "e_imp"', "signals.imports: unknown key"),
    ("baud = 2400", "baud = 1", "link.baud"),
    ('proto = "dlt645"', 'proto = "dlt646"', "proto"),
])
def test_each_mistake_of_a_profile_is_told(old, new, line):
    assert PROFILE.count(old) == 1
    with pytest.raises(profiles.ProfileError) as error:
        profiles.parse(PROFILE.replace(old, new), "dlt645_2007.toml")
    assert any(line in said for said in error.value.lines)
    assert len(error.value.lines) <= 3


def test_a_meter_takes_no_setpoint():
    with pytest.raises(ValueError, match="only read"):
        profiles.compile_device(profiles.load("dlt645_2007"), "m", 0, 0, min_w=-1, max_w=1)
