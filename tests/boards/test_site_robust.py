"""Whatever a site file holds, it is judged: no exception, and every error one readable line."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from boards.site import check_bytes
from tests.boards.sites import DEPOT, FOUNDRY, OFFICE, TODAY, judge

TEXT = FOUNDRY.read_text(encoding="utf-8")
LINES = [line for path in (FOUNDRY, OFFICE, DEPOT) for line in path.read_text("utf-8").splitlines()]
VALUES = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.text(), st.datetimes(), st.dates(),
    st.sampled_from(["400 kWh", "5 %", "-1 W", "1e999 kW", "..", "/", "\0", "Asia", "../Asia"]),
    st.lists(st.integers(), max_size=3), st.just({}), st.just([{}]))


def survives(content: bytes) -> None:
    checked = check_bytes(content, FOUNDRY, TODAY)
    assert bool(checked.errors) != (checked.site is not None)
    for line in (*checked.errors, *checked.warnings):
        assert line.isprintable()
        assert re.match(r"[a-z0-9_.-]+\.toml: ", line)


def toml(value: Any) -> str:
    """A value in TOML; what it has no words for becomes a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(part)}" for key, part in value.items()) \
            + "}"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, int | float):
        return str(value)
    escaped = "".join(mark if mark.isalnum() and mark.isascii() else f"\\U{ord(mark):08x}"
                      for mark in value if not 0xD800 <= ord(mark) <= 0xDFFF)
    return f'"{escaped}"'


@given(st.data())
@settings(max_examples=100)
def test_bytes_changed_anywhere(data):
    content = bytearray(TEXT.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at:at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    survives(bytes(content))


@given(st.data())
@settings(max_examples=100)
def test_lines_lost_doubled_and_moved(data):
    lines = data.draw(st.lists(st.sampled_from(LINES), max_size=60))
    survives("\n".join(lines).encode())


@given(st.data())
@settings(max_examples=120)
def test_any_value_under_any_key(data):
    raw = tomllib.loads(data.draw(st.sampled_from([TEXT, DEPOT.read_text("utf-8")])))
    for _ in range(data.draw(st.integers(1, 3))):
        table = raw
        name = data.draw(st.sampled_from(sorted(table)))
        while isinstance(table[name], dict | list) and table[name] and data.draw(st.booleans()):
            table = table[name] if isinstance(table[name], dict) else \
                data.draw(st.sampled_from(table[name]))
            if not isinstance(table, dict) or not table:
                return
            name = data.draw(st.sampled_from(sorted(table)))
        key = name if data.draw(st.booleans()) else data.draw(st.text(min_size=1, max_size=8))
        table[key] = data.draw(VALUES)
    survives("\n".join(f"{toml(key)} = {toml(value)}" for key, value in raw.items()).encode())


def test_deep_nesting_is_refused_in_one_line():
    survives(b"a = " + b"[" * 100_000)
    survives(("a" + ".a" * 2000 + " = 1").encode())
    survives(("battery.capacity_wh" + ".a" * 2000 + " = 1").encode())
    survives(b"a = " + b"9" * 100_000)


def test_a_line_is_never_longer_than_a_screen():
    checked = judge(TEXT.replace("sliding = 0", 'sliding = "' + "x" * 5000 + '"'))
    assert max(map(len, checked.errors)) <= 400


def test_a_byte_order_mark_is_passed_over_and_what_is_no_text_is_named():
    assert judge(b"\xef\xbb\xbf" + TEXT.encode()).errors == ()
    assert judge(TEXT.encode("utf-16")).errors == (
        "site.toml: not TOML: byte 1 is not UTF-8 text",)
