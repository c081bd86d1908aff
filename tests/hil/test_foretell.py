"""Scoring with announced loads, and what an emulation says of its plan."""

from __future__ import annotations

import json
import statistics
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from boards.site import Site, check_bytes
from edge.plan.announced import TOTAL
from hil import emulation, report, summary
from hil.__main__ import main
from hil.figures import figures
from hil.foretell import Foretold
from hil.series import Series
from tests.hil.little import FOUNDRY, write_load


def series(watts: list[int]) -> Series:
    return Series(datetime(2025, 1, 1), 900, tuple(watts), (False,) * len(watts))


class Heard:
    """What was announced: first slot, loads."""

    def __init__(self) -> None:
        self.said: list[tuple[int, list[int]]] = []

    def announce(self, day: int, slot: int, loads_w: list[int], kind: int, sure_pm: int,
                 until_day: int, until_slot: int) -> int:
        assert kind == TOTAL
        assert until_day * 96 + until_slot == day * 96 + slot + len(loads_w)
        self.said.append((day * 96 + slot, loads_w))
        return 0


def test_the_next_loads_are_told_exactly_and_nothing_beyond_the_end() -> None:
    watts, heard = list(range(1000, 1100)), Heard()
    foretold = Foretold(series(watts), 9000, 4)
    for number in (0, 95, 98):
        foretold.tell(heard.announce, number)
    assert heard.said == [(864_000, [1000, 1001, 1002, 1003, 1004]),
                          (864_095, [1095, 1096, 1097, 1098, 1099]), (864_098, [1098, 1099])]


def test_noise_is_as_large_as_asked_and_changes_slowly() -> None:
    heard = Heard()
    foretold = Foretold(series([1_000_000] * 20_000), 9000, 0, 50)
    for number in range(20_000):
        foretold.tell(heard.announce, number)
    wrong = [loads[0] / 1e6 - 1 for _, loads in heard.said]
    assert statistics.pstdev(wrong) == pytest.approx(0.05, rel=0.1)
    assert statistics.correlation(wrong[:-1], wrong[1:]) == pytest.approx(0.9, abs=0.02)


def test_an_announced_plan_is_scored(tmp_path: Path) -> None:
    """A shop whose busy hour is another one every day: nobody could know it but by being told."""
    kilowatts = []
    for day in range(28 + 31):
        quiet, at = [20.0] * 96, 40 + day * 17 % 40
        kilowatts += quiet[:at] + [70.0 + day * 7 % 30] * 3 + quiet[at + 3:]
    write_load(tmp_path / "shop.csv.gz", kilowatts, datetime(2025, 2, 1))
    found = []
    for more in ([], ["--plan", "2h"]):
        done = CliRunner().invoke(main, [
            "score", str(tmp_path), "--out", str(tmp_path), "--mode", "peak", "--battery", "small",
            "--json", *more])
        assert done.exit_code == 0, done.output
        found.append(json.loads(done.stdout))
    assert [one["plan_minutes"] for one in found] == [0, 120]
    shares = [one["peak_share"]["mean"] for one in found]
    assert shares[1] > shares[0] + 0.1, shares
    assert found[1]["sites"][0]["violations"] == []


def test_noise_without_a_plan_is_wrong_use(tmp_path: Path) -> None:
    write_load(tmp_path / "a.csv.gz", [1.0, 2.0], datetime(2025, 1, 1))
    done = CliRunner().invoke(main, ["score", str(tmp_path), "--out", str(tmp_path),
                                     "--plan-noise", "5"])
    assert done.exit_code == 2
    assert "--plan-noise is of an announced plan" in done.stderr


def by(mode: str) -> Site:
    """The foundry at the fossil factor, its battery with a round trip of 0.88."""
    text = FOUNDRY.read_text("utf-8").replace("efficiency_pm = 900", "efficiency_pm = 880")
    text = text.replace("factor = 530_000", "factor = 832_500")
    checked = check_bytes(f'{text}\n[plan]\nmode = "{mode}"\n'.encode(), FOUNDRY)
    assert checked.site is not None, checked.errors
    return checked.site


def test_a_cycle_by_the_tariff_costs_114_g_a_kwh(tmp_path: Path) -> None:
    order = emulation.Order(by("cost"), days=2, warm_up_days=3, beat_s=60)
    run = emulation.emulate(order, emulation.feeds_of(order), tmp_path, lambda quarters: None)
    found = figures(run)
    plan = found["plan"]
    assert plan["g_per_kwh"] == pytest.approx(832.5 * (1 / 0.88 - 1), abs=0.5)
    month = plan["months"][0]
    assert month["kg"] == pytest.approx(-0.1135 * month["discharged_kwh"], rel=0.01)
    assert month["money"] == pytest.approx(found["without"]["total"] - found["with"]["total"])
    assert month["without_kg"] == pytest.approx(found["carbon"]["without_kg"])
    assert month["with_kg"] == pytest.approx(found["carbon"]["with_kg"])
    assert "has cost 113.5 g CO₂" in summary.text(found)
    assert "has cost 113.5 g CO₂" in report.page(run, found)
    tally = run.image.get("plan")
    assert tally is None  # the plan of the tariff needs nothing beside it


def test_by_carbon_at_one_factor_the_battery_rests(tmp_path: Path) -> None:
    order = emulation.Order(by("carbon"), days=1, warm_up_days=2, beat_s=60)
    run = emulation.emulate(order, emulation.feeds_of(order), tmp_path, lambda quarters: None)
    found = figures(run)
    assert found["plan"]["g_per_kwh"] is None
    assert found["plan"]["months"][0]["kg"] == pytest.approx(0)
    assert 'plan "carbon" against doing nothing' in summary.text(found)
