"""What is said about a bad device profile: all of it, one clear line each."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import profiles
from tests.devices.profile_text import BASE


def bent(old: str, new: str) -> list[str]:
    """What is said about the base profile with one piece of its text replaced."""
    assert old in BASE
    with pytest.raises(profiles.ProfileError) as caught:
        profiles.parse(BASE.replace(old, new), "unit_test.toml")
    return [line.removeprefix("unit_test.toml: ") for line in caught.value.lines]


@pytest.mark.parametrize(("old", "new", "line"), [
    ("vendor", "vendr",
     'vendr: unknown key, expected one of 20 names; did you mean "vendor"?'),
    ('"pcs"', '"psc"',
     'class: found "psc", expected one of meter pcs bms pv generator switch charger medium; did '
     'you mean "pcs"?'),
    ('["nobody/nothing@0"]', "[]",
     "source: found [], expected a list of texts, one for each document that was read"),
    ("[3, 10,", "[3, 70000,", "points.p.address: found 70000, expected a whole number 0 .. 65535"),
    ("[3, 10,", "[2, 10,", "points.p.function code: found 2, expected one of 3 4"),
    ('"i16", 0.1', '"i61", 0.1',
     'points.p.type: found "i61", expected one of 15 names; did you mean "i64"?'),
    ("0.1, \"kW\"", "-0.1, \"kW\"",
     "points.p.scale: found -0.1, expected a number above 0, or the name of a scale-factor"
     " point"),
    ("0.1, \"kW\"", "nan, \"kW\"",
     "points.p.scale: found NaN, expected a number above 0, or the name of a scale-factor"
     " point"),
    ("0.1, \"kW\"", "\"soc\", \"kW\"",
     'points.p scale: found "soc", expected a point [3, address, "i16", 1, "sf"]'),
    (', "kW"', "", "points.p: found [3, 10, \"i16\", 0.1], expected "
                   "[function code, address, type, scale, unit]"),
    ("[3, 22,", "[3, 21,", "points.soc address: found 21, expected 22 or more: e is there"),
    ("[6, 60,", "[6, 50,",
     "writes.watchdog address: found 50, expected 51 or more: set is there"),
    ("[3, 20,", "[3, 65535,", "points.e address: found 65535, expected an end below 65536"),
    ('"kW"', '"kVA"', 'points.p unit: found "kVA", expected one of W kW MW'),
    ('store_w = "-p"', 'store_w = "p"',
     'signals.store_w: found "p", expected "-p", as sign.p = "charge"'),
    ('p = "charge"', "", "sign.p: found nothing, expected one of discharge charge"),
    ('p = "charge"', 'p = "import"',
     'sign.p: found "import", expected one of discharge charge'),
    ('"e"\nsoc', '"-e"\nsoc',
     'signals.charge_wh: found "-e", expected "e": this signal has no direction'),
    ('store_w = "-p"', "",
     "signals.store_w: found nothing, expected its point: every pcs has it"),
    ('soc_pm = "soc"', 'soc_pm = "sco"',
     'signals.soc_pm: found "sco", expected one of p e soc; did you mean "soc"?'),
    ('points = ["e"]', 'points = ["energy"]',
     'slow.points: found "energy", expected one of p e soc'),
    ("[slow]", "[frozen]\nafter_s = 5\n[slow]",
     "frozen.watch: found nothing, expected points that never stand still for frozen.after_s"),
    ("[slow]", "[frozen]\nafter_s = 5\nwatch = ['e']\n[slow]",
     'frozen.watch: found "e", expected a point that is not in slow.points'),
    ('write = "set"', 'write = "sett"',
     'control.write: found "sett", expected one of set watchdog; did you mean "set"?'),
    ('"i16", 100', '"f32", 100',
     'writes.set type: found "f32", expected a type of one register, as function code 6 writes'),
    ("[6, 50, \"i16\"", "[16, 50, \"f32\"",
     'writes.set type: found "f32", expected a whole-number type for a setpoint'),
    ('["watchdog", 30]', '["watchdog", -1]',
     'control.enter: found ["watchdog", -1], expected a value that fits'
     " watchdog"),
    ("refresh_s = 10", "refresh_s = 31",
     "control.refresh_s: found 31, expected at most half of control.dead_man.timeout_s = 60"),
    ('"setpoint"', '"prayer"',
     'control.dead_man.fed_by: found "prayer", expected one of any write setpoint heartbeat none'),
    ("tcp = { port = 502, unit = 1 }", "",
     "link: found nothing, expected an rtu table, a tcp table or both"),
    ("[sign]", "[na]\ni61 = [1]\n[sign]",
     'na.i61: unknown key, expected one of 18 names; did you mean "i64"?'),
    ("[sign]", "[na]\np = [0x10000]\n[sign]",
     "na of p: found 65536, expected a raw value of type i16"),
    ("[link]", "identity = [[3, 1]]\n[link]",
     "identity: found [[3, 1]], expected a list of [function code 3 or 4, address, 16-bit"
     " value]"),
    ("[link]", "holes = [[3, 21, 1]]\n[link]",
     "points.e address: found 20, expected registers outside of holes"),
    ("[link]", "holes = [[3, 21, 0]]\n[link]",
     "holes: found [21, 0], expected a start and a count within 65536 registers"),
    ('"unit_test"', '"unit_tset"', 'id: found "unit_tset", expected "unit_test", the name of the'
                                   " file"),
])
def test_one_slip_is_told_in_one_clear_line(old, new, line):
    said = bent(old, new)
    assert line in said
    # A misspelt key is also missing under its right name; nothing else may follow from one slip.
    assert len(said) <= 2, said


def test_everything_wrong_is_told_at_once():
    text = BASE.replace('"kW"', '"kVA"').replace("refresh_s = 10", "refresh_s = 31")
    text = text.replace("vendor =", "vendr =").replace('"-p"', '"-q"').replace('"e"]', '"x"]')
    with pytest.raises(profiles.ProfileError) as caught:
        profiles.parse(text, "unit_test.toml")
    keys = [line.split(": ")[1] for line in caught.value.lines]
    assert keys == ["vendr", "vendor", "signals.store_w", "slow.points", "control.refresh_s"]
    assert str(caught.value) == "\n".join(caught.value.lines)


def test_a_file_that_is_no_toml_is_told_once():
    with pytest.raises(profiles.ProfileError, match=r"^unit_test\.toml: not TOML: .*line 1"):
        profiles.parse("id = = 3", "unit_test.toml")


def test_na_patterns_are_read_as_the_type_reads_them():
    text = BASE.replace("[sign]", "[na]\ni16 = [0x8000]\np = [7]\nu32 = [0xFFFFFFFF]\n[sign]")
    points = profiles.parse(text, "unit_test.toml").points
    assert points["p"].na == (-0x8000, 7)
    assert points["e"].na == (0xFFFF_FFFF,)
    assert points["soc"].na == ()


def test_a_profile_is_a_file_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "FOLDER", tmp_path)
    (tmp_path / "unit_test.toml").write_text(BASE, encoding="utf-8")
    assert profiles.ids() == ["unit_test"]
    assert profiles.load("unit_test").vendor == "nobody"
    with pytest.raises(profiles.ProfileError, match="no device profile nope: there are unit_test"):
        profiles.load("nope")


JUNK = ("3", "-1", "1.5", "nan", "true", '""', '"p"', "[]", "[[]]", "[1, 2, 3]", "{}", "{ a = 1 }",
        "1979-05-27")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_profile_is_read_or_refused_in_lines(data):
    """No value of the wrong kind anywhere raises anything but a ProfileError."""
    lines = BASE.splitlines()
    places = [number for number, line in enumerate(lines) if " = " in line]
    for number in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=4)):
        lines[number] = lines[number].split(" = ")[0] + " = " + data.draw(st.sampled_from(JUNK))
    try:
        profiles.parse("\n".join(lines), "unit_test.toml")
        return
    except profiles.ProfileError as error:
        said = error.lines
    assert said
    assert all(line.startswith("unit_test.toml: ") for line in said)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_profile_on_disk_is_read_or_refused_in_lines(data):
    """The same for the profiles there are, whose commands have every shape."""
    name = data.draw(st.sampled_from(profiles.ids()))
    lines = (profiles.FOLDER / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    places = [number for number, line in enumerate(lines) if " = " in line]
    places += places[-8:] * 10  # where its commands are
    for number in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        key, value = lines[number].split(" = ", 1)
        junk = (*JUNK, '"mode"', '"slots"', '"percent"', '[["mode", 4]]', '["mode"]', value[:-3])
        lines[number] = f"{key} = {data.draw(st.sampled_from(junk))}"
    try:
        profile = profiles.parse("\n".join(lines), f"{name}.toml")
    except profiles.ProfileError as error:
        said = error.lines
    else:
        said = ()
        _compiles(profile)
    assert all(line.startswith(f"{name}.toml: ") for line in said)


def _compiles(profile):
    """What is read without a word can be compiled, too."""
    control = profile.control and replace(profile.control, rated_w=5000)
    limits = {"min_w": -9000, "max_w": 9000} if control else {}
    assert profiles.compile_device(replace(profile, control=control), "one", 0, 1, **limits)


def test_a_hole_between_what_belongs_together_is_told():
    summed = BASE.replace('soc_pm = "soc"', 'soc_pm = "soc"\npv_w = "a + b"').replace(
        "[writes]", 'a = [3, 30, "u16", 1, "W"]\nb = [3, 32, "u16", 1, "W"]\n[writes]').replace(
        "[sign]", '[sign]\na = "generation"\nb = "generation"')
    scaled = BASE.replace("[writes]", 'a = [3, 30, "u16", "b", "W"]\nb = [3, 32, "i16", 1, "sf"]\n'
                                      "[writes]")
    for text, line in ((summed, 'signals.pv_w: found "a + b", expected points that one request of '
                                "125 registers reads"),
                       (scaled, 'points.a scale: found "b", expected a point with no hole in '
                                "between")):
        profiles.parse(text, "unit_test.toml")
        with pytest.raises(profiles.ProfileError) as raised:
            profiles.parse(text.replace("[link]", "holes = [[3, 31, 1]]\n[link]"),
                           "unit_test.toml")
        assert f"unit_test.toml: {line}" in raised.value.lines


def test_a_medium_has_one_of_its_totals() -> None:
    """Heat in GJ is as good as in kWh; none at all is no meter of a medium."""
    text = (BASE.partition("[control]")[0].replace('"pcs"', '"medium"')
            .replace('store_w = "-p"', "").replace('soc_pm = "soc"', ""))
    heat = text.replace('charge_wh = "e"', 'heat_wh = "e"').replace('"kWh"', '"GJ"')
    assert profiles.parse(heat, "unit_test.toml").signal_scale("heat_wh") > 0
    with pytest.raises(profiles.ProfileError) as caught:
        profiles.parse(text, "unit_test.toml")
    assert caught.value.lines == ("unit_test.toml: signals: found nothing, expected one of "
                                  "volume_l mass_kg energy_wh heat_wh cold_wh pulses_1 pulses_2 "
                                  "pulses_3 pulses_4 pulses_5 pulses_6 pulses_7 pulses_8",)
