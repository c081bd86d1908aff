"""The bill: by hand, and as a sum that loses no energy."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hil.bill import hours, month_bill, months, slot

TARIFF = {"name": "hand", "currency": "CNY", "demand_e4": 400_000, "export_e4": 1000,
          "prices_e4": [3000] * 32 + [10_000] * 16 + [3000] * 48}
KWH = 3_600_000


def test_a_bill_by_hand() -> None:
    """Two hours around 08:00: 3 kWh cheap, 6 kWh dear, 1 kWh given away."""
    quarters = [KWH, 2 * KWH, 0, 0, 6 * KWH, 0, 0, -KWH]
    minutes = [max(ws, 0) // 15 for ws in quarters for _ in range(15)]
    net = [ws // 15 for ws in quarters for _ in range(15)]
    prices = [3000] * 4 + [10_000] * 4
    found = month_bill("2026-06", minutes, net, prices, TARIFF)
    assert [(line.item, line.quantity, line.amount) for line in found.lines] == [
        ("energy 08:00-12:00", 6.0, 6.0),
        ("energy 00:00-08:00, 12:00-24:00", 3.0, 0.9),
        ("demand, highest 15-minute mean", 24.0, 960.0),
        ("export", 1.0, -0.1)]
    assert (found.demand, round(found.energy, 9), round(found.total, 9)) == (960.0, 6.8, 966.8)


@given(st.lists(st.integers(-10**7, 10**7), min_size=30, max_size=30),
       st.lists(st.sampled_from([3000, 10_000]), min_size=2, max_size=2))
def test_every_kilowatt_hour_is_on_one_line(minutes: list[int], prices: list[int]) -> None:
    imported = [max(ws, 0) for ws in minutes]
    found = month_bill("m", imported, minutes, prices, TARIFF)
    bought = sum(line.quantity for line in found.lines if line.item.startswith("energy"))
    sold = sum(line.quantity for line in found.lines if line.item == "export")
    assert abs(bought - sold - sum(minutes) / KWH) < 1e-9


def test_months_follow_the_local_calendar() -> None:
    start = datetime(2026, 1, 31, 23, 30)
    times = [start + timedelta(minutes=15 * at) for at in range(4)]
    assert [tuple(month) for month in months(times)] == [("2026-01", 0, 2), ("2026-02", 2, 4)]
    assert [slot(time) for time in times] == [94, 95, 0, 1]


def test_a_price_that_always_holds_names_no_hours() -> None:
    assert hours(5, [5] * 96) == ""
    assert hours(5, [5] * 4 + [6] * 92) == " 00:00-01:00"
