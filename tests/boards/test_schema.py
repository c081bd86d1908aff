"""The schema for editors and the validator say the same of each key."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from boards.schema import schema
from tests.boards.sites import DEPOT, FOUNDRY, MILL, OFFICE, judge
from tests.boards.test_site_robust import toml

SCHEMA = schema()
VALIDATOR = Draft4Validator(SCHEMA)


def told(raw: dict[str, Any]) -> tuple[bool, tuple[str, ...]]:
    """What the validator says of a site given as objects."""
    text = "\n".join(f"{toml(key)} = {toml(value)}" for key, value in raw.items())
    assert tomllib.loads(text) == raw
    errors = judge(text).errors
    return not errors, errors


def test_it_is_a_draft_4_schema():
    Draft4Validator.check_schema(SCHEMA)
    assert "const" not in json.dumps(SCHEMA)


@pytest.mark.parametrize("path", [FOUNDRY, OFFICE, DEPOT, MILL])
def test_the_examples_pass_both(path):
    raw = tomllib.loads(path.read_text("utf-8"))
    assert list(VALIDATOR.iter_errors(raw)) == []
    assert told(raw)[0]


def tables(raw: Any, trail: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where the tables of a site are."""
    if isinstance(raw, list):
        return [place for number, entry in enumerate(raw)
                for place in tables(entry, (*trail, number))]
    if not isinstance(raw, dict):
        return []
    return [trail, *(place for key, value in raw.items() for place in tables(value, (*trail, key)))]


@given(st.data())
@settings(max_examples=150)
def test_what_is_wrong_with_one_key_is_wrong_in_both(data):
    path = data.draw(st.sampled_from([FOUNDRY, OFFICE, DEPOT, MILL]))
    raw = tomllib.loads(path.read_text("utf-8"))
    place = data.draw(st.sampled_from([trail for trail in tables(raw) if trail]))
    table: Any = raw
    for step in place:
        table = table[step]
    wrong = data.draw(st.sampled_from(["unknown", "kind", "huge", "lost"]))
    keys = [key for key in sorted(table) if not isinstance(table[key], dict)]
    if wrong == "unknown" or not keys:
        table["zzz_zzz"] = 1
    else:
        key = data.draw(st.sampled_from(keys))
        if wrong == "kind":
            table[key] = data.draw(st.sampled_from([True, 1.5, [1], {"a": 1}]))
        elif wrong == "huge":
            table[key] = 10**15 if isinstance(table[key], int) else 7.5
        else:
            del table[key]
    schema_ok = VALIDATOR.is_valid(raw)
    ours_ok, errors = told(raw)
    if wrong == "lost" and schema_ok:
        return  # a key with a default; what follows from the default is a matter between keys
    assert schema_ok == ours_ok, errors
