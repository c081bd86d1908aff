"""Whatever stands in a tariff file: it is read, or each mistake is one line, and nothing breaks."""

from __future__ import annotations

import copy
import datetime
import tomllib
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from boards import tariff, tariff_words
from boards.shapes import Findings

JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-10**12, 10**12), st.decimals(), st.text(max_size=8),
    st.dates(), st.just([]), st.just({}), st.lists(st.integers(), max_size=3),
    st.lists(st.lists(st.text(max_size=5), max_size=4), max_size=3),
    st.dictionaries(st.text(max_size=6), st.one_of(st.integers(), st.text(max_size=4), st.none()),
                    max_size=3))


def whole(name: str) -> dict[str, Any]:
    return tomllib.loads((tariff.FOLDER / name).read_text(encoding="utf-8"), parse_float=Decimal)


def places(raw: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value of a file."""
    inside = raw.items() if isinstance(raw, dict) else enumerate(raw) \
        if isinstance(raw, list) else ()
    return [path, *(deeper for key, value in inside for deeper in places(value, (*path, key)))]


@given(st.data(), st.sampled_from(tariff.shipped()))
def test_a_value_that_is_anything(data, name):
    raw = whole(name)
    path = data.draw(st.sampled_from(places(raw)[1:]))
    changed = copy.deepcopy(raw)
    at = changed
    for key in path[:-1]:
        at = at[key]
    if data.draw(st.booleans()):
        at[path[-1]] = data.draw(JUNK)
    else:
        del at[path[-1]]
    judged(changed)


@given(st.dictionaries(st.sampled_from(list(tariff._SHAPES)), JUNK))
def test_a_file_that_is_anything(raw):
    judged(raw)


def judged(raw: dict[str, Any]) -> None:
    findings = Findings("t.toml")
    found = tariff.parse(raw, findings)
    assert (found is None) == bool(findings.lines)
    assert all(line.startswith(("t.toml: ", "holidays/"))
               for line in findings.lines)
    if found is not None:
        first = found.valid_from or datetime.date(2025, 1, 1)
        made = found.image(first)
        assert ("days" in made) != ("prices_e4" in made)
        assert tariff_words.structure(found)
        assert list(tariff_words.gaps(found, first)) is not None
