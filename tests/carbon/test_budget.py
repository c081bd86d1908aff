"""Whether a year can be kept: exact, on what is said of the rest, and silent where nothing is."""

from __future__ import annotations

import datetime
from dataclasses import replace
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from cloud_bridge.carbon import carriers, standard
from cloud_bridge.carbon.budget import DEVIATES, ON_PATH, OUT_OF_REACH, outlook
from cloud_bridge.carbon.indicators import NOT_APPLICABLE, NOT_ENOUGH
from cloud_bridge.carbon.stated import state
from tests.carbon.papers import FIRST, certificate, quarter, shipped, stated, tonnes

SET, RULES, CARRIERS = shipped(), standard.load("cn_park_standard"), carriers.load()
DAYS = datetime.date(2026, 1, 1), datetime.date(2026, 1, 31)
PARK_TCE = Fraction(250_000)


def ahead(rows, *statements, days=365, park_tce=PARK_TCE, column="contractual"):
    extra = state(statements, CARRIERS, RULES.method, *DAYS)
    return outlook(rows, SET, RULES, extra, (FIRST, FIRST + 96 * days), column, park_tce)


@given(st.integers(1, 40), st.integers(41, 365), st.integers(0, 2000), st.integers(10**5, 10**6))
def test_the_grid_energy_left_is_what_keeps_the_limit(past, days, grid, load):
    rows = [quarter(FIRST + 96 * n, grid, load) for n in range(past)]
    rows = [replace(one, index=FIRST + n) for n, one in enumerate(rows)]  # quarter-hours in a row
    found = ahead(rows, days=days)
    assume(found.state != OUT_OF_REACH)
    rest = 96 * days - past
    tce = Fraction((grid + load) * 96 * days) * Fraction("0.1229") / 10**6
    for kwh, keeps in ((found.grid_left_kwh, True), (found.grid_left_kwh + 1, False)):
        assert (tonnes(832_500, grid * past + 1000 * kwh) <= tce / 5) == keeps
    assert found.grid_expected_kwh == Fraction(grid * rest, 1000)
    assert (found.state == ON_PATH) == (found.grid_expected_kwh <= found.grid_left_kwh) or \
        found.grid_expected_kwh - found.grid_left_kwh < 1
    if grid:
        assert found.days_left == found.grid_left_kwh * 1000 // (grid * 96)


def test_the_rest_of_the_year_goes_on_as_the_last_four_weeks():
    def day(grid, gen):
        return ((grid, 0, 0), (1000, 0, 0), (0, 0, 0), (gen, 0, 0), (0, 0, 0))

    rows = [quarter(FIRST + n, flows=day(20, 10) if n < 12 * 96 else day(40, 5))
            for n in range(40 * 96)]
    found = ahead(rows, stated("process", gas="CO2", t="0.002"), stated("heat", gj="0.03"))
    early, late, rest = 12 * 96, 28 * 96, 325 * 96
    added_t = Fraction("0.002") + Fraction("0.03") * CARRIERS["heat"].co2_t
    added_tce = Fraction("0.03") * CARRIERS["heat"].tce
    load_wh = early * 1030 + (late + rest) * 1045
    tce = load_wh * Fraction("0.1229") / 10**6 + added_tce * Fraction(365, 40)

    def emitted_t(grid_rest_wh):
        dirty_wh = early * 30 + late * 45 + rest * 5 + grid_rest_wh
        return tonnes(832_500, dirty_wh) + added_t * Fraction(365, 40)

    assert found.projected == emitted_t(rest * 40) / tce
    assert emitted_t(found.grid_left_kwh * 1000) <= tce / 5
    assert emitted_t(found.grid_left_kwh * 1000 + 1000) > tce / 5
    assert found.state == DEVIATES


def test_a_warning_comes_while_there_is_time():
    rows = [quarter(FIRST + n, 40, 960) for n in range(96 * 20)]  # 4 % from the grid; 2.95 may be
    found = ahead(rows)
    assert (found.state, found.over_t > 0, found.limit) == (DEVIATES, True, Fraction(1, 5))
    assert found.so_far == found.projected == Fraction("0.8325") / Fraction("0.1229") / 25
    assert 240 < found.days_left < 260
    assert found.complete == 1
    covered = ahead(rows, certificate("1", 50))
    assert covered.grid_left_kwh == found.grid_left_kwh + 50
    assert ahead(rows, certificate("1", 50), column="declared") == found
    assert ahead([quarter(FIRST + n, 900, 100) for n in range(96 * 20)], days=21).state == \
        OUT_OF_REACH
    assert ahead(rows, park_tce=Fraction(5)).state == NOT_APPLICABLE
    assert ahead(rows[::2]).state == NOT_ENOUGH
    assert ahead([]) is None


def test_exactly_at_the_limit_is_on_the_path():
    rows = [quarter(FIRST + n, 1229, 41_625 - 1229) for n in range(3)]
    assert (ahead(rows).projected, ahead(rows).state) == (Fraction(1, 5), ON_PATH)
