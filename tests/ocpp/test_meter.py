"""What a charge point says that it measures: exactly, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.ocpp_meter import Measured, Rating, age_s, sampled

BOX = Rating(32_000, (1, 2, 3), 230)
SINGLE = Rating(16_000, (2,), 230)
POWER, ENERGY, CURRENT = ("Power.Active.Import", "Energy.Active.Import.Register", "Current.Import")


def one(value, measurand=None, **keys):
    return {"value": value, **({"measurand": measurand} if measurand else {}), **keys}


@given(st.decimals(0, 999_999, places=3))
def test_units_are_exact(value):
    text = str(value)
    for measurand, name, unit, factor in (
            (POWER, "power_w", "W", 1), (POWER, "power_w", "kW", 1000), (POWER, "power_w", None, 1),
            (ENERGY, "energy_wh", "Wh", 1), (ENERGY, "energy_wh", "kWh", 1000),
            (ENERGY, "energy_wh", None, 1), (None, "energy_wh", None, 1)):
        said = one(text, measurand, **({"unit": unit} if unit else {}))
        found, wrong = sampled([said], BOX)
        assert found == {name: round(Fraction(Decimal(text)) * factor)}
        assert not wrong


def test_currents_go_to_the_phases_of_the_site():
    turned = Rating(32_000, (3, 1, 2), 230)
    said = [one(f"{phase}.25", CURRENT, phase=f"L{phase}") for phase in (1, 2, 3)]
    assert sampled(said, turned) == ({"i_l3_ma": 1250, "i_l1_ma": 2250, "i_l2_ma": 3250}, [])
    assert sampled([one("10", CURRENT)], turned) == ({}, []), "the sum of what?"
    assert sampled([one("10", CURRENT)], SINGLE) == ({"i_l2_ma": 10_000}, [])


def test_a_power_by_phases_is_their_sum_only_when_all_are_there():
    said = [one("1000", POWER, phase=f"L{phase}-N") for phase in (1, 2, 3)]
    assert sampled(said, BOX) == ({"power_w": 3000}, [])
    assert sampled(said[:2], BOX) == ({}, [])
    assert sampled([*said, one("2.9", POWER, unit="kW")], BOX) == ({"power_w": 2900}, [])


@pytest.mark.parametrize("value", [
    "NaN", "1e400", "Infinity", "", " 1", "1,5", "0x10", "--1", "1.", "１２", "1" * 13, "1\n"])
def test_what_is_no_plain_number_is_wrong(value):
    assert sampled([one(value, POWER)], BOX) == ({}, ["power_w"])


@pytest.mark.parametrize("keys", [
    {"measurand": "Power.Active.Export"}, {"measurand": "SoC"}, {"format": "SignedData"},
    {"location": "EV"}])
def test_what_is_something_else_is_passed_over(keys):
    assert sampled([one("5") | keys], BOX) == ({}, [])


def test_a_unit_of_something_else_is_wrong():
    assert sampled([one("5", POWER, unit="A")], BOX) == ({}, ["power_w"])


@given(st.integers(-60_000, 60_000))
def test_a_power_beyond_its_rating_is_not_believed(power_w):
    measured = Measured(BOX)
    measured.take({"power_w": 7}, 1.0)
    wrong = measured.take({"power_w": power_w}, 2.0)
    believed = 0 <= power_w <= BOX.max_w * 5 / 4
    assert wrong == ([] if believed else ["power_w"])
    assert measured.since(0) == {"power_w": power_w if believed else 7}
    assert measured.since(1.5) == ({"power_w": power_w} if believed else {}), "the old one is old"


@given(st.lists(st.tuples(st.integers(-200, 20_000), st.floats(0, 3600)), max_size=20))
def test_a_register_never_goes_back_or_faster_than_the_charger(steps):
    measured, at_s, said = Measured(BOX), 0.0, 1000
    measured.take({"energy_wh": said}, at_s)
    for step, seconds in steps:
        before, since_s = measured.energy_wh, measured._values["energy_wh"][1]
        at_s += seconds
        said += step
        wrong = measured.take({"energy_wh": said}, at_s)
        grown = measured.energy_wh - before
        assert 0 <= grown <= BOX.max_w * 1.25 * (at_s - since_s) / 3600 + 100
        assert bool(wrong) == (measured.energy_wh != said)
    measured.restarted()
    assert measured.take({"energy_wh": 0}, at_s) == []


def test_what_comes_late_does_not_replace_what_is_newer():
    measured = Measured(BOX)
    measured.take({"power_w": 5000}, 10.0)
    assert measured.take({"power_w": 9000}, 5.0) == []
    assert measured.since(0) == {"power_w": 5000}


NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("stamp", "age"), [
    ("2026-03-01T12:00:00Z", 0), ("2026-03-01T11:59:30.500Z", 29.5),
    ("2026-03-01T13:00:00+01:00", 0), ("2026-03-01T11:59:00", 60), ("2026-03-01T12:00:59Z", 0),
    ("2026-03-01T12:01:01Z", None), ("yesterday", None), ("", None)])
def test_the_age_of_a_stamp(stamp, age):
    assert age_s(stamp, NOW) == age


@given(st.text())
def test_any_stamp_has_an_age_or_none(stamp):
    found = age_s(stamp, NOW)
    assert found is None or 0 <= found < timedelta(days=800_000).total_seconds()
