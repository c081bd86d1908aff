"""What a gateway tells at its start, and what is made of what it should not tell."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.image import compile_site
from cloud_bridge.queries.births import Birth
from edge import journal
from edge.site import Site
from edge.uplink import birth
from tests.boards.sites import valid


def test_what_a_gateway_tells():
    image = compile_site(valid())
    told = Birth.read(3, birth(Site(image), image["telemetry"]["period_s"]))
    assert (told.seq, told.fields) == (3, journal.FIELDS)
    assert told.rules == tuple(Site(image).rule_names)
    assert (told.period_s, told.hold_s) == (15, 17)


@pytest.mark.parametrize("name", ["=cmd()", "<b>", "../x", "Grid_w", "", "a" * 33, 7, None, "a\n"])
def test_a_name_that_is_none_is_not_told(name):
    told = Birth.read(1, msgpack.packb({"fields": ["day", "second", name], "rules": [name]}))
    assert (told.fields, told.rules) == ((), ())
    assert told.of(3).fields == ("day", "second", "field_2")


def test_a_name_told_twice_is_none():
    assert Birth.read(1, msgpack.packb({"fields": ["day", "second", "a", "a"]})).fields == ()


@given(st.binary(max_size=60) | st.builds(msgpack.packb, st.dictionaries(
    st.sampled_from(["fields", "rules", "beat_s", "period_s"]),
    st.none() | st.booleans() | st.integers(-9, 1 << 40) | st.text(max_size=3) |
    st.lists(st.text(max_size=3), max_size=3))))
def test_whatever_comes_is_read(body):
    told = Birth.read(1, body)
    assert 0 < told.period_s < told.hold_s <= 3_720
    assert len(told.of(5).fields) == 5
