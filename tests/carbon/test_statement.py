"""Statements: nothing counts twice, litres are no tonnes, and what is wrong is one line."""

from __future__ import annotations

import copy
import datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.carbon import carriers, statement
from cloud_bridge.carbon.standard import Method
from cloud_bridge.carbon.stated import state
from cloud_bridge.documents import Document
from cloud_bridge.fields import DocumentError
from tests.carbon.papers import ISSUED, certificate, change, stated

CARRIERS = carriers.load()
YEAR = datetime.date(2026, 1, 1), datetime.date(2026, 12, 31)


def summed(*statements, method=None):
    return state(statements, CARRIERS, method or Method(), *YEAR)


def test_a_certificate_counts_once():
    with pytest.raises(DocumentError, match=r"certificate 7 of cn is used already, by [0-9a-f]+"):
        summed(certificate("7", 1000), certificate("7", 1000, account="b", first="2026-01-02"))
    with pytest.raises(DocumentError, match="is used already"):
        summed(certificate("7", 1000), certificate("7", 1000))  # the same paper twice
    with pytest.raises(DocumentError, match="a number stands there twice"):
        stated("certificate", registry="cn", certificates=["7", "7"], kwh=1)
    two = summed(certificate("7", 1000), certificate("8", "0.5"))
    assert two.certified_wh == 1_000_500


@pytest.mark.parametrize("more", [{}, {"first": "2026-01-31", "last": "2026-02-28"},
                                  {"first": "2026-01-10", "last": "2026-01-11"}])
def test_a_day_is_told_once(more):
    with pytest.raises(DocumentError, match=r"of a from .* on is told already, by"):
        summed(stated("heat", gj=1), stated("heat", gj=1, **more, source="another"))
    apart = summed(stated("heat", gj=1), stated("heat", "b", gj=1, **more))
    assert apart.added_t == 2 * CARRIERS["heat"].co2_t


def test_what_reaches_over_the_end_of_a_period_cannot_be_told_apart():
    with pytest.raises(DocumentError, match=r"expected days inside 2026-01-01 .. 2026-12-31: have "
                                            "it split"):
        summed(stated("heat", gj=1, last="2027-01-01"))
    assert summed(stated("heat", gj=1, first="2025-01-01", last="2025-12-31")).added_t == 0


@pytest.mark.parametrize("day", YEAR)
def test_the_first_and_the_last_day_count(day):
    assert summed(stated("heat", gj=1, first=str(day), last=str(day))).added_t == \
        CARRIERS["heat"].co2_t


def fuel(**more):
    return stated("fuel", **{"carrier": "diesel", "amount": "10", "unit": "t", **more})


def test_fuel_counts_in_the_unit_of_its_carrier():
    assert float(summed(fuel()).added_t) == pytest.approx(30.96, abs=0.01)
    assert summed(fuel(amount="10000", unit="L", density_kg_per_l="0.84")).added_t == \
        Fraction(84, 100) * summed(fuel()).added_t
    assert summed(fuel()).added_tce == 10 * CARRIERS["diesel"].tce
    both = summed(fuel(), fuel(carrier="raw_coal", amount=1))  # of one account on the same days
    assert both.added_t == summed(fuel()).added_t + CARRIERS["raw_coal"].co2_t


@pytest.mark.parametrize(("more", "said"), [
    ({"unit": "L"}, "unit: found 'L', expected t, the unit of diesel; litres need "
                    "density_kg_per_l"),
    ({"unit": "kg"}, "unit: found 'kg', expected t, the unit of diesel"),
    ({"unit": "L", "density_kg_per_l": 840}, "density_kg_per_l: found '840', expected 0.5 .. 2 kg "
                                             "a litre"),
    ({"carrier": "petrol"}, "carrier: found 'petrol', expected one of natural_gas diesel raw_coal "
                            "heat heat_newer"),
])
def test_another_unit_is_no_unit(more, said):
    with pytest.raises(DocumentError) as error:
        summed(fuel(**more))
    assert str(error.value).partition(": ")[2] == said


def test_what_is_measured_already_or_of_another_gas_is_left_out_aloud():
    found = summed(fuel(use="generation"), stated("process", gas="CH4", t=5),
                   stated("process", "kiln", gas="CO2", t="1.5"),
                   certificate("1", 10, from_storage="yes"))
    assert found.added_t == Fraction(3, 2)
    assert found.certified_wh == 0
    assert len(found.left_out) == 3
    assert summed(certificate("1", 10, from_storage="yes"),
                  method=Method(certificates_of_stored=True)).certified_wh == 10_000


def test_heat_has_the_factor_that_the_method_says():
    assert summed(stated("heat", gj=100)).added_t == 11
    assert summed(stated("heat", gj=100), method=Method(heat="heat_newer")).added_t == 6


COMMON = {"account": "a", "first": "2026-01-01", "last": "2026-01-01", "source": "s"}
BODIES = [{"subject": "certificate", "registry": "cn", "certificates": ["1"], "kwh": 1, "hour": 3,
           "from_storage": "no"},
          {"subject": "fuel", "carrier": "diesel", "amount": "1.5", "unit": "t"},
          {"subject": "water", "fresh_m3": 1, "reused_m3": "2.5"},
          {"subject": "solid_waste", "produced_t": 2, "used_t": 1}]


@given(st.data(), st.sampled_from(BODIES))
def test_a_body_that_is_anything_is_read_or_refused_in_one_way(data, special):
    body = copy.deepcopy({**COMMON, **special})
    change(data.draw, body)
    said = ""
    try:
        summed(statement.read(Document("statement", ISSUED, body)))
    except DocumentError as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize(("body", "said"), [
    ({"subject": "gold"}, "statement: subject: found 'gold', expected one of certificate bill "
                          "process fuel heat waste_heat water solid_waste"),
    ({"subject": "waste_heat", "available_gj": 1, "used_gj": 2},
     "statement: used_gj: found '2', expected at most available_gj, 1"),
    ({"subject": "bill", "kwh": 1, "first": "2026-02-30"},
     "statement: first: found '2026-02-30', expected a date from 2000 to 2199, "
     "e.g. 2026-01-31"),
    ({"subject": "bill", "kwh": 1, "last": "2025-12-31"},
     "statement: last: found '2025-12-31', expected a day from 2026-01-01 on"),
    ({"subject": "bill", "kwh": "1,5"}, "statement: kwh: found '1,5', expected an amount, exact, "
                                        'e.g. "12.5", at most nine decimals'),
])
def test_a_mistake_is_one_line(body, said):
    with pytest.raises(DocumentError) as error:
        statement.read(Document("statement", ISSUED, {
            **COMMON, "last": "2026-01-31", **body}))
    assert str(error.value) == said
