"""SunSpec profiles: what every one on disk gets for free, and what is said about a bad one."""

import json
import tomllib
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import profile_sunspec, profiles
from boards.profile_schema import SIGNALS
from boards.shapes import Findings
from boards.sunspec_models import models
from boards.sunspec_schema import choice

SUNSPEC = [name for name in profiles.ids() if profiles.load(name).proto == "sunspec"]
every_profile = pytest.mark.parametrize("profile_id", SUNSPEC)

BASE = """
id = "unit_test"
proto = "sunspec"
vendor = "nobody"
model = "none"
class = "pcs"
source = ["nobody/nothing@0"]
[link]
tcp = { port = 502, unit = 1 }
[signals]
store_w = ["103/101.W", "-802.W"]
soc_pm = ["713.SoC"]
[sign]
"103.W" = "discharge"
"101.W" = "discharge"
"802.W" = "charge"
[slow]
signals = ["soc_pm"]
[[control]]
model = 124
write = "OutWRte"
opposite = "InWRte"
percent_of = ["124.WChaMax"]
sign = "discharge"
arm = [["InOutWRte_RvrtTms", 60]]
on = [["StorCtl_Mod", 3]]
leave = [["StorCtl_Mod", 0]]
refresh_s = 10
dead_man = { register = "InOutWRte_RvrtTms", timeout_s = 60, fed_by = "setpoint" }
"""


@every_profile
def test_its_image_is_plain_data_and_holds_only_what_it_needs(profile_id):
    profile = profiles.load(profile_id)
    limits = {"min_w": -7, "max_w": 9} if profile.steering else {}
    image = profiles.compile_device(profile, "one", bus=2, unit=7, poll_ms=500, **limits)
    assert json.loads(json.dumps(image)) == image
    assert (image["name"], image["bus"], image["unit"], image["poll_ms"]) == ("one", 2, 7, 500)
    assert image["driver"] == "sunspec"
    assert {entry[0].removeprefix("+") for entry in image["points"]} == set(profile.signals)
    assert len(json.dumps(image, separators=(",", ":"))) < 2048


@every_profile
def test_every_point_of_its_image_lies_where_its_model_has_it(profile_id):
    profile = profiles.load(profile_id)
    image = profiles.compile_device(profile, "one", 0, 1)
    ways = [(ids, image["blocks"][block][2],
             [entry for entry in image["points"] if entry[1] == block])
            for block, ids in enumerate(image["models"])]
    ways += [(ids, count, entries) for _, ids, count, entries in image["others"]]
    for ids, count, entries in ways:
        for model in ids:
            spots = {spot.offset: spot for number in range(1, 5) for name in models()[model].repeat
                     if (spot := models()[model].spot(f"{name}[{number}]"))}
            spots |= {spot.offset: spot for spot in models()[model].spots.values()}
            ends = set()
            for label, _, offset, kind, num, den, na, sf in entries:
                spot, signal = spots[offset], SIGNALS[label.removeprefix("+")]
                assert (spot.kind, spot.na) == (kind, tuple(na))
                assert abs(Fraction(num, den)) == signal.units[spot.unit]
                assert (spots[sf].name if sf >= 0 else "") == spot.sf
                ends |= {offset + spot.size, sf + 1}
            assert count == max(ends) <= 125


@every_profile
def test_each_of_its_signals_can_come_from_each_of_its_models_alone(profile_id):
    image = profiles.compile_device(profiles.load(profile_id), "one", 0, 1)
    first = {entry[0] for entry in image["points"]}
    assert {entry[0] for other in image["others"] for entry in other[3]} <= first


@every_profile
def test_limits_that_make_no_sense_are_refused(profile_id):
    profile = profiles.load(profile_id)
    if not profile.steering:
        with pytest.raises(ValueError, match="only read"):
            profiles.compile_device(profile, "one", 0, 1, min_w=-1, max_w=1)
        return
    assert profiles.compile_device(profile, "one", 0, 1)["control"] is None
    for min_w, max_w in ((None, 5), (-5, None), (1, 5), (-5, -1)):
        with pytest.raises(ValueError, match="0 W between them"):
            profiles.compile_device(profile, "one", 0, 1, min_w=min_w, max_w=max_w)


@every_profile
def test_each_way_to_command_it_has_a_reversion_timer(profile_id):
    for way in profiles.load(profile_id).steering:
        assert way.dead_man
        assert (way.dead_man.register, way.dead_man.timeout_s) in way.arm
        assert way.dead_man.register not in way.optional


def test_sums_and_alternatives_are_read_as_they_are_written():
    assert choice("-103/101.W").terms[0][1] == -1
    assert [(spot.name, sign) for spot, sign in choice("160.DCW[4] - 160.DCW[3]").terms] == [
        ("DCW[4]", 1), ("DCW[3]", -1)]
    for text in ("", "W", "103", "103.", "103.Nothing", "103/203.W", "1.Mn", "103.W_SF", "x.W",
                 "103.W + 203.W", "103.W + 103.WH", "160.DCW[0]", "99999.W"):
        assert choice(text) is None, text


def bent(old: str, new: str) -> list[str]:
    """What is said about the base profile with one piece of its text replaced."""
    assert old in BASE
    with pytest.raises(profiles.ProfileError) as caught:
        profiles.parse(BASE.replace(old, new), "unit_test.toml")
    return [line.removeprefix("unit_test.toml: ") for line in caught.value.lines]


@pytest.mark.parametrize(("old", "new", "line"), [
    ('proto = "sunspec"', 'proto = "sunspek"', 'proto: found "sunspek", expected '),
    ("tcp = { port = 502, unit = 1 }", "",
     "link: found nothing, expected an rtu table, a tcp table or both"),
    ('soc_pm = ["713.SoC"]', 'soc_mp = ["713.SoC"]',
     "signals.soc_mp: unknown key, expected "),
    ('"103/101.W"', '"103/101.Watts"',
     'signals.store_w: found "103/101.Watts", expected "model.point", models of one layout'),
    ('["713.SoC"]', '"713.SoC"', 'signals.soc_pm: found "713.SoC", expected a list of '),
    ('store_w = ["103/101.W", "-802.W"]\nsoc_pm = ["713.SoC"]',
     'soc_pm = ["713.SoC"]\nstore_w = ["103/101.W", "-802.W"]',
     "signals.store_w: found nothing, expected its points, before all others: every pcs has it"),
    ('"713.SoC"', '"713.WHAvail"', 'signals.soc_pm: found "713.WHAvail", expected a point in'),
    ('"-802.W"', '"802.W"',
     'signals.store_w: found "802.W", expected "-802.W", as sign.W = "charge"'),
    ('"101.W" = "discharge"', '"101.W" = "charge"',
     "sign.W: found nothing, expected one of discharge charge"),
    ('"101.W" = "discharge"', '"101.W" = "out"', 'sign.101.W: found "out", expected one of'),
    ('signals = ["soc_pm"]', 'signals = ["soc"]',
     'slow.signals: found "soc", expected one of store_w soc_pm; did you mean "soc_pm"?'),
    ("model = 124", "model = 125", "control[0].model: found 125, expected one of"),
    ('write = "OutWRte"', 'write = "OutRte"',
     'control[0].write: found "OutRte", expected a whole number of model 124'),
    ('percent_of = ["124.WChaMax"]', "",
     'control[0].write: found "OutWRte", expected a point in % with percent_of, or one in W'),
    ('"124.WChaMax"', '"124.ChaState"',
     'control[0].percent_of: found "124.ChaState", expected "model.point", a power'),
    ('"InWRte"', '"InRte"',
     'control[0].opposite: found "InRte", expected the register behind, of the same scale'),
    ('["StorCtl_Mod", 3]', '["StorCtl_Mod", 65536]',
     'control[0].on: found ["StorCtl_Mod", 65536], expected a point of model 124 and a value that '
     "fits it"),
    ("refresh_s = 10", "refresh_s = 31",
     "control[0].refresh_s: found 31, expected at most half of control[0].dead_man.timeout_s = 60"),
    ("refresh_s = 10", 'refresh_s = 10\noptional = ["ChaGriSet"]',
     'control[0].optional: found "ChaGriSet", expected a point that is written'),
    ('register = "InOutWRte_RvrtTms"', 'register = "RvrtTms"',
     'control[0].dead_man.register: found "RvrtTms", expected one of InOutWRte_RvrtTms'),
    ("[[control]]", "[control]", "control: found"),
])
def test_one_slip_is_told_in_one_clear_line(old, new, line):
    said = bent(old, new)
    assert any(told.startswith(line) for told in said), said
    assert len(said) <= 3, said


def paths(value, path=()):
    """Where anything stands in a parsed file."""
    inner = list(value.items() if isinstance(value, dict) else
                 enumerate(value) if isinstance(value, list) else ())
    for key, one in inner:
        yield path, key
        yield from paths(one, (*path, key))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_profile_is_read_or_refused_in_lines(data):
    raw = tomllib.loads(BASE)
    del raw["proto"]
    path, key = data.draw(st.sampled_from(sorted(paths(raw), key=str)))
    at = raw
    for step in path:
        at = at[step]
    at[key] = data.draw(st.sampled_from([0, -1, "", "x", "W", "103.W", [], {}, [[]], [1], True,
                                         {"a": 1}, [["W", 1]], 1 << 70, ["103.W"]]))
    findings = Findings("unit_test.toml")
    profile = profile_sunspec.read(raw, findings)
    profile_sunspec.check(findings, profile)
    if not findings.lines:
        profiles.compile_device(profile, "one", 0, 1)
    assert all(line.startswith("unit_test.toml: ") for line in findings.lines)
