"""What a bill asks beyond the price of import: the gateway's peaks are the bill's, and so is what
export earns."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.tariff_image import number
from edge.billing import BilledWindow
from edge.ledger.flows import Flows
from hil.bill import peaks_kw
from tests.boards.test_tariff_calendar import HEAD, good
from tests.core.park import Park, image, snapshot

CHARGES = ["", "on", "mid"]
DAY = datetime.date(2026, 6, 10)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 4), min_size=4, max_size=12),
       st.lists(st.sampled_from(CHARGES), min_size=12, max_size=12), st.booleans(),
       st.integers(0, 30), st.randoms(use_true_random=False))
def test_each_peak_is_that_of_the_bill(levels, charges, sliding, paid_kw, rng):
    """Minutes of whole kW, a level a quarter-hour with spikes in it."""
    flows = Flows(snapshot())
    window = BilledWindow(int(sliding), flows, paid_kw * 1000, [140_000, 240_000, 50_000])
    minutes = []
    for quarter, level in enumerate(levels):
        for minute in range(15):
            import_w = 1000 * (level * 20 + rng.choice((0, 0, 0, 60)))
            window.turn(CHARGES.index(charges[quarter]))
            flows.import_ws, flows.seconds = import_w * 60, 60
            window.close_minute((quarter * 15 + minute + 1) * 60)
            minutes.append(import_w * 60)
    billed = peaks_kw(minutes, charges[:len(levels)], sliding)
    for charge, peak_w in zip(CHARGES, window.peaks_w, strict=True):
        assert peak_w == max(int(billed.get(charge, 0) * 1000 + 1e-6), paid_kw * 1000)


@settings(max_examples=30)
@given(st.integers(1, 28), st.sampled_from([1, 12]), st.integers(0, 3000))
def test_a_peak_is_forgotten_when_its_period_ends_and_not_before(day, months, ahead):
    """One day after the other: the period changes on its day of each month, or of January."""
    made = image()
    made["tariff"] = good(
        HEAD + f'periods = [["00:00", "24:00", 0.5]]\n[demand]\nprice = 1\nday = {day}\n'
        f"months = {months}\ncapacity_kva = 100\nleast_pm = 100\n").image(DAY)
    made["offsets"] = [[0, 0, 0]]
    site = Park(made).site
    first = number(DAY) + ahead
    for passed in range(40):
        site.now.second = 0
        window = site.window
        site.close_minute(first + passed, 0, 0)
        today = datetime.date(2000, 1, 1) + datetime.timedelta(first + passed)
        begins = today.day == day and (months == 1 or today.month == 1)
        if passed:
            assert (window.peak_w == 10_000) == begins
        window._close_window(50_000 * 15)
        assert window.peak_w == 50_000


@pytest.mark.parametrize("day", [13, 14])
def test_export_earns_the_price_of_its_hour(day):
    """A Saturday and a Sunday of minutes that export 60 Wh each."""
    made = image()
    made["tariff"] = good(
        HEAD + 'demand_price = 1\nexport_price = 0.25\n[days.work]\nperiods = [["00:00", "24:00", '
        '0.5]]\n[days.sat]\nperiods = [["00:00", "24:00", 0.5]]\nexport = [["00:00", "09:15", 0.1],'
        '["09:15", "24:00", 0.4]]\n[[season]]\nname = "y"\nevery = "work"\nsaturday = "sat"\n'
    ).image(DAY)
    made["offsets"] = [[0, 0, 0]]
    site = Park(made).site
    for at in range(1441):
        if at:
            site.flows.export_ws, site.flows.seconds = 60 * 3600, 60
        site.now.second = at % 1440 * 60
        site.close_minute(number(datetime.date(2026, 6, day)) + at // 1440, at % 1440 * 60, 1)
    earned_e4 = -(site.account.cost.units * 10_000 + site.account.cost.e4)
    quarters = [1000] * 37 + [4000] * 59 if day == 13 else [2500] * 96
    assert earned_e4 == sum(quarters) * 15 * 60 // 1000
