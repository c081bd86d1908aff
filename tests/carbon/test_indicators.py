"""The indicators: exact, physical apart from paper, and honest about what they do not know."""

from __future__ import annotations

import datetime
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.carbon import carriers, standard
from cloud_bridge.carbon.indicators import (
    MET,
    MISSED,
    NOT_APPLICABLE,
    NOT_ENOUGH,
    bills,
    indicators,
    shown,
)
from cloud_bridge.carbon.measure import measure
from cloud_bridge.carbon.stated import state
from tests.carbon.papers import (
    FIRST,
    certificate,
    quarter,
    quarters,
    shipped,
    stated,
    tonnes,
)

SET, RULES, CARRIERS = shipped(), standard.load("cn_park_standard"), carriers.load()
DAYS = datetime.date(2026, 1, 1), datetime.date(2026, 1, 31)
PARK_TCE = Fraction(250_000)


def table(rows, *statements, n=12, rules=RULES, park_tce=PARK_TCE, factors=SET):
    measured = measure(rows, factors, FIRST, FIRST + n, rules.method.deduct_export)
    extra = state(statements, CARRIERS, rules.method, *DAYS)
    return {one.name: one for one in indicators(measured, extra, rules, park_tce)}


PAPERS = st.lists(st.one_of(
    st.integers(0, 10**6).map(lambda kwh: ("certificate", kwh)),
    st.integers(0, 10**4).map(lambda t: ("process", t)),
    st.integers(0, 10**4).map(lambda t: ("fuel", t)),
    st.integers(0, 10**4).map(lambda gj: ("heat", gj))), max_size=6)


def papers(drawn):
    found = []
    for number, (subject, amount) in enumerate(drawn):
        values = {"certificate": {"registry": "cn", "certificates": [str(number)], "kwh": amount},
                  "process": {"gas": "CO2", "t": amount}, "heat": {"gj": amount},
                  "fuel": {"carrier": "raw_coal", "amount": amount, "unit": "t"}}[subject]
        found.append(stated(subject, str(number), **values))
    return found


@given(quarters(), PAPERS)
@settings(max_examples=40)
def test_every_figure_is_the_naive_one(rows, drawn):
    found = table(rows, *papers(drawn))
    sums = {subject: sum(amount for what, amount in drawn if what == subject)
            for subject in ("certificate", "process", "fuel", "heat")}
    load = Fraction(sum(flow[0] for row in rows for flow in row.flows))
    green = sum(row.flows[1][0] + row.flows[2][0] + row.stored[1] + row.stored[2] for row in rows)
    grid = sum(sum(row.flows[0]) for row in rows)
    dirty = grid + sum(sum(row.flows[3]) + row.stored[4] for row in rows)
    physical, tce = tonnes(832_500, dirty), load / 1000 * Fraction("0.1229") / 1000
    coal, heat = CARRIERS["raw_coal"], CARRIERS["heat"]
    more_tce = tce + sums["fuel"] * coal.tce + sums["heat"] * heat.tce
    declared = physical + sums["process"] + sums["fuel"] * coal.co2_t + sums["heat"] * heat.co2_t
    covered = min(1000 * sums["certificate"], grid)
    contractual = declared - tonnes(832_500, covered)
    green_tce = Fraction("0.1229") / 10**6

    def ratio(part, of):
        return Fraction(part) / of if of else None

    assert found["carbon_per_tce"].values == (
        ratio(physical, tce), ratio(declared, more_tce), ratio(contractual, more_tce))
    assert found["direct_share"].values[0] == ratio(green, load)
    assert found["clean_share"].values == (
        ratio(green, load), ratio(green * green_tce, more_tce),
        ratio(min(green + covered, load) * green_tce, more_tce))
    assert found["carbon_per_tce"].complete == Fraction(sum(row.minutes for row in rows), 15 * 12)


@given(quarters(), PAPERS)
@settings(max_examples=40)
def test_what_is_measured_does_not_depend_on_paper(rows, drawn):
    bare, full = table(rows), table(rows, *papers(drawn))
    assert [one.values[0] for one in bare.values()] == [one.values[0] for one in full.values()]
    no_certificates = [one for one in drawn if one[0] != "certificate"]
    assert [one.values[1] for one in table(rows, *papers(no_certificates)).values()] == \
        [one.values[1] for one in full.values()]


def test_an_all_electric_park_on_fossil_power_emits_6_77_t_a_tce():
    found = table([quarter(FIRST, 10**6)], n=1)["carbon_per_tce"]
    assert found.values[0] == Fraction("0.8325") / Fraction("0.1229")
    assert shown(found.values[0], 2, False) == "6.77"
    assert found.verdict == MISSED


@pytest.mark.parametrize(("park_tce", "pm", "limit"), [(250_000, 29_525, "0.2"),
                                                       (1_500_000, 44_288, "0.3")])
def test_it_passes_with_2_95_or_4_43_percent_from_the_grid(park_tce, pm, limit):
    for grid, verdict in ((pm, MET), (pm + 1, MISSED)):
        found = table([quarter(FIRST, grid, 10**6 - grid)], n=1, park_tce=Fraction(park_tce))
        assert found["carbon_per_tce"].limit == Fraction(limit)
        assert found["carbon_per_tce"].verdict == verdict


def test_what_is_exactly_at_the_limit_keeps_it():
    rows = [quarter(FIRST + n, 1229, 41_625 - 1229) for n in range(20)]
    rows[3] = replace(rows[3], minutes=0)  # and 95 % of the time are enough
    found = table(rows, n=20)["carbon_per_tce"]
    assert (found.values[0], found.complete) == (Fraction(1, 5), Fraction(19, 20))
    assert found.verdict == MET


def test_a_whole_year_tells_its_own_size():
    wh = int(250_000 * 10**6 / Fraction("0.1229"))
    rows = [quarter(FIRST + 35_039, 0, wh, span=35_040, minutes=15 * 35_040)]
    assert table(rows, n=35_040, park_tce=None)["carbon_per_tce"].limit == Fraction(1, 5)
    short = table(rows, n=35_039, park_tce=None)["carbon_per_tce"]
    assert (short.limit, short.verdict) == (None, NOT_ENOUGH)


def test_clean_fuel_is_clean_energy_and_coal_is_none():
    rows = [quarter(FIRST, 10**6, 10**6)]
    half = Fraction("0.1229") * 2  # tce of 2 MWh, half of which is clean
    wood = replace(CARRIERS["raw_coal"], name="wood", clean=True)
    for carrier, clean in ((wood, half / 2 + wood.tce), (CARRIERS["raw_coal"], half / 2)):
        paper = stated("fuel", carrier=carrier.name, unit="t", amount=1)
        extra = state([paper], {carrier.name: carrier}, RULES.method, *DAYS)
        measured = measure(rows, SET, FIRST, FIRST + 1)
        found = {one.name: one for one in indicators(measured, extra, RULES, PARK_TCE)}
        assert found["clean_share"].values == (
            Fraction(1, 2), clean / (half + wood.tce), clean / (half + wood.tce))


def test_natural_gas_alone_is_1_63_and_passes_as_12_3_percent():
    gas = CARRIERS["natural_gas"]
    for percent, verdict in (("12.28", MET), ("12.29", MISSED)):
        tce = Fraction(10**6) * Fraction("0.1229") / 10**6  # of 1 MWh of sun
        share = Fraction(percent) / 100
        amount = tce * share / (1 - share) / gas.tce
        paper = stated("fuel", carrier="natural_gas", unit="m3", amount=shown(amount, 9, False))
        found = table([quarter(FIRST, 0, 10**6)], paper, n=1)["carbon_per_tce"]
        assert found.answers[1] == verdict


@pytest.mark.parametrize(("name", "park_tce", "limit"), [
    ("cn_park_standard", 199_999, None), ("cn_park_standard", 200_000, "0.2"),
    ("cn_park_standard", 999_999, "0.2"), ("cn_park_standard", 1_000_000, "0.3"),
    ("cn_hunan_standard_2027", 19_999, None), ("cn_hunan_standard_2027", 20_000, "1"),
    ("cn_hunan_standard_2030", 20_000, "0.7"), ("cn_hunan_standard_2035", 999_999, "0.3")])
def test_the_limit_is_that_of_the_size_and_the_region(name, park_tce, limit):
    found = table([quarter(FIRST, 10)], n=1, rules=standard.load(name), park_tce=Fraction(park_tce))
    core = found["carbon_per_tce"]
    assert core.limit == (None if limit is None else Fraction(limit))
    assert core.verdict == (NOT_APPLICABLE if limit is None else MISSED)
    assert core.values[0] is not None  # the figure stands there all the same
    asked = {one for one in found if found[one].limit is not None} - {"carbon_per_tce"}
    assert asked == ({"clean_share"} if "hunan" in name else
                     {one + "_share" for one in standard.SHARES})


def test_what_is_not_known_has_no_verdict():
    hole = table([quarter(FIRST, 10), quarter(FIRST + 1, 10, minutes=12)], n=2)
    assert hole["carbon_per_tce"].complete == Fraction(27, 30)
    assert hole["carbon_per_tce"].verdict == hole["direct_share"].verdict == NOT_ENOUGH
    assert "95 % of the time" in hole["direct_share"].why
    assert table([quarter(FIRST, 10)], n=1, park_tce=None)["carbon_per_tce"].verdict == NOT_ENOUGH
    idle = table([quarter(FIRST)], n=1)
    assert idle["direct_share"].values == (None, None, None)
    assert idle["direct_share"].verdict == idle["water_share"].verdict == NOT_ENOUGH


def test_shares_from_statements_need_the_whole_time():
    rows = [quarter(FIRST, 10)]
    water = stated("water", fresh_m3=20, reused_m3=80)
    assert table(rows, water, n=1)["water_share"].verdict == MET
    assert table(rows, stated("water", fresh_m3=21, reused_m3=80), n=1)["water_share"].verdict == \
        MISSED
    assert table(rows, stated("waste_heat", available_gj=10, used_gj=5), n=1)[
        "waste_heat_share"].values == (None, Fraction(1, 2), None)
    week = stated("water", last="2026-01-07", fresh_m3=20, reused_m3=80)
    found = table(rows, week, n=1)["water_share"]
    assert (found.verdict, found.complete) == (NOT_ENOUGH, Fraction(7, 31))


def test_nothing_is_carried_over_from_one_hour_to_another():
    rows = [quarter(FIRST, 1000), quarter(FIRST + 4, 0, 1000)]
    yearly = table(rows, certificate("1", 1), n=8)
    assert yearly["clean_share"].values == (Fraction(1, 2), Fraction(1, 2), 1)
    assert yearly["hourly_matched_share"].values == (Fraction(1, 2), None, Fraction(1, 2))
    one_day = {"first": "2026-01-01", "last": "2026-01-01"}
    for hour, share in ((0, 1), (1, Fraction(1, 2))):
        hourly = table(rows, certificate("1", 9, hour=hour, **one_day), n=8)
        assert hourly["hourly_matched_share"].values[2] == share
    gap = [quarter(FIRST + 3, 2000, span=4)]  # nobody knows in which hour it was used
    paper = certificate("1", 9, hour=0, **one_day)
    assert table(gap, paper, n=8)["hourly_matched_share"].values[2] == 0


def test_exported_power_is_deducted_only_by_a_switch():
    rows = [quarter(FIRST, flows=((600, 400, 0), *((0, 0, 0),) * 4))]
    kept = table(rows, n=1)["carbon_per_tce"].values[0]
    loose = replace(RULES, method=replace(RULES.method, deduct_export=True))
    assert table(rows, n=1, rules=loose)["carbon_per_tce"].values[0] == kept * Fraction(6, 10)


def test_a_bill_stands_beside_the_meter():
    rows = [quarter(FIRST + n, 1000) for n in range(96)]
    paper = stated("bill", "meter 1", last="2026-01-01", kwh="96.5")
    extra = state([paper], CARRIERS, RULES.method, *DAYS)
    measured = measure(rows, SET, FIRST, FIRST + 31 * 96)
    assert bills(measured, extra) == [("meter 1", 96_500, 96_000)]


@given(st.fractions(-5, 5), st.integers(0, 6))
def test_a_rounded_figure_never_flatters(value, places):
    up, down = (Fraction(shown(value, places, way)) for way in (True, False))
    assert down <= value <= up
    assert up - down <= Fraction(1, 10**places)
