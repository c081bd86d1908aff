"""Why: the words of a row, which row is told, and what is said when there is none."""

from __future__ import annotations

from array import array
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import why
from boards.journal_file import Header
from boards.local_time import TimeError
from boards.site_tables import rules
from boards.why_words import meaning, power
from edge import journal
from edge.gate import WORDS
from edge.snapshot import FAULT, NEVER_MS, STORE_FRESH, TRUSTED, UNPRICED, UNPUSHED
from tests.boards.rows import DAY, WELL, by, header, row, write

# 10:05:00 in Shanghai
AT = {"day": DAY, "second": 2 * 3600 + 300}
SHAVING = row(**AT, grid_w=431_000, grid_age_ms=300, store_w=38_000, store_age_ms=250, soc_pm=710,
              soc_age_ms=4200, pv_w=88_000, pv_age_ms=1900, net_w=469_000, lo_w=40_000,
              lo_by=by("demand"), hi_w=180_000, hi_by=by("device"), chosen_w=40_000,
              command_w=40_000, target_w=450_000, hold_w=431_000)


def told(one: object, tmp_path: Path, **settings: object) -> list[str]:
    head = replace(header(), **settings)  # type: ignore[arg-type]
    path = write(tmp_path / "a.journal", [one], head)  # type: ignore[list-item]
    return why.text(why.find(path)).splitlines()


def test_a_second_in_words(tmp_path: Path):
    assert told(SHAVING, tmp_path) == [
        "2025-11-22 10:05:00 +0800  demo/foundry",
        "  discharge at least 40 kW     demand: the window may still import 71.8 kWh at a mean of "
        "431 kW until 10:15; target 450 kW",
        "  discharge at most 180 kW     device: the battery takes 180 kW and gives 180 kW now",
        "  chosen   discharge 40 kW",
        "  gate     passed unchanged",
        "  sent     discharge 40 kW",
        "  knew     grid 431 kW, 0.3 s old",
        "  knew     battery 38 kW, 0.2 s old",
        "  knew     state of charge 71.0 %, 4.2 s old",
        "  knew     PV 88 kW, 1.9 s old",
        "  price    0.0000 a kWh",
        "  instead  not told: the quarter-hour 10:00 - 10:15 is not whole in this journal, or was "
        "not all measured",
    ]


def test_a_price_that_is_not_the_days_own_is_told(tmp_path: Path):
    flags = WELL | UNPRICED
    said = told(row(**AT, flags=flags, price_e4=6724), tmp_path)
    assert said[-3:-1] == [
        "  price    0.6724 a kWh",
        "  price    the tariff is not valid today: its last prices go on, nothing is traded"]
    said = told(row(**AT, flags=WELL | UNPUSHED), tmp_path)
    assert said[-2] == ("  price    today's prices were to be pushed and did not come: the "
                        "calendar's go on")


@pytest.mark.parametrize(("fields", "line"), [
    ({"lo_w": -25_000, "lo_by": by("contract"), "net_w": 535_000},
     "charge at most 25 kW         contract: without the battery the grid would carry 535 kW, "
     "allowed are 560 kW"),
    ({"lo_w": -25_000, "lo_by": by("contract"), "net_w": 595_000, "hi_w": -25_000},
     "charge at most 25 kW         contract: without the battery the grid would carry 595 kW"),
    ({"hi_w": 0, "hi_by": by("reserve"), "soc_pm": 100},
     "no discharging               reserve: state of charge 10.0 %, at or below the lower end of "
     "the window the park keeps"),
    ({"lo_w": 0, "lo_by": by("reserve"), "soc_pm": 901},
     "no charging                  reserve: state of charge 90.1 %, at or above the upper end of "
     "the window the park keeps"),
    ({"lo_w": -144_000, "lo_by": by("reserve"), "soc_pm": 899},
     "charge at most 144 kW        reserve: state of charge 89.9 %, so near the upper end of the "
     "window the park keeps that a beat may move no more"),
    ({"hi_w": 49_400, "hi_by": by("export"), "net_w": 49_400},
     "discharge at most 49.4 kW    export: without the battery the grid would carry 49.4 kW, and "
     "nothing may be exported"),
    ({"hi_w": -20_000, "hi_by": by("export"), "net_w": -80_000},
     "charge at least 20 kW        export: without the battery 80 kW would be exported, and no "
     "more than 60 kW may be"),
    ({"hi_w": -12_500, "hi_by": by("self_use"), "net_w": -12_500},
     "charge at least 12.5 kW      self_use: a surplus of 12.5 kW stays in the park"),
    ({"lo_w": 30_000, "lo_by": by("tariff"), "price_e4": 10_856},
     "discharge at least 30 kW     tariff: the plan discharges: used now, at 1.0856 a kWh, the "
     "energy counts for more than kept"),
    ({"lo_w": 0, "lo_by": by("tariff"), "price_e4": 10_856, "hi_w": 0, "hi_by": by("reserve")},
     "no charging                  tariff: the plan would discharge: used now, at 1.0856 a kWh, "
     "the energy counts for more than kept"),
    ({"hi_w": -7700, "hi_by": by("tariff"), "price_e4": 10_856, "net_w": 400_000},
     "charge at least 7.7 kW       tariff: the plan charges, at 1.0856 a kWh, to have the energy "
     "at a dearer hour or against a peak of demand"),
    ({"hi_w": 0, "hi_by": by("tariff"), "price_e4": 6724, "lo_w": 0, "lo_by": by("demand")},
     "no discharging               tariff: the plan would charge, at 0.6724 a kWh, to have the "
     "energy at a dearer hour or against a peak of demand"),
    ({"hi_w": -12_500, "hi_by": by("tariff"), "net_w": -12_500},
     "charge at least 12.5 kW      tariff: the plan stores the surplus of 12.5 kW"),
    ({"lo_w": 30_000, "lo_by": by("demand"), "net_w": 380_000, "hold_w": 390_000,
      "target_w": 400_000},
     "discharge at least 30 kW     demand: the window may still import 65 kWh at a mean of 390 kW "
     "until 10:15; target 400 kW; the load is expected to rise as in the last window"),
    ({"lo_w": 30_000, "lo_by": by("demand"), "hold_w": -5000, "target_w": 400_000},
     "discharge at least 30 kW     demand: the window has used up its target of 400 kW already; it "
     "ends at 10:15"),
    ({"hi_w": 0, "hi_by": by("fresh"), "lo_w": 0, "lo_by": by("fresh"),
      "flags": WELL & ~STORE_FRESH & ~TRUSTED, "store_age_ms": 7200},
     "no discharging               fresh: not to be trusted: converter 7.2 s old"),
    ({"hi_w": 0, "hi_by": by("fresh"), "flags": WELL & ~TRUSTED},
     "no discharging               fresh: all readings are fresh again, but not for long enough "
     "yet"),
    ({"hi_w": 0, "hi_by": 12}, "no discharging               rule 12: a rule this version does "
                               "not know"),
])
def test_bounds_in_words(fields, line, tmp_path: Path):
    assert "  " + line in told(row(**AT, **fields), tmp_path)


@pytest.mark.parametrize(("fields", "line"), [
    ({"chosen_w": 90_000, "command_w": 60_000, "verdict": WORDS.index("step limit")},
     "cut to 60 kW: step limit"),
    ({"chosen_w": 90_000, "command_w": 0, "verdict": WORDS.index("stale reading")},
     "cut to 0 W: stale reading"),
    ({"chosen_w": 90_000, "command_w": 50_000}, "passed, but the battery gives only 50 kW now"),
    ({"chosen_w": -90_000, "command_w": -50_000}, "passed, but the battery takes only 50 kW now"),
    ({"verdict": 7, "flags": WELL | FAULT}, "internal fault"),
])
def test_the_gate_in_words(fields, line, tmp_path: Path):
    assert f"  gate     {line}" in told(row(**AT, **fields), tmp_path)


def test_a_sliding_window_has_no_end_to_name(tmp_path: Path):
    assert told(SHAVING, tmp_path, sliding=1)[1].endswith(
        "demand: a mean of 431 kW keeps the window at its target of 450 kW")


def test_what_was_never_read_is_said(tmp_path: Path):
    assert "  knew     PV: never read" in told(row(**AT, pv_age_ms=NEVER_MS), tmp_path)


@given(st.lists(st.integers(-(1 << 31), (1 << 31) - 1), min_size=33, max_size=33),
       st.integers(0, 12_000), st.integers(0, 86_399))
def test_any_row_can_be_told(values, day, second):
    known = dict(zip(journal.FIELDS, [day, second, *values], strict=True))
    one = why.Second((day, second), known, header())
    assert why.text(one)
    said = why.explain(one)
    assert said["low"]["w"] == known["lo_w"]
    assert said["high"]["w"] == known["hi_w"]


def test_every_rule_has_words():
    head = Header(journal.FIELDS, ("device", *rules()), "", 1)
    known = dict(zip(journal.FIELDS, row(), strict=True))
    for name in head.rules:
        assert "does not know" not in meaning(name, known, head, "lo")
        assert "does not know" not in meaning(name, known, head, "hi")


@given(st.integers(-8_000_000, 8_000_000))
def test_a_power_is_told_to_a_tenth(w):
    number, unit = power(w).split(" ")
    assert abs(float(number) * {"W": 1, "kW": 1000}[unit] - w) <= 50


def test_a_second_without_a_row_gets_the_last_one_before(tmp_path: Path):
    path = write(tmp_path / "a.journal", [row(second=at) for at in (0, 15, 30)])
    second = why.find(path, "08:00:29")
    assert second.row["second"] == 15
    assert second.age_s == 14
    assert "  no row for 2025-11-22T08:00:29+08:00: this one is 14 s older" in why.text(second)
    assert why.find(path).row["second"] == 30
    assert "no row" not in why.text(why.find(path, "08:00:15"))


def test_a_folder_is_searched_over_all_its_files(tmp_path: Path):
    for number, seconds in enumerate(((0, 10), (20, 30), ())):
        write(tmp_path / f"{number}.journal", [row(second=at) for at in seconds])
    assert why.find(tmp_path).row["second"] == 30
    assert why.find(tmp_path, "08:00:25").row["second"] == 20
    assert why.find(tmp_path, "08:00:19").row["second"] == 10


def test_rows_of_another_version_are_refused_in_one_line(tmp_path: Path):
    head = Header(("day", "second", "grid_w"), ("device",), "00", 1)
    path = write(tmp_path / "a.journal", [array("i", [DAY, 0, 7])], head)
    with pytest.raises(why.JournalError, match="do not say flags lo_w"):
        why.find(path)


def test_before_the_first_row_there_is_nothing_to_tell(tmp_path: Path):
    path = write(tmp_path / "a.journal", [row(second=100)])
    with pytest.raises(why.JournalError, match="begins only at 2025-11-22 08:01:40"):
        why.find(path, "2025-11-22T08:00")
    with pytest.raises(why.JournalError, match="no journal rows"):
        why.find(write(tmp_path / "b.journal", []))
    with pytest.raises(TimeError):
        why.find(path, "noon")
