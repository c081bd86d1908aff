"""The scoring protocol against months whose optimum is known without a computer."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from hil.optimum import Battery, Tariff
from hil.protocol import score_month, scored_months, share, spread

BATTERY = Battery(power_kw=10, store_kwh=4, way=1.0)


def quarters(start: datetime, end: datetime) -> list[datetime]:
    count = int((end - start).total_seconds()) // 900
    return [start + timedelta(minutes=15 * at) for at in range(count)]


def test_a_spike_as_wide_as_the_battery() -> None:
    """One quarter-hour of 30 kW over 10: a battery of 10 kW and plenty of energy leaves 20. Who
    leaves 25 has got half of it."""
    load = [10.0] * 40 + [30.0] + [10.0] * 40
    grid = [10.0] * 40 + [25.0, 15.0] + [10.0] * 39
    month = score_month("m", load, grid, BATTERY, Tariff([0.0] * 81, 40.0))
    assert month.peaks == pytest.approx((30, 25, 20))
    assert month.bills == pytest.approx((1200, 1000, 800))
    assert share([month.peaks]) == pytest.approx(0.5)


def test_a_spike_longer_than_the_store_lasts() -> None:
    """Two hours of 30 kW over 10: 4 kWh shave 2 kW."""
    load = [10.0] * 8 + [30.0] * 8 + [10.0] * 8
    month = score_month("m", load, load, BATTERY, Tariff([0.0] * 24, 40.0))
    assert month.peaks[2] == pytest.approx(28)
    assert share([month.peaks]) == pytest.approx(0)


def test_arbitrage_alone() -> None:
    """Four cheap quarter-hours of 10 kW, four dear ones of 20, four cheap ones of 10: 4 kWh are
    used dear and bought back cheap. Demand is free."""
    prices = [0.2] * 4 + [1.0] * 4 + [0.2] * 4
    load = [10.0] * 4 + [20.0] * 4 + [10.0] * 4
    grid = [10.0] * 4 + [18.0] * 4 + [12.0] * 4
    without, with_, best = score_month("m", load, grid, BATTERY, Tariff(prices, 0.0)).bills
    assert (without, with_, best) == pytest.approx((24.0, 24.0 - 2 * 0.8, 24.0 - 4 * 0.8))
    assert share([(without, with_, best)]) == pytest.approx(0.5)


def test_two_months_are_weighed_by_what_was_to_be_had() -> None:
    assert share([(30, 25, 20), (30, 20, 20)]) == pytest.approx(15 / 20)
    assert share([(30, 30, 30)]) is None
    assert share([]) is None


def test_the_first_full_month_is_a_warm_up() -> None:
    times = quarters(datetime(2025, 1, 20), datetime(2025, 5, 1))
    found = scored_months(times, [False] * len(times))
    assert [month.name for month in found] == ["2025-03", "2025-04"]


def test_at_most_twelve_months_count() -> None:
    times = quarters(datetime(2024, 1, 1), datetime(2025, 6, 1))
    found = scored_months(times, [False] * len(times))
    assert (found[0].name, found[-1].name, len(found)) == ("2024-02", "2025-01", 12)


@pytest.mark.parametrize(("guesses", "counted"), [(144, True), (145, False)])
def test_a_month_with_more_than_a_twentieth_filled_does_not_count(guesses: int, counted: bool
                                                                  ) -> None:
    times = quarters(datetime(2025, 3, 1), datetime(2025, 5, 1))
    april = times.index(datetime(2025, 4, 1))
    filled = [april <= at < april + guesses for at in range(len(times))]
    assert bool(scored_months(times, filled)) is counted


def test_missing_quarter_hours_are_as_bad_as_filled_ones() -> None:
    times = quarters(datetime(2025, 3, 1), datetime(2025, 4, 28))
    assert scored_months(times, [False] * len(times)) == []


def test_a_file_without_a_full_month_has_nothing_to_score() -> None:
    times = quarters(datetime(2025, 3, 10), datetime(2025, 3, 28))
    assert scored_months(times, [False] * len(times)) == []


def test_the_spread_over_sites() -> None:
    found = spread({"a": 0.5, "b": 0.7, "c": 0.9})
    assert found.mean == pytest.approx(0.7)
    assert found.error == pytest.approx(0.2 / 3**0.5)
    assert (found.worst, found.worst_site) == (0.5, "a")
    assert spread({"a": 0.5}).error == 0
