"""Two halls on one limit, in one process: what the link is worth, and that it is not needed."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence

import pytest
from click.testing import CliRunner

from boards.site import load
from hil import feed, phase_split
from hil.__main__ import main
from hil.neighbours import Air, Load, Neighbours
from tests.boards.sites import ROOT

HALLS = [ROOT / "examples" / "halls" / f"hall-{number}.toml" for number in (1, 2)]


class Steady:
    """The same load all the time."""

    def __init__(self, w: int) -> None:
        self._watts = [w] * feed.QUARTER_S

    def quarter(self, number: int) -> Sequence[int]:
        return self._watts


def halls(air: Air, *loads_w: int) -> Neighbours:
    made = Neighbours([load(path) for path in HALLS], air)
    for one, w in zip(made.gateways, loads_w, strict=True):
        one.load = Steady(w)  # type: ignore[assignment]
    return made


def test_a_hall_uses_what_the_other_one_does_not_need():
    made = halls(Air(delay_ms=900, lost_pm=150), 50_000, 180_000)
    made.day(lambda second: False, lambda more: None, 2)
    assert made.seen.quarters[1][5] >= 179_000, "hall 2 may import its load"
    assert made.seen.quarters[1][4] == pytest.approx(180_000, abs=1500)
    assert made.seen.allowed_max_w <= made.limit_w
    assert [one.device.site.fault for one in made.gateways] == [None, None]


def test_without_the_link_each_keeps_to_its_own():
    made = halls(Air(), 50_000, 165_000)
    made.day(lambda second: second >= 900, lambda more: None, 2)
    assert made.seen.quarters[0][5] > 130_000
    assert [one.share.used_w for one in made.gateways] == [120_000, 130_000]
    assert made.seen.quarters[1][4] == pytest.approx(130_000, abs=2000), "its battery covers it"
    assert made.seen.allowed_max_w <= made.limit_w


def test_loads_fit_the_shares_and_come_one_after_the_other():
    day = feed.factory(__import__("hil.neighbours").neighbours.START, 60, 1)
    watts = [w for number in range(96) for w in day.quarter(number)]
    first, second = Load(watts, 60, 0, 100_000), Load(watts, 60, 12, 200_000)
    means = [sum(first.quarter(k)) // 15 for k in range(96)]
    assert max(means) == pytest.approx(100_000, abs=20)
    assert [sum(second.quarter(k)) // 15 // 2 for k in range(12, 96)] == pytest.approx(
        means[:84], abs=20)


def test_the_command_tells_and_keeps(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Neighbours.day, "__defaults__", (1,))
    out = tmp_path / "share.csv"
    done = CliRunner().invoke(main, ["share", *map(str, HALLS), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["limit_w"] == 250_000
    assert 0 < told["allowed_max_w"] <= 250_000
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) == 1
    assert int(rows[0]["halls/hall-2 allowance_w"]) > 0


@pytest.mark.parametrize(("arguments", "status", "said"), [
    (["--cut", "10-11"], 2, "expected times of the day as 10:00-11:30"),
    ([], 1, "site.toml: rules.share: found nothing, expected the rule share"),
])
def test_mistakes_are_told_in_one_line(arguments, status, said):
    done = CliRunner().invoke(main, ["share", str(ROOT / "examples/foundry/site.toml"), *arguments])
    assert done.exit_code == status
    assert said in done.output
    assert "Traceback" not in done.output


def test_the_phases_add_up_to_the_grid():
    split = phase_split.Split((500, 300, 200), store_phase=2)
    for load_w, pv_w, store_w in ((100_001, 7, -50_000), (-3, 90_000, 1), (0, 0, 0)):
        assert sum(split.grid_w(load_w, pv_w, store_w)) == load_w - pv_w - store_w
    assert split.grid_w(100_000, 0, 20_000) == [50_000, 10_000, 20_000]
    for wrong in ((500, 500), (500, 500, 1), (1100, -100, 0)):
        with pytest.raises(ValueError, match="add up to 1000"):
            phase_split.Split(wrong)


def test_a_site_with_phases_is_emulated_with_them(tmp_path):
    """An uneven load meets the fuse long before an even one; on real MicroPython as well."""
    load = tmp_path / "load.csv"
    quarters = [f"2026-07-01 {k // 4:02}:{k % 4 * 15:02}:00,110" for k in range(96)]
    load.write_text("\n".join(["timestamp,kW", *quarters]))

    def run(phases: str, dut: str = "inproc") -> dict:
        done = CliRunner().invoke(main, [
            "emulate", str(HALLS[0]), "--load", str(load), "--beat", "60", "--dut", dut,
            "--phases", phases, "--out", str(tmp_path / f"{phases}-{dut}"), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def ruled(found: dict, rule: str) -> float:
        return sum(entry["low"] for entry in found["bounds"] if entry["rule"] == rule)

    even, uneven = run("334,333,333"), run("700,200,100")
    assert ruled(even, "phase") == 0
    assert ruled(uneven, "phase") > 0.3, "77 kW on a phase, until all but the backup is used"
    again = run("700,200,100", "micropython")
    assert [again[name] for name in ("energy_kwh", "ledger")] == \
        [uneven[name] for name in ("energy_kwh", "ledger")]
    wrong = CliRunner().invoke(main, ["emulate", str(HALLS[0]), "--phases", "1,2", "--out", "x"])
    assert wrong.exit_code == 2
    assert "add up to 1000" in wrong.output
