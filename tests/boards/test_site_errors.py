"""Every mistake in a site file is one line: where, what was found, what to write instead."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from boards.shapes import one_of
from boards.site import SiteError, check_bytes, load
from boards.site_tables import LINKS
from tests.boards.sites import FOUNDRY, OFFICE, any_profile, changed, commanded, feeding, judge

METER = """[[device]]
name = "meter"
profile = "acrel_adw300"
bus = "meter-line"
unit = 1
poll_ms = 1000
"""
PCS = """[[device]]
name = "pcs"
profile = "sinexcel_pcs"
bus = "pcs-net"
"""
BMS = """[[device]]
name = "bms"
profile = "soltaro_bms"
bus = "battery-line"
poll_ms = 5000
"""
SECOND_METER = METER + """
[[device]]
name = "meter-2"
profile = "eastron_sdm630"
bus = "meter-line"
unit = 9
"""

_TEXT = FOUNDRY.read_text("utf-8")
CARBON = _TEXT[_TEXT.index("[carbon]"):_TEXT.index("[telemetry]")]

# (what is changed, what is said: all of it)
GOLDEN = {
    "unknown key, another unit": (("capacity_wh = 400_000", "capacity_kwh = 400"),
        ["battery.capacity_kwh: unknown key; did you mean capacity_wh? give 400000 Wh"]),
    "unknown key, a slip of the pen": (
        ("release_s = 10", "relase_s = 10"),
        ["ages.relase_s: unknown key; did you mean release_s?"]),
    "unknown key, per cent": (
        ("soc_floor_pm = 50", "soc_floor_pct = 5"),
        ["gate.soc_floor_pct: unknown key; did you mean soc_floor_pm? give 50 per mille"]),
    "unknown key, nothing like it": (
        ("sliding = 0", "sliding = 0\nzzz = 1"),
        ["demand.zzz: unknown key, expected one of sliding"]),
    "unknown key, a number that cannot be meant": (
        ("capacity_wh", "capacity_kwh"),
        ["battery.capacity_kwh: unknown key; did you mean capacity_wh?"]),
    "wrong unit in a text": (
        ("discharge_max_w = 180_000", 'discharge_max_w = "180 kW"'),
        ['battery.discharge_max_w: found "180 kW", expected a whole number 1 .. 8000000 W; '
         "give 180000"]),
    "a decimal": (
        ("import_max_w = 600_000", "import_max_w = 600e3"),
        ["gate.import_max_w: found 600000.0, expected a whole number 0 .. 8000000 W; "
         "give 600000"]),
    "its own unit in a text": (
        ("release_s = 10", 'release_s = "10 s"'),
        ['ages.release_s: found "10 s", expected a whole number 0 .. 3600 s; give 10']),
    "a unit nobody can convert": (
        ("charge_max_w = 180_000", 'charge_max_w = "180 kVA"'),
        ['battery.charge_max_w: found "180 kVA", expected a whole number 1 .. 8000000 W']),
    "a truth value": (
        ("sliding = 0", "sliding = true"),
        ["demand.sliding: found true, expected 0 or 1"]),
    "out of range": (
        ("capacity_wh = 400_000", "capacity_wh = 40"),
        ["battery.capacity_wh: found 40, expected a whole number 100 .. 30000000 Wh"]),
    "key missing": (
        ("capacity_wh = 400_000\n", ""),
        ["battery.capacity_wh: found nothing, expected a whole number 100 .. 30000000 Wh"]),
    "table missing": (
        (CARBON, ""),
        ["carbon: found nothing, expected a table [carbon]"]),
    "table misspelt": (("[battery]", "[baterry]"),
                       ["baterry: unknown table; did you mean battery?"]),
    "rule misspelt": (("[rules.reserve]", "[rules.resreve]"),
                      ["rules.resreve: unknown rule; did you mean reserve?"]),
    "rule that must be there": (
        ("[rules.reserve] # the state of charge the park wants to keep\nfloor_pm = 100\n"
         "ceiling_pm = 900\n", ""),
        ["rules.reserve.floor_pm: found nothing, expected a whole number 0 .. 1000 per mille",
         "rules.reserve.ceiling_pm: found nothing, expected a whole number 0 .. 1000 per mille"]),
    "missing meter": (
        (METER, ""),
        ["device: found none that reads grid_w, the grid meter, expected one with a profile as "
         + feeding("grid_w")]),
    "missing converter": (
        (PCS, ""),
        ["device: found none that reads store_w, the battery's power, expected one with a profile "
         "as " + feeding("store_w"),
         "device: found none that takes the battery's setpoint, expected one with a profile as "
         + commanded()]),
    "missing state of charge": (
        (BMS, ""),
        ["device: found none that reads soc_pm, the battery's state of charge, expected one with a "
         "profile as " + feeding("soc_pm")]),
    "two meters": (
        (METER, SECOND_METER),
        ["device: found grid_w import_wh export_wh read by meter and meter-2, expected one: list "
         "the others' readings without it, signals = [...]"]),
    "two devices on one address": (
        ('profile = "soltaro_bms"\nbus = "battery-line"', 'profile = "soltaro_bms"\nbus = '
         '"meter-line"'),
        ["device: found 2 with unit 1 on meter-line, expected one"]),
    "two buses on one line": (
        ("path = 1", "path = 0"), ["bus: found 2 with place 0, expected one"]),
    "unknown profile": (
        ('"acrel_adw300"', '"acrel_adw30"'),
        ['device[0] meter.profile: found "acrel_adw30", expected '
         + any_profile("acrel_adw300")]),
    "unknown bus": (
        ('bus = "pcs-net"', 'bus = "pcsnet"'),
        ['device[1] pcs.bus: found "pcsnet", expected one of meter-line battery-line pcs-net '
         'roof-net; did you mean "pcs-net"?']),
    "unknown link": (
        ('link = "tcp"', 'link = "udp"'), ['bus[2].link: found "udp", expected ' + one_of(LINKS)]),
    "a device on a line it does not speak": (
        ('profile = "acrel_adw300"\nbus = "meter-line"', 'profile = "acrel_adw300"\nbus = '
         '"roof-net"'),
        ['device[0] meter.bus: found "roof-net", expected a bus of the other link: acrel_adw300 '
         "has no tcp table"]),
    "address beyond a serial line": (
        ("unit = 1", "unit = 250"),
        ["device[0] meter.unit: found 250, expected 1 .. 247, as on every serial line"]),
    "SoC window upside down": (
        ("floor_pm = 100\nceiling_pm = 900", "floor_pm = 900\nceiling_pm = 100"),
        ["rules.reserve.floor_pm: found 900 per mille, expected less than "
         "rules.reserve.ceiling_pm = 100 per mille"]),
    "SoC window outside the gate's": (
        ("floor_pm = 100\nceiling_pm = 900", "floor_pm = 40\nceiling_pm = 960"),
        ["rules.reserve.ceiling_pm: found 960 per mille, expected at most gate.soc_ceiling_pm = "
         "950 per mille",
         "rules.reserve.floor_pm: found 40 per mille, expected at least gate.soc_floor_pm = 50 per "
         "mille"]),
    "battery beyond the nameplate": (
        ("charge_max_w = 180_000", "charge_max_w = 220_000"),
        ["battery.charge_max_w: found 220000 W, expected at most gate.charge_max_w = 200000 W"]),
    "demand target above the contract": (
        ("target_w = 0 #", "target_w = 580_000 #"),
        ["rules.demand.target_w: found 580000 W, expected at most rules.contract.import_max_w = "
         "560000 W"]),
    "contract above the transformer": (
        ("import_max_w = 560_000", "import_max_w = 700_000"),
        ["rules.contract.import_max_w: found 700000 W, expected at most gate.import_max_w = "
         "600000 W"]),
    "export above the gate's": (
        ("export_max_w = 0 # zero", "export_max_w = 5000 # zero"),
        ["rules.export.export_max_w: found 5000 W, expected at most gate.export_max_w = 0 W"]),
    "fallback beyond the battery": (
        ("fallback_w = 0", "fallback_w = -190_000"),
        ["rules.fresh.fallback_w: found -190000 W, expected at least -battery.charge_max_w = "
         "-180000 W"]),
    "beat that does not divide a minute": (
        ("beat_s = 1\n", "beat_s = 7\n"),
        ["site.beat_s: found 7 s, expected a divisor of 60: 1 2 3 4 5 6 10 12 15 20 30 60",
         "battery.lease_ms: found 5000 ms, expected at least 14000 ms: two beats"]),
    "lease shorter than two beats": (
        ("lease_ms = 5000", "lease_ms = 1500"),
        ["battery.lease_ms: found 1500 ms, expected at least 2000 ms: two beats"]),
    "gate more impatient than the poll": (
        ("poll_ms = 1000", "poll_ms = 8000"),
        ["gate.age_max_ms: found 5000 ms, expected at least 8000 ms, as meter is read no more "
         "often",
         "ages.grid_ms: found 5000 ms, expected at least 8000 ms, as meter is read no more often"]),
    "bad time zone": (
        ("Asia/Shanghai", "Asia/Shanghay"),
        ['site.timezone: found "Asia/Shanghay", expected an IANA time zone as Asia/Shanghai; did '
         "you mean Asia/Shanghai?"]),
    "a zone people expect": (
        ("Asia/Shanghai", "Asia/Beijing"),
        ['site.timezone: found "Asia/Beijing", expected an IANA time zone as Asia/Shanghai; did '
         "you mean Asia/Shanghai?"]),
    "no such tariff": (
        ("cn_two_part.toml", "cn.toml"),
        ['tariff.file: found "cn.toml", expected a file beside the site file, or one of '
         "cn_guangdong.toml cn_jiangsu.toml cn_two_part.toml de_flat.toml de_rlm.toml "
         "us_california.toml"]),
    "a name that is no name": (
        ('park = "demo"', 'park = "Demo Park"'),
        ['site.park: found "Demo Park", expected a name of a-z, 0-9 and -, 1 .. 32 of them']),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_lines(name):
    change, lines = GOLDEN[name]
    assert judge(changed(change)).errors == tuple(f"site.toml: {line}" for line in lines)


def test_all_mistakes_are_said_at_once():
    changes = [GOLDEN[name][0] for name in ("unknown key, another unit", "SoC window upside down",
                                            "missing meter", "bad time zone", "no such tariff")]
    lines = [line for name in ("unknown key, another unit", "SoC window upside down",
                               "missing meter", "bad time zone", "no such tariff")
             for line in GOLDEN[name][1]]
    assert sorted(judge(changed(*changes)).errors) == sorted(f"site.toml: {line}" for line in lines)


def test_a_dead_man_timer_must_outlive_refresh_and_round():
    slow = "\n".join(f"""
[[device]]
name = "roof-{unit}"
profile = "sunspec_pv"
bus = "pcs-net"
unit = {unit}
signals = ["pv_w"]
poll_ms = 60000
""" for unit in range(10, 30))
    text = changed(('host = "192.168.10.11"', 'host = "192.168.10.11"\ngap_ms = 2500'))
    lines = [line for line in judge(text + slow).errors if "dead-man" in line]
    assert len(lines) == 1
    assert lines[0].startswith("site.toml: device pcs: found a dead-man timer of 60 s, expected "
                               "at least ")


def test_not_toml_is_one_line():
    assert judge("[site\n").errors == (
        "site.toml: not TOML: Expected ']' at the end of a table declaration "
        "(at line 1, column 6)",)
    assert judge(b"\xff\xfe").errors[0].startswith("site.toml: not TOML: ")


def test_the_examples_are_valid_and_only_illustrative():
    for path, tariff in ((FOUNDRY, "cn_two_part.toml"), (OFFICE, "de_flat.toml")):
        checked = judge(path.read_bytes(), path)
        assert checked.errors == ()
        assert checked.warnings == (f"site.toml: tariff.file: {tariff} is illustrative: enter the "
                                    "prices of the contract",)


@pytest.mark.parametrize(("change", "line"), [
    (("age_max_ms = 5000", "age_max_ms = 3000"),
     "ages.grid_ms: 5000 ms is above gate.age_max_ms = 3000 ms: the gate will stop the battery "
     "while the rules still trust the reading"),
    (("ramp_w_per_s = 50_000", "ramp_w_per_s = 70_000"),
     "rules.ramp.ramp_w_per_s: 70000 W a beat is above gate.step_max_w = 60000 W: the gate will "
     "cut it"),
    (('host = "192.168.10.11"', 'host = "pcs.local"'),
     "bus pcs-net host: pcs.local is a name; an address needs no look-up that control would wait "
     "for"),
    (("baud = 9600", "baud = 19200"),
     "bus meter-line: 19200 baud N, but acrel_adw300 usually has 9600 N"),
])
def test_what_is_only_odd_is_a_warning(change, line):
    checked = judge(changed(change))
    assert checked.site is not None
    assert f"site.toml: {line}" in checked.warnings


def test_a_demand_price_without_a_demand_rule_is_a_warning():
    text = changed(("[rules.demand]\ntarget_w = 0 # 0: the planner learns what the battery can "
                    "hold\n", ""))
    assert ("site.toml: tariff.file: cn_two_part.toml has a demand price, but no rule holds the "
            "demand: add [rules.demand]") in judge(text).warnings


def test_a_slow_bus_is_a_warning_until_readings_would_be_stale():
    checked = judge(changed(("baud = 9600", "baud = 300")))
    assert any("a round takes about" in line for line in checked.warnings)
    assert checked.errors == ()
    checked = judge(changed(("baud = 9600", "baud = 300\ngap_ms = 4500")))
    assert any(line.startswith("site.toml: gate.age_max_ms: found 5000 ms") for line in
               checked.errors)


def test_load_raises_with_every_line(tmp_path: Path):
    path = tmp_path / "site.toml"
    path.write_text(changed(GOLDEN["missing meter"][0], GOLDEN["bad time zone"][0]))
    with pytest.raises(SiteError) as raised:
        load(path)
    assert len(raised.value.lines) == 2
    again = pickle.loads(pickle.dumps(raised.value))  # from one process to another
    assert again.lines == raised.value.lines
    assert str(again) == str(raised.value) == "\n".join(again.lines)
    assert load(FOUNDRY).name == "demo/foundry"


def test_a_tariff_beside_the_site_file_goes_before_a_shipped_one(tmp_path: Path):
    own = tmp_path / "cn_two_part.toml"
    own.write_text('name = "own"\ncurrency = "CNY"\ndemand_price = 1\nexport_price = 0\n'
                   'periods = [["00:00", "24:00", 0.5]]\n')
    site = check_bytes(FOUNDRY.read_bytes(), tmp_path / "site.toml").site
    assert site is not None
    assert site.tariff.name == "own"
    own.write_text('name = "own"\n')
    errors = check_bytes(FOUNDRY.read_bytes(), tmp_path / "site.toml").errors
    assert "cn_two_part.toml: currency: found nothing, expected an ISO 4217 code, e.g. CNY" \
        in errors
