"""Quarter-hours: read whole or refused, counted once; what is stored keeps its origin."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cloud_bridge.carbon.measure import load_ug, measure
from cloud_bridge.carbon.quarters import BATTERY, SOURCES, Quarter, parse, read
from cloud_bridge.fields import DocumentError
from tests.carbon.papers import FIRST, JUNK, quarter, quarters, shipped

SET = shipped()


@given(quarters())
@settings(max_examples=20)
def test_records_with_all_sources_are_taken_whole(rows):
    for one in rows:
        assert sum(one.taken(source) for source in range(len(SOURCES))) == \
            sum(one.given(sink) for sink in range(3))
        assert sum(one.stored) == one.flows[BATTERY][0]
        raw = {"index": one.index, "flows": [list(row) for row in one.flows],
               "stored": list(one.stored), "minutes": one.minutes}
        assert read(raw) == one


def test_a_quarter_counts_once():
    with pytest.raises(DocumentError, match=f"index: found {FIRST}, expected {FIRST + 1} or more"):
        measure([quarter(FIRST, 1), quarter(FIRST, 1)], SET, FIRST, FIRST + 2)
    line = b'{"index":1,"flows":[[1,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0]],"stored":[0,0,0,0,0],' \
           b'"minutes":15}'
    with pytest.raises(DocumentError, match="q: line 2: index: found 1, expected 2 or more"):
        list(parse([line, line], "q"))


def test_a_gap_is_one_record_and_counts_where_it_ends():
    rows = [quarter(FIRST, 10), quarter(FIRST + 4, 70, span=4, minutes=9), quarter(FIRST + 5, 5)]
    measured = measure(rows, SET, FIRST, FIRST + 6)
    assert (measured.load_wh, measured.quarters, measured.minutes) == (85, 6, 39)
    assert measure(rows, SET, FIRST, FIRST + 3).load_wh == 10
    assert measure(rows, SET, FIRST + 3, FIRST + 6).complete == Fraction(24, 45)
    rows[1] = replace(rows[1], minutes=50)
    assert measure(rows, SET, FIRST + 4, FIRST + 5).complete == 1
    with pytest.raises(DocumentError, match=f"expected {FIRST + 4} or more"):
        measure([rows[0], quarter(FIRST + 3, 1, span=4)], SET, FIRST, FIRST + 6)


def test_stored_energy_has_the_factor_of_its_origin():
    row = quarter(FIRST, flows=((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), (100, 0, 0)),
                  stored=(60, 30, 0, 0, 10))
    assert load_ug(row, SET) == 70 * 832_500
    told = replace(row, load_ug={SET.id.hex(): 7})
    assert load_ug(told, SET) == 7
    hourly = replace(SET, factors=tuple(replace(one, mg_per_kwh=one.mg_per_kwh * 24)
                                        if one.energy == "grid" else one for one in SET.factors))
    with pytest.raises(DocumentError, match="expected load_ug"):
        load_ug(row, hourly)


@given(st.lists(JUNK.map(str) | st.text(max_size=30), max_size=3))
def test_lines_that_are_anything_are_refused_in_one_way(lines):
    assume(lines)
    with pytest.raises(DocumentError, match=r"^q: line 1: "):
        list(parse([line.encode("utf-16") for line in lines], "q"))
    with pytest.raises(DocumentError, match=r"^q: line 1: "):
        list(parse([line.encode("utf-8", "surrogatepass") for line in lines], "q"))


@pytest.mark.parametrize(("change", "said"), [
    ({"stored": [1, 0, 0, 0, 0]}, "quarter: stored: found [1, 0, 0, 0, 0], expected the sum 0, "
                                  "what the battery gave to the load"),
    ({"lines": {"press": 2}}, "quarter: lines: found {'press': 2}, expected no more than the load "
                              "in all"),
    ({"flows": [[1, 0, 0]] * 4}, "quarter: flows: found [[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, "
                                 "0]], expected a list of 1 .. 5 rows, one of each of grid pv "
                                 "direct gen battery"),
    ({"flows": [[0, 0, 0]] * 4 + [[0, 0, 1]]}, "quarter: flows: found [0, 0, 1], expected nothing "
                                               "from the battery to the battery"),
    ({"index": 2**31}, "quarter: index: found 2147483648, expected a whole number 0 .. 7000000"),
    ({"minutes": 16}, "quarter: minutes: found 16, expected a whole number 0 .. 15"),
])
def test_a_quarter_that_cannot_be_is_one_line(change, said):
    raw = {"index": FIRST, "flows": [[1, 0, 0]] + [[0, 0, 0]] * 4, "stored": [0] * 5,
           "minutes": 15}
    assert isinstance(read(raw), Quarter)
    with pytest.raises(DocumentError) as error:
        read({**raw, **change})
    assert str(error.value) == said
