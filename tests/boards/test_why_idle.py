"""What idling would have cost: by hand, and against a run of the same day without the battery."""

from __future__ import annotations

import csv
from array import array
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from boards import why
from boards.journal_file import Header
from boards.why_idle import Idle
from hil.__main__ import main
from tests.boards.rows import DAY, WELL, header, row, write
from tests.boards.sites import FOUNDRY

# 10:00 .. 10:15 in Shanghai, a row a minute; 42 a kW, 0.33 a kWh at the cheapest, 90 % and back
START_S = 2 * 3600
HEAD = replace(header(), beat_s=60, demand_e4=420_000, cheapest_e4=3000, efficiency_pm=900,
               factor=500_000)


def quarter(start_s: int = START_S, **fields: int) -> list[array[int]]:
    return [row(DAY, start_s + 60 * number, **fields) for number in range(15)]


def idle(tmp_path: Path, rows: list[array[int]], at: str = "10:05", head: Header = HEAD) -> Idle:
    found = why.find(write(tmp_path / "a.journal", rows, head), at).idle
    assert isinstance(found, Idle), found
    return found


DISCHARGING = {"grid_w": 400_000, "store_w": 40_000, "price_e4": 10_000, "peak_w": 410_000}


def test_a_discharge_that_kept_the_peak_down(tmp_path: Path) -> None:
    """40 kW for a quarter of an hour: 10 kWh, and 30 kW more than the month's peak."""
    found = idle(tmp_path, quarter(**DISCHARGING))
    assert (found.mean_w, found.idle_mean_w) == (400_000, 440_000)
    assert (found.peak_w, found.idle_peak_w) == (410_000, 440_000)
    assert found.demand == pytest.approx(30 * 42)
    assert found.energy_kwh == pytest.approx(10)
    assert found.energy == pytest.approx(10)
    assert found.kept == pytest.approx(10 / 0.9 * 0.3)
    assert found.carbon_kg == pytest.approx((10 - 10 / 0.9) * 0.5)
    assert found.total == pytest.approx(1260 + 10 - 3.3333, abs=1e-3)


def test_a_battery_left_idle_does_not_age(tmp_path: Path) -> None:
    found = idle(tmp_path, quarter(**DISCHARGING), head=replace(HEAD, wear_e4=2000))
    assert found.wear == pytest.approx(10 * 0.2)
    assert found.total == pytest.approx(1260 + 10 - 3.3333 - 2, abs=1e-3)
    second = why.find(write(tmp_path / "a.journal", quarter(**DISCHARGING),
                            replace(HEAD, wear_e4=2000)), "10:05")
    assert "  instead  the battery would have aged 2.00 CNY less" in why.text(second)


def test_it_is_told_in_words(tmp_path: Path) -> None:
    second = why.find(write(tmp_path / "a.journal", quarter(**DISCHARGING), HEAD), "10:05")
    assert [line for line in why.text(second).splitlines() if "instead" in line] == [
        "  instead  10:00 - 10:15 with the battery idle, all else as it went: mean import 440 kW, "
        "was 400 kW",
        "  instead  the month's peak of 410 kW (known until 2025-11-22 10:14) would be 440 kW, at "
        "42.0000 a kW: 1260.00 CNY more",
        "  instead  import 10.00 kWh more: 10.00 CNY more; what the store would have kept is worth "
        "3.33 at the cheapest price, 0.3000, through the losses",
        "  instead  in all 1266.67 CNY more and 0.56 kg CO2 less"]
    assert why.explain(second)["idle"]["total"] == pytest.approx(1266.667, abs=1e-3)


def test_the_cheapest_price_is_that_of_the_last_day(tmp_path: Path) -> None:
    """Where the journal holds it: a season's, or a pushed one, and not the whole tariff's."""
    rows = [row(DAY - 1 + second // 86_400, second % 86_400, price_e4=5000 if second % 86_400 < 900
                else 8000) for second in range(START_S, 86_400 + START_S + 900, 60)]
    rows[-15:] = quarter(**DISCHARGING)
    assert idle(tmp_path, rows).kept == pytest.approx(10 / 0.9 * 0.5)
    assert idle(tmp_path, rows[60:]).kept == pytest.approx(10 / 0.9 * 0.3)  # not a whole day


def test_charges_by_the_hour_are_not_guessed(tmp_path: Path) -> None:
    head = replace(HEAD, charges=1)
    second = why.find(write(tmp_path / "a.journal", quarter(**DISCHARGING), head), "10:05")
    assert why.text(second).splitlines()[-1] == (
        "  instead  not told: demand has charges of its own for some hours, and a row does not say "
        "which")


def test_a_peak_billed_later_forgives(tmp_path: Path) -> None:
    """In the afternoon 435 kW were reached: only 5 kW of demand were still to be had. What came
    in the next month is another bill's."""
    later = row(DAY, START_S + 7200, peak_w=435_000)
    december = row(DAY + 9, START_S, peak_w=900_000)
    found = idle(tmp_path, [*quarter(**DISCHARGING), later, december], "2025-11-22T10:05")
    assert (found.peak_w, found.idle_peak_w) == (435_000, 440_000)
    assert found.demand == pytest.approx(5 * 42)
    assert found.peak_until == "2025-11-22 12:00"


def test_charging_at_a_dear_hour_is_what_idling_saves(tmp_path: Path) -> None:
    """20 kW taken at 1.00, which would be bought at 0.30 else, without any demand."""
    found = idle(tmp_path, quarter(grid_w=100_000, store_w=-20_000, price_e4=10_000,
                                   peak_w=410_000))
    assert found.demand == 0
    assert found.energy == pytest.approx(-5)
    assert found.kept == pytest.approx(-1.5)
    assert found.total == pytest.approx(-3.5)
    assert found.carbon_kg == pytest.approx(0)


def test_charging_that_made_the_peak(tmp_path: Path) -> None:
    """430 kW with 40 kW of charging became the month's peak, which was 380 before."""
    rows = [*quarter(grid_w=430_000, store_w=-40_000, peak_w=380_000),
            row(DAY, START_S + 900, peak_w=430_000)]
    found = idle(tmp_path, rows, "10:05")
    assert (found.peak_w, found.idle_peak_w) == (430_000, 390_000)
    assert found.demand == pytest.approx(-40 * 42)


def test_what_a_surplus_feeds_is_no_import(tmp_path: Path) -> None:
    """Idle, the roof would export 10 kW; charging takes them and 5 kW from the grid."""
    found = idle(tmp_path, quarter(grid_w=5000, store_w=-15_000, price_e4=10_000, peak_w=50_000))
    assert (found.mean_w, found.idle_mean_w) == (5000, 0)
    assert found.energy_kwh == pytest.approx(-1.25)


def test_an_idle_battery_has_no_alternative(tmp_path: Path) -> None:
    second = why.find(write(tmp_path / "a.journal", quarter(grid_w=100_000), HEAD), "10:05")
    assert why.text(second).splitlines()[-1] == (
        "  instead  the battery was idle from 10:00 - 10:15: nothing would have changed")


@given(powers=st.lists(st.tuples(st.integers(-200_000, 600_000), st.integers(-180_000, 180_000)),
                       min_size=15, max_size=15),
       peak_w=st.integers(0, 500_000), price_e4=st.integers(-5000, 20_000))
def test_any_quarter_adds_up(powers: list[tuple[int, int]], peak_w: int, price_e4: int,
                             tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = [row(DAY, START_S + 60 * at, grid_w=grid, store_w=store, peak_w=peak_w,
                price_e4=price_e4) for at, (grid, store) in enumerate(powers)]
    found = idle(tmp_path_factory.mktemp("why"), rows)
    assert found.total == pytest.approx(found.demand + found.energy - found.kept)
    assert found.energy_kwh == pytest.approx((found.idle_mean_w - found.mean_w) / 4000, abs=1e-3)
    assert found.energy == pytest.approx(found.energy_kwh * price_e4 / 1e4, abs=1e-6)
    assert found.demand == pytest.approx((found.idle_peak_w - found.peak_w) * 42 / 1000)
    assert found.idle_peak_w >= found.idle_mean_w
    assert found.peak_w >= found.mean_w


@pytest.mark.parametrize(("rows", "head", "words"), [
    (quarter(**DISCHARGING)[:14], HEAD, "is not whole in this journal, or was not all measured"),
    (quarter(flags=WELL & ~1, **DISCHARGING), HEAD, "was not all measured"),
    (quarter(**DISCHARGING), replace(HEAD, currency=""), "this journal does not name the tariff")],
    ids=["a row short", "meter silent", "no tariff"])
def test_what_cannot_be_told_is_not(rows: list[array[int]], head: Header, words: str,
                                    tmp_path: Path) -> None:
    second = why.find(write(tmp_path / "a.journal", rows, head), "10:05")
    assert words in why.text(second).splitlines()[-1]
    assert words in why.explain(second)["idle"]["not_told"]


def test_a_sliding_window_ends_with_its_minute(tmp_path: Path) -> None:
    rows = [*quarter(START_S - 900, grid_w=100_000), *quarter(**DISCHARGING)]
    found = idle(tmp_path, rows, "10:04", replace(HEAD, sliding=1))
    assert (found.start, found.end) == ("09:50", "10:05")
    assert found.mean_w == (10 * 100_000 + 5 * 400_000) // 15


def test_a_window_may_lie_in_two_files_of_a_folder(tmp_path: Path) -> None:
    rows = quarter(**DISCHARGING)
    write(tmp_path / "1.journal", rows[:5], HEAD)
    write(tmp_path / "2.journal", rows[5:], HEAD)
    found = why.find(tmp_path, "10:02").idle
    assert isinstance(found, Idle)
    assert found.energy_kwh == pytest.approx(10)


def test_it_is_what_the_same_day_without_a_battery_was(tmp_path: Path) -> None:
    """The emulator's plant says what the load was: the busiest quarter-hour of the battery."""
    done = CliRunner().invoke(main, ["emulate", str(FOUNDRY), "--beat", "10", "--out",
                                     str(tmp_path)])
    assert done.exit_code == 0, done.output
    with (tmp_path / "trace.csv").open() as file:
        rows = list(csv.DictReader(file))
    busiest = max(rows, key=lambda one: float(one["battery_kw"]))
    bare_kw = float(busiest["load_kw"]) - float(busiest["pv_kw"])
    found = why.find(tmp_path / "journal", busiest["timestamp"]).idle
    assert isinstance(found, Idle)
    assert found.idle_mean_w / 1000 == pytest.approx(bare_kw, rel=0.001)
    assert found.mean_w / 1000 == pytest.approx(float(busiest["grid_kw"]), rel=0.03)
