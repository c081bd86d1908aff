"""Tariff files: 24 hours without a hole, exact prices, mistakes told."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import tariff
from boards.shapes import Findings

HEAD = 'name = "t"\ncurrency = "CNY"\ndemand_price = 40.0\nexport_price = 0.0\n'
DAYS = st.lists(st.integers(1, 95), unique=True, max_size=12).map(
    lambda cuts: [0, *sorted(cuts), 96])
PRICES = st.integers(-4_000_000, 4_000_000)


def clock(slot: int) -> str:
    return f"{slot // 4:02d}:{slot % 4 * 15:02d}"


def read(text: str) -> tuple[tariff.Tariff | None, list[str]]:
    findings = Findings("t.toml")
    found = tariff.parse(tomllib.loads(text, parse_float=Decimal), findings)
    return found, findings.lines


def periods(cuts: list[int], prices: list[int]) -> list[str]:
    return [f'["{clock(start)}", "{clock(end)}", {Decimal(price) / 10_000:f}]'
            for start, end, price in zip(cuts, cuts[1:], prices, strict=False)]


@given(DAYS, st.data())
def test_every_quarter_hour_has_the_price_of_its_period(cuts, data):
    prices = data.draw(st.lists(PRICES, min_size=len(cuts) - 1, max_size=len(cuts) - 1))
    entries = data.draw(st.permutations(periods(cuts, prices)))
    found, lines = read(HEAD + f"periods = [{', '.join(entries)}]")
    assert lines == []
    assert found is not None
    expected = [price for start, end, price in zip(cuts, cuts[1:], prices, strict=False)
                for _ in range(start, end)]
    assert list(found.prices_e4) == expected
    assert found.demand_e4 == 400_000


@given(DAYS.filter(lambda cuts: len(cuts) > 2), st.data())
def test_a_hole_is_found(cuts, data):
    entries = periods(cuts, [5000] * (len(cuts) - 1))
    lost = data.draw(st.integers(0, len(entries) - 1))
    del entries[lost]
    found, lines = read(HEAD + f"periods = [{', '.join(entries)}]")
    assert found is None
    assert lines == [f't.toml: periods: found "no price {clock(cuts[lost])} - '
                     f'{clock(cuts[lost + 1])}", expected a price for every quarter-hour from '
                     "00:00 to 24:00"]


@given(DAYS, st.integers(0, 95), st.integers(1, 96))
def test_an_overlap_is_found(cuts, start, length):
    entries = periods(cuts, [5000] * (len(cuts) - 1))
    entries.append(f'["{clock(start)}", "{clock(min(start + length, 96))}", 1]')
    found, lines = read(HEAD + f"periods = [{', '.join(entries)}]")
    assert found is None
    assert lines == [f't.toml: periods[{len(entries) - 1}]: found "{clock(start)} - '
                     f'{clock(min(start + length, 96))}", expected times that no other period has']


@pytest.mark.parametrize(("period", "line"), [
    ('["22:00", "06:00", 1]', 'periods[0]: found ["22:00", "06:00", 1], expected an end after the '
                              "start; split a period at midnight"),
    ('["00:00", "24:10", 1]', 'periods[0]: found "24:10", expected a quarter-hour "00:00" .. '
                              '"24:00"'),
    ('["00:00", "07:50", 1]', 'periods[0]: found "07:50", expected a quarter-hour "00:00" .. '
                              '"24:00"'),
    ('["0:00", "24:00", 1]', 'periods[0]: found "0:00", expected a quarter-hour "00:00" .. '
                             '"24:00"'),
    ('["00:00", "24:00", 0.12345]', "periods[0]: found 0.12345, expected a price -400 .. 400 "
                                    "with at most four decimals"),
    ('["00:00", "24:00", nan]', "periods[0]: found NaN, expected a price -400 .. 400 with at "
                                "most four decimals"),
    ('["00:00", "24:00"]', 'periods[0]: found ["00:00", "24:00"], expected ["HH:MM", "HH:MM", '
                           "price per kWh]"),
])
def test_a_wrong_period_is_told(period, line):
    found, lines = read(HEAD + f"periods = [{period}]")
    assert found is None
    assert lines == [f"t.toml: {line}"]


@pytest.mark.parametrize(("change", "line"), [
    (('currency = "CNY"', 'currency = "yuan"'),
     'currency: found "yuan", expected an ISO 4217 code, e.g. CNY'),
    (("demand_price", "demand_prize"),
     'demand_prize: unknown key, expected one of 17 names; did you mean "demand_price"?'),
    (('name = "t"', 'name = "t"\nvalid_from = 2026-01-01\nvalid_to = 2025-01-01'),
     'valid_to: found "2025-01-01", expected a date not before valid_from = 2026-01-01'),
])
def test_a_wrong_key_is_told(change, line):
    found, lines = read((HEAD + 'periods = [["00:00", "24:00", 1]]').replace(*change))
    assert found is None
    assert f"t.toml: {line}" in lines


def test_shipped_tariffs_are_whole_and_say_what_they_are():
    assert tariff.shipped() == ["cn_guangdong.toml", "cn_jiangsu.toml", "cn_two_part.toml",
                                "de_flat.toml", "de_rlm.toml", "us_california.toml"]
    for name in tariff.shipped():
        findings = Findings(name)
        found = tariff.read(tariff.FOLDER / name, findings)
        assert findings.lines == []
        assert found is not None
        assert found.illustrative
        assert "illustrative" in found.source
        assert found.valid_from is not None
        assert found.valid_to is not None
        assert found.demand_e4 > 0


@pytest.mark.parametrize("content", [b"\xff", b"a = [", b"a = 1e99999999999999999999", b"[[[["])
def test_an_unreadable_file_is_one_line(content, tmp_path: Path):
    path = tmp_path / "t.toml"
    path.write_bytes(content)
    findings = Findings("t.toml")
    assert tariff.read(path, findings) is None
    assert all(line.startswith("t.toml: ") for line in findings.lines)
    assert findings.lines


@pytest.mark.parametrize("name", ["..", "", "\0", "x" * 5000, "no/such/folder.toml"])
def test_a_name_no_file_can_have_is_not_found(name, tmp_path: Path):
    assert tariff.find(name, tmp_path) is None
