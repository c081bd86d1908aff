"""[[medium]] in a site file: what is compiled of it, and one line for each mistake."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import build, describe, profiles
from boards.found import boards, misfits
from boards.image import compile_site
from boards.site import Site, check_bytes
from cloud_bridge import media
from cloud_bridge.carbon import carriers
from hil import amend
from tests.boards.sites import FOUNDRY, valid
from tests.conftest import ROOT
from tests.devices.profile_text import BASE

STEAM = ROOT / "examples" / "steam" / "site.toml"
READ = """
[[medium]]
name = "hall"
medium = "heat"
unit = "GJ"
most_per_h = "2 GJ"
turns_at = "100000 GJ"
device = "heat"
"""


def judged(text: str) -> tuple[list[str], Site | None]:
    checked = check_bytes(text.encode(), STEAM)
    return [line.removeprefix("site.toml: ") for line in checked.errors], checked.site


def bent(old: str, new: str, path: Path = STEAM) -> list[str]:
    text = path.read_text(encoding="utf-8")
    assert old in text
    return judged(text.replace(old, new, 1))[0]


@pytest.fixture
def counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two models of device in a folder of their own, beside those that the example has: a heat
    meter, and a module that counts pulses. The example's site, with one of each."""
    for name in ("acrel_adw300", "sinexcel_pcs", "soltaro_bms"):
        (tmp_path / f"{name}.toml").write_text((profiles.FOLDER / f"{name}.toml").read_text())
    own = BASE.partition("[writes]")[0].replace('"pcs"', '"medium"')
    (tmp_path / "heat_meter.toml").write_text(own.replace("unit_test", "heat_meter").replace(
        '0.1, "%"', '1, "s"') +
                                              '[signals]\nheat_wh = "e"\nage_s = "soc"\n')
    module = own.replace("unit_test", "counter").replace('0.01, "MWh"', '1, "pulses"')
    (tmp_path / "counter.toml").write_text(module + '[signals]\npulses_1 = "e"\n')
    monkeypatch.setattr(profiles, "FOLDER", tmp_path)
    device = '[[device]]\nname = "{}"\nprofile = "{}"\nbus = "battery-net"\nunit = {}\n'
    return STEAM.read_text(encoding="utf-8") + "\n" + device.format("heat", "heat_meter", 7)


def test_the_example_says_what_it_counts() -> None:
    site = valid(STEAM)
    said = describe.text(describe.summary(check_bytes(STEAM.read_bytes(), STEAM)))
    assert "medium  district-heat: heat in MWh, bought of offices, from input 23, a pulse is " \
        "1000 wh" in said
    known = media.meters(compile_site(site)["media"]["meters"])
    assert [one.name for one in known] == ["town-water", "recycled", "boiler-gas", "district-heat",
                                           "steam-line"]
    assert known[2].use in carriers.load()
    assert not misfits(site, boards()["pi"])
    assert "medium town-water input: found" in misfits(site, boards()["w5500_evb_pico2"])[1]


def test_a_site_without_such_meters_pays_nothing() -> None:
    image = compile_site(valid(FOUNDRY))
    assert "media" not in image
    assert not {"edge.media", "edge.pulses", "edge.contact"} & build.edge_modules(image)
    own = compile_site(valid(STEAM))
    assert {"edge.media", "edge.pulses"} <= build.edge_modules(own)
    own["media"]["pulses"] = []
    assert "edge.pulses" not in build.edge_modules(own)


def test_a_microcontroller_gets_what_counts_pulses() -> None:
    raw = amend.read(STEAM)
    del raw["ledger"]
    for number, one in enumerate(raw["medium"]):
        one["input"] = f"GP{7 + number}"
    for number, bus in enumerate(bus for bus in raw["bus"] if bus["link"] == "rtu"):
        bus["path"] = number
    site = amend.site(raw, STEAM)
    assert misfits(site, boards()["w5500_evb_pico2"]) == []
    built = build.build(site, boards()["w5500_evb_pico2"])
    assert built.over == []
    assert {"boards/pulse_pin.mpy", "edge/contact.mpy"} <= {*built.files}


def test_a_device_is_read_for_its_meter_alone(counters: str) -> None:
    errors, site = judged(counters + READ)
    assert errors == []
    assert site
    image = compile_site(site)
    points = [point[0] for point in image["devices"][-1]["points"]]
    assert points == ["age_s.5", "heat_wh.5"]
    assert image["media"]["counts"][-1] == ["heat_wh.5", 1, 1, 0, "age_s.5"]
    assert image["media"]["meters"][-1][3:8] == [
        "wh", "gj", "hall", 555_555, round(Fraction(10**14, 3600))]
    assert judged(counters)[0] == [
        'device heat: found "heat_meter", expected a [[medium]] that names it']


def test_a_module_that_counts_pulses_is_a_profile(counters: str) -> None:
    text = counters.replace("heat_meter", "counter") + READ.replace(
        'turns_at = "100000 GJ"', 'weight = "1/100 GJ"\noffset = "12.5 GJ"')
    errors, site = judged(text)
    assert errors == []
    assert site
    assert compile_site(site)["media"]["counts"][-1] == [
        "pulses_1.5", 25_000, 9, int(Fraction(125, 10) * 10**9 / 3600), "age_s.5"]
    assert judged(text.replace('weight = "1/100 GJ"', ""))[0] == [
        "medium[5] hall.weight: found nothing, expected what a pulse stands for"]


@pytest.mark.parametrize(("old", "new", "line"), [
    ('medium = "water"', 'medium = "wine"', 'medium[0] town-water.medium: found "wine", expected '
     "one of water heat cold gas steam electricity"),
    ('use = "fresh"', 'use = "frehs"', 'medium[0] town-water.use: found "frehs", expected one of '
     'fresh reused shown; did you mean "fresh"?'),
    ('unit = "m3"', 'unit = "kWh"', 'medium[0] town-water.unit: found "kWh", expected one of l m3'),
    ('"10 l"', '"10 kg"', 'medium[0] town-water.weight: found "10 kg", expected a quantity as '
     '"10 l", "0.1 m3" or "1/1000 m3", in l m3'),
    ('"10 l"', '"ten l"', 'medium[0] town-water.weight: found "ten l", expected a quantity as '
     '"10 l", "0.1 m3" or "1/1000 m3", in l m3'),
    ('weight = "10 l"', "", "medium[0] town-water.weight: found nothing, expected what a pulse "
     "stands for"),
    ('most_per_h = "40 m3" #', "#", "medium[0] town-water.most_per_h: found nothing, expected a "
     "text"),
    ('most_per_h = "40 m3"', 'most_per_h = "0 m3"', 'medium[0] town-water.most_per_h: found "0 m3",'
     " expected more than 0"),
    ('most_per_h = "40 m3"', 'most_per_h = "400 m3"', "medium[0] town-water.max_hz: found 10, "
     "expected at least 12: so many pulses a second come at most_per_h"),
    ("max_hz = 20", "max_hz = 40", "medium[3] district-heat.max_hz: found 40, expected at most 25: "
     "a pulse and its pause take debounce_ms = 20 ms each"),
    ('input = "27"', 'input = "17"', 'medium: found "2 with input 17", expected one'),
    ('name = "recycled"', 'name = "town-water"', 'medium: found "2 with name town-water", '
     "expected one"),
    ('input = "17"', 'device = "boiler"', 'medium[0] town-water.device: found "boiler", expected a '
     "device, one of meter pcs bms; or an input"),
    ('input = "17"', 'input = "17"\nturns_at = "1 m3"', 'medium[0] town-water.turns_at: found '
     '"1 m3", expected none beside an input'),
    ('unit = "t"', 'unit = "MWh"\nkj_per_kg = 2700', "medium[4] steam-line.kj_per_kg: found 2700, "
     "expected none: it is told in MWh"),
    ('input = "17"', 'device = "pcs"', 'medium[0] town-water.device: found "pcs", expected one '
     "that has no other work to do"),
])
def test_a_slip_is_told_in_one_line(old: str, new: str, line: str) -> None:
    assert line in bent(old, new)


def test_a_line_of_a_raspberry_pi_is_a_line() -> None:
    raw = amend.read(STEAM)
    raw["medium"][0]["input"] = "door"
    raw["medium"][1]["input"] = "gpiochip4:27"
    site = amend.site(raw, STEAM)
    assert misfits(site, boards()["pi"]) == [
        'site.toml: medium town-water input: found "door", expected a line as "17" or '
        '"gpiochip4:17" on pi']
    assert misfits(site, boards()["emulator"]) == []


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["l", "m3"]))
@settings(max_examples=20)
def test_a_weight_is_never_rounded(part: int, of: int, unit: str) -> None:
    raw = amend.read(STEAM)
    raw["medium"][0] |= {"weight": f"{part}/{of} {unit}", "most_per_h": "1/1000000 l"}
    image = compile_site(amend.site(raw, STEAM))
    _, num, den, _, _ = image["media"]["counts"][0]
    assert Fraction(num, den) == Fraction(part, of) * (1000 if unit == "m3" else 1)


@given(st.dictionaries(st.sampled_from(["name", "medium", "use", "unit", "weight", "offset", "input"
                                        , "device", "most_per_h", "turns_at", "max_hz", "x"]),
                       st.none() | st.integers(-5, 10**20) | st.text(max_size=9)
                       | st.sampled_from(["water", "m3", "1 m3", "9/7 l", "pcs", "meter"]),
                       max_size=9).map(lambda keys: {k: v for k, v in keys.items()
                                                     if v is not None}))
@settings(max_examples=40)
def test_whatever_stands_there_is_read_or_refused_in_lines(keys: dict[str, Any]) -> None:
    raw = amend.read(STEAM)
    raw["medium"][0] |= keys
    checked = check_bytes(amend.text(raw).encode(), STEAM)
    assert checked.errors or compile_site(checked.site)["media"]  # type: ignore[arg-type]
    assert all(line.startswith("site.toml: ") for line in checked.errors)
