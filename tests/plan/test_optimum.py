"""The yardstick itself against dynamic programming over every state of a small battery."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.optimum import Battery, Tariff, bill, bill_at, holds, lowest_bill, lowest_peak_kw

LOADS = st.lists(st.integers(-4, 12), min_size=1, max_size=12)
PRICES = st.sampled_from([0.3, 0.65, 1.0, 1.2])


def every_state_kwh(load, prices, ceiling, power, store, short=0, may=0):
    """Least energy cost without losses, whole kW and quarters of kWh: from full, less `short`, to
    full, less at most `may`. With whole numbers everywhere some whole-numbered plan is among the
    best."""
    best = {store - short: 0.0}
    for kw, price in zip(load, prices, strict=True):
        after: dict[int, float] = {}
        for level, cost in best.items():
            for use in range(-power, power + 1):
                left, grid = level - use, kw - use
                if 0 <= left <= store and grid <= ceiling:
                    total = cost + max(0, grid) * 0.25 * price
                    if total < after.get(left, float("inf")):
                        after[left] = total
        best = after
    return min((cost for level, cost in best.items() if level >= store - may), default=None)


@given(LOADS, st.data(), st.integers(1, 4), st.integers(1, 10), st.integers(0, 12))
def test_the_recursion_finds_what_trying_every_state_finds(load, data, power, store, ceiling):
    prices = data.draw(st.lists(PRICES, min_size=len(load), max_size=len(load)))
    battery, tariff = Battery(power, store / 4, 1.0), Tariff(prices, 40.0)
    found = bill_at(load, ceiling, battery, tariff) - 40.0 * ceiling
    least = every_state_kwh(load, prices, ceiling, power, store)
    if least is None:
        assert found > 1000  # it had to miss the ceiling, or the full store at the end
    else:
        assert found == pytest.approx(least, abs=1e-9)


@given(LOADS, st.data(), st.integers(1, 4), st.integers(1, 10), st.integers(0, 12))
def test_a_store_that_begins_and_ends_short_of_full(load, data, power, store, ceiling):
    prices = data.draw(st.lists(PRICES, min_size=len(load), max_size=len(load)))
    short, may = data.draw(st.integers(0, store)), data.draw(st.integers(0, store))
    battery = Battery(power, store / 4, 1.0, short / 4, may / 4)
    found = bill_at(load, ceiling, battery, Tariff(prices, 40.0)) - 40.0 * ceiling
    least = every_state_kwh(load, prices, ceiling, power, store, short, may)
    if least is None:
        assert found > 1000
    else:
        assert found == pytest.approx(least, abs=1e-9)


@given(LOADS, st.integers(1, 4), st.integers(1, 10))
def test_the_lowest_peak_holds_and_nothing_lower_does(load, power, store):
    battery = Battery(power, store / 4, 0.9**0.5)
    peak = lowest_peak_kw(load, battery)
    assert 0 <= peak <= max(0, max(load))
    assert holds(load, peak, battery)
    assert peak < 1e-6 or not holds(load, peak - 1e-6, battery)


@given(LOADS, st.data(), st.floats(0, 80))
def test_no_whole_ceiling_beats_the_lowest_bill(load, data, demand_price):
    prices = data.draw(st.lists(PRICES, min_size=len(load), max_size=len(load)))
    battery, tariff = Battery(3, 1.5, 0.9**0.5), Tariff(prices, demand_price)
    least = lowest_bill(load, battery, tariff)
    assert least <= bill(load, tariff) + 1e-9
    for ceiling in range(max(0, *load) + 1):
        assert least <= bill_at(load, ceiling, battery, tariff) + 1e-6 * (1 + demand_price)


@given(LOADS, st.data(), st.floats(0, 80), st.integers(0, 14))
def test_demand_that_is_paid_for_anyway_is_not_shaved(load, data, demand_price, paid_kw):
    """Against trying every ceiling: below what is paid for demand costs nothing."""
    prices = data.draw(st.lists(PRICES, min_size=len(load), max_size=len(load)))
    battery, tariff = Battery(3, 1.5, 0.9**0.5), Tariff(prices, demand_price)
    energy = Tariff(prices, 0.0)
    least = lowest_bill(load, battery, tariff, paid_kw)
    tried = [bill_at(load, ceiling / 4, battery, energy)
             + demand_price * max(0.0, ceiling / 4 - paid_kw)
             for ceiling in range(4 * (max(paid_kw, *load) + 4))]
    assert least <= min(tried) + 2e-5 * (1 + demand_price)  # the search ends a millionth away
    assert least >= min(tried) - (demand_price + 2) / 4  # a ceiling that fits lies this near


def test_a_flat_load_may_rise_above_itself_to_trade():
    """Cheap demand, dear days: the best ceiling lies above the highest load."""
    battery, load = Battery(10.0, 20.0, 1.0), [20.0] * 960
    tariff = Tariff(([0.2] * 48 + [1.0] * 48) * 10, 1.0)
    assert lowest_bill(load, battery, tariff) <= bill_at(load, 24.0, battery, tariff) + 1e-9
