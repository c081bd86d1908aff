"""[plan] and [announced] of a site file: what becomes of them, and what is said to a mistake."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import carbon, describe, plan, schedule
from boards.build import core_modules, edge_modules
from boards.image import compile_site
from boards.shapes import Findings
from boards.site import Site
from boards.site_tables import TABLES
from tests.boards.sites import changed, judge


def text(more: str) -> str:
    return changed(("[telemetry]", f"{more}\n[telemetry]"))


def site(more: str) -> Site:
    checked = judge(text(more))
    assert checked.site is not None, checked.errors
    return checked.site


def modules(more: str) -> dict[str, Any]:
    return dict(compile_site(site(more)).get("plan", ()))


def said(more: str) -> list[str]:
    return [line.removeprefix("site.toml: ") for line in judge(text(more)).errors]


def test_a_site_that_asks_for_nothing_gets_nothing() -> None:
    image = compile_site(site(""))
    assert not {"plan", "announced"} & image.keys()
    assert image == compile_site(site('[plan]\nmode = "cost"\n[announced]\n'))
    for name in ("priced", "cap", "foresight", "tally", "announced"):
        assert f"edge.plan.{name}" not in edge_modules(image)


@pytest.mark.parametrize(("more", "names"), [
    ('[plan]\nmode = "carbon"', ["priced", "tally"]),
    ('[plan]\nmode = "green_first"', ["priced", "tally"]),
    ('[plan]\nmode = "price_carbon"\ncarbon_price = 500', ["priced", "tally"]),
    ('[plan]\nmode = "cap"\ncap_kg = 900', ["cap", "tally"]),
    ("[plan]\ntally = 1", ["tally"]),
    ("[announced]\nlocal = 1", ["foresight"]),
    ('[plan]\nmode = "cap"\ncap_kg = 900\n[announced]\nlocal = 1', ["cap", "foresight", "tally"]),
])
def test_it_gets_the_modules_it_asks_for(more: str, names: list[str]) -> None:
    image = compile_site(site(more))
    assert [name for name, _ in image["plan"]] == names
    assert {f"edge.plan.{name}" for name in names} <= core_modules(image)
    assert "edge.announcements" not in edge_modules(image)


def test_the_topic_is_off_until_a_site_switches_it_on() -> None:
    whole = changed(('host = "" #', 'host = "10.0.0.1" #'))
    for topic, there in ((0, False), (1, True)):
        checked = judge(f"{whole}\n[announced]\nlocal = 1\ntopic = {topic}\n")
        assert checked.site is not None, checked.errors
        assert ("edge.announcements" in edge_modules(compile_site(checked.site))) == there


def test_planning_prices_by_mode() -> None:
    bill = site("").tariff.prices_e4
    assert set(modules('[plan]\nmode = "carbon"')["priced"]["prices_e4"]) == {5300}
    assert modules('[plan]\nmode = "carbon"')["priced"]["demand_e4"] == 0
    green = modules('[plan]\nmode = "green_first"')["priced"]
    assert len(set(green["prices_e4"])) == 1
    assert green["demand_e4"] == 420_000
    both = modules('[plan]\nmode = "price_carbon"\ncarbon_price = 500')["priced"]["prices_e4"]
    assert [one - price for one, price in zip(both, bill, strict=True)] == [2650] * 96  # 0.53 t/MWh
    sunny = modules('[plan]\nmode = "carbon"\nprofile = "solar_grid_day.toml"')["priced"]
    assert (sunny["prices_e4"][0], sunny["prices_e4"][48], sunny["prices_e4"][70]) == (
        5500, 3000, 7000)


def test_the_shadow_price_rises_by_level_up_to_carbon_alone() -> None:
    levels = modules('[plan]\nmode = "cap"\ncap_kg = 900')["cap"]["prices_e4"]
    bill = list(site("").tariff.prices_e4)
    assert levels[0] == bill
    assert all(a < b for a, b in zip(levels[0], levels[1], strict=True))
    assert len(set(levels[2])) == 1
    gain = [max(one) * 900 - min(one) * 1000 for one in levels]
    assert gain[0] > gain[1] > 0 > gain[2]  # what a kWh through the battery earns


def test_the_budget_follows_from_the_standard() -> None:
    found = site('[plan]\nmode = "cap"\nstandard = "cn_park_standard.toml"\npark_tce = 250_000\n'
                 "day_kwh = 12_000").carbon
    assert found is not None
    # 12000 kWh are 1474.8 kgce; 0.2 t/tce of that: 2.95 % of the energy at 0.8325 kg/kWh
    assert found.cap_g == 294_960
    assert Fraction(found.cap_g, 1000) / (12_000 * Fraction(8325, 10_000)) == pytest.approx(
        0.0295, abs=0.0001)


MISTAKES = {
    '[plan]\nmode = "zzz"': [
        'plan.mode: found "zzz", expected one of cost carbon green_first cap price_carbon'],
    '[plan]\nmode = "cap"': [
        'plan.cap_kg: found 0, expected a budget for mode = "cap", or a standard'],
    '[plan]\nmode = "price_carbon"': ["plan.carbon_price: found 0, expected a price of a tonne for "
                                      'mode = "price_carbon"'],
    '[plan]\nprofile = "none.toml"': [
        'plan.profile: found "none.toml", expected a file beside the site file, or one of '
        "cn_hunan_standard_2027.toml cn_hunan_standard_2030.toml cn_hunan_standard_2035.toml "
        "cn_park_standard.toml solar_grid_day.toml"],
    '[plan]\nmode = "cap"\nstandard = "cn_park_standard.toml"\npark_tce = 5\nday_kwh = 1': [
        "plan.park_tce: found 5 tce, for which cn_park_standard has no limit; give cap_kg"],
    '[plan]\nmode = "cap"\nstandard = "cn_park_standard.toml"\npark_tce = 300_000': [
        "plan.day_kwh: found 0, expected what the standard is applied to"],
    "[plan]\ncap_kg = -1": ["plan.cap_kg: found -1, expected a whole number 0 .. 500000 kg"],
    "[announced]\ntopic = 1": [
        "announced.topic: found 1, expected a broker.host that it comes from"],
    "[announced]\nconfidence_pm = 0": [
        "announced.confidence_pm: found 0, expected a whole number 1 .. 1000 per mille"],
    '[announced]\nschedule = [["Mon-Fri", "06:00", "14:00"]]': [
        'announced.schedule: found [["Mon-Fri", "06:00", "14:00"]], expected a list of [days as '
        '"Mon-Fri", "HH:MM", "HH:MM", kW]'],
    '[announced]\nschedule = [["Mon-Fri", "06:00", "14:00", 5], ["Fri", "13:45", "15:00", 5]]': [
        "announced.schedule[1]: found \"13:45 - 15:00\", expected times that "
        "announced.schedule[0] does not have"],
}


@pytest.mark.parametrize("more", MISTAKES)
def test_every_mistake_is_one_line(more: str) -> None:
    assert said(more) == MISTAKES[more]


def test_a_plan_without_the_rule_that_follows_it_is_refused() -> None:
    whole = text('[plan]\nmode = "carbon"').replace("[rules.tariff]\n", "")
    assert list(judge(whole).errors) == [
        'site.toml: plan.mode: found "carbon", expected a table [rules.tariff], which does what '
        "such a plan wishes"]


def test_what_is_shipped_can_be_read() -> None:
    for name in carbon.shipped():
        findings = Findings(name)
        read = carbon.standard if "standard" in name else carbon.profile
        assert read(carbon.FOLDER / name, findings) is not None, findings.lines


PROFILE = ('name = "x"\nsource = "y"\nyear = 2025\nperiods = [["00:00", "12:00", 0.5], '
           '["12:00", "24:00", 0.25]]\n')
WRONG = {
    ("2025", "1889"): "year: found 1889, expected a whole number 1990 .. 2100",
    ("12:00\", 0.5", "11:00\", 0.5"): 'periods: found "nothing 11:00 - 12:00", expected a value '
                                      "for every quarter-hour from 00:00 to 24:00",
    ("0.25", "0.25001"): "periods[1]: found 0.25001, expected kg CO2 per kWh, 0 .. 2 with at most "
                         "four decimals",
    ("0.25", "532"): "periods[1]: found 532, expected kg CO2 per kWh, 0 .. 2 with at most four "
                     "decimals",
    ('"12:00", "24:00"', '"11:45", "24:00"'): 'periods[1]: found "11:45 - 12:00", expected times '
                                              "that no other period has",
    ('"24:00"', '"24:10"'): 'periods[1]: found "24:10", expected a quarter-hour "00:00" .. "24:00"',
    ('["12:00", "24:00", 0.25]', "7"): 'periods[1]: found 7, expected ["HH:MM", "HH:MM", kg CO2 '
                                       "per kWh, 0 .. 2 with at most four decimals]",
    ('source = "y"\n', ""): "source: found nothing, expected a text",
}


@pytest.mark.parametrize("change", WRONG)
def test_a_wrong_profile_is_one_line(tmp_path: Path, change: tuple[str, str]) -> None:
    path = tmp_path / "p.toml"
    path.write_text(PROFILE.replace(*change, 1), encoding="utf-8")
    findings = Findings("p.toml")
    assert carbon.profile(path, findings) is None
    assert findings.lines == ["p.toml: " + WRONG[change]]


def test_overlapping_limits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('name = "x"\nsource = "y"\nkgce_per_kwh = 0.1229\n'
                    "limits = [[0, 10, 0.2], [5, 20, 0.3]]\n")
    findings = Findings("s.toml")
    assert carbon.standard(path, findings) is None
    assert findings.lines == ["s.toml: limits[1]: found [5, 20, 0.3], expected [tce from, tce below"
                              ", t CO2 per tce], rising, without overlap"]


@pytest.mark.parametrize(("days", "bits"), [
    ("Mon", 0b1), ("Mon-Fri", 0b11111), ("Sat-Sun", 0b1100000), ("Fri-Mon", 0b1110001)])
def test_days_of_a_schedule(days: str, bits: int) -> None:
    assert schedule.line([days, "06:00", "06:15", 7]) == (bits, 24, 25, 7)
    # 2025-11-17 was a Monday, as (day + 5) % 7 == 0 says on the gateway
    assert ((date(2025, 11, 17) - date(2000, 1, 1)).days + 5) % 7 == 0


@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.one_of(
    st.none(), st.integers(), st.text(), st.just("Mon"), st.just("10:00"), st.just("12:00")),
    max_size=5)))
def test_no_line_raises(found: Any) -> None:
    line = schedule.line(found)
    assert line is None or line[1] < line[2]


def test_the_image_holds_what_a_gateway_can_compute_with() -> None:
    more = '[plan]\nmode = "price_carbon"\ncarbon_price = 100_000'
    assert max(modules(more)["priced"]["prices_e4"]) <= 10_000_000
    assert set(plan.SECTIONS) <= set(TABLES)


def test_check_says_what_the_plan_seeks() -> None:
    plain = describe.text(describe.summary(judge(text(""))))
    assert not [line for line in plain.splitlines() if line.startswith("plan ")]
    capped = describe.text(describe.summary(judge(text('[plan]\nmode = "cap"\ncap_kg = 900'))))
    assert "plan    cap, 900 kg a day; with cap, tally" in capped.splitlines()
