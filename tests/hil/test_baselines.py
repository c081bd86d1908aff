"""The baselines: what each is, that none breaks physics, and that none sees more than it says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from boards.parts import PartError
from hil import baseline, recheck, score_table
from hil.__main__ import main
from hil.bill import months
from hil.optimum import Battery, Tariff, bill, lowest_bill, lowest_peak_kw
from hil.score import Case, Result
from tests.hil.little import write_load

START = datetime(2025, 1, 30)  # a month ends on the way
BATTERY = Battery(power_kw=25, store_kwh=40, way=0.9**0.5)
LIMITS = recheck.Limits(25, 5, 45, 45, 0.9**0.5)
DAY = [0.3] * 32 + [1.0] * 12 + [0.65] * 24 + [1.0] * 8 + [1.2] * 8 + [1.0] * 4 + [0.65] * 8


SHORT = (Phase.explicit, Phase.reuse, Phase.generate)  # to shrink a fortnight takes minutes


def here() -> list[str]:
    """The baselines that can run on this machine."""
    found = []
    for name in baseline.names():
        try:
            baseline.load(name)
            found.append(name)
        except PartError:
            assert name == "lp", "only the solver may be missing"
    return found


BLIND = [name for name in here() if not baseline.module(name).AHEAD]


def times(count: int) -> list[datetime]:
    return [START + timedelta(minutes=15 * at) for at in range(count)]


def park(load_kw: Sequence[float], highest_kw: float | None = None, demand_price: float = 40.0
         ) -> baseline.Park:
    found = months(times(len(load_kw)))
    prices = [DAY[at % 96] for at in range(len(load_kw))]
    return baseline.Park(load_kw, found, found[1:], BATTERY, Tariff(prices, demand_price),
                         max(load_kw) if highest_kw is None else highest_kw)


def imports(site: baseline.Park, name: str) -> list[float]:
    played = baseline.play(site, baseline.module(name).control(site))
    return [load - kw for load, (kw, _) in zip(site.load_kw, played, strict=True)]


# nine days, each half of them another level: with exports, dips and peaks
levels = st.lists(st.floats(-60, 140).map(lambda kw: round(kw, 3)), min_size=18, max_size=18)


def spread_out(levels_kw: Sequence[float]) -> list[float]:
    return [kw + (at % 5) for kw in levels_kw for at in range(48)]


@pytest.mark.parametrize("name", here())
@settings(max_examples=3, deadline=None, phases=SHORT)
@given(levels_kw=levels)
def test_no_trace_breaks_physics(name: str, levels_kw: list[float],
                                 tmp_path_factory: pytest.TempPathFactory) -> None:
    load_kw = spread_out(levels_kw)
    written = tmp_path_factory.mktemp("baseline") / "site.csv"
    baseline.run(name, park(load_kw), times(len(load_kw)), LIMITS, written)
    verdict = recheck.recheck(recheck.read(written), load_kw, LIMITS)
    assert verdict == ([], 0)


@pytest.mark.parametrize("name", BLIND)
@settings(max_examples=4, deadline=None, phases=SHORT)
@given(levels_kw=levels, others_kw=levels, split=st.integers(600, 863))
def test_who_knows_nothing_ahead_reads_nothing_ahead(name: str, levels_kw: list[float],
                                                     others_kw: list[float], split: int) -> None:
    """With another future the past is the same, up to and with the present load."""
    one, other = spread_out(levels_kw), spread_out(others_kw)
    mixed = [*one[:split + 1], *other[split + 1:]]
    highest_kw = max(*one, *other, 1.0)
    control = baseline.module(name).control
    before = baseline.play(park(one, highest_kw), control(park(one, highest_kw)))
    after = baseline.play(park(mixed, highest_kw), control(park(mixed, highest_kw)))
    assert before[:split + 1] == after[:split + 1]


def test_foresight_is_told_as_such() -> None:
    assert set(baseline.names()) - set(BLIND) >= {"optimum", "foresight", "fixed_best"}


SPIKE = [20.0] * 40 + [60.0] * 8 + [20.0] * 48


@pytest.mark.parametrize("name", [name for name in here() if name != "fixed_best"
                                  and "exactly" in baseline.module(name).AHEAD])
def test_who_knows_the_day_reaches_its_optimum(name: str) -> None:
    """2 h of 60 kW over 20: 40 kWh behind one conversion leave 41 kW."""
    best = lowest_peak_kw(SPIKE, BATTERY)
    assert best == pytest.approx(60 - 40 * 0.9**0.5 / 2)
    free = park(SPIKE)._replace(tariff=Tariff([0.0] * 96, 40.0))
    assert max(imports(free, name)) == pytest.approx(best)


def test_who_knows_the_day_trades_as_the_optimum_does() -> None:
    """Two like days behind a tariff: planned a day at a time, the bill is the least one's."""
    site = park([*SPIKE, *SPIKE])._replace(months=[park([*SPIKE, *SPIKE]).months[0]._replace(
        end=192)])
    best = lowest_bill(site.load_kw, BATTERY, site.tariff)
    without = bill(site.load_kw, site.tariff)
    reached = bill(imports(site, "foresight_bill"), site.tariff)
    assert (without - reached) / (without - best) > 0.95
    peaks_alone = bill(imports(site, "foresight"), site.tariff)
    assert reached < peaks_alone


def test_persistence_holds_a_day_it_has_seen() -> None:
    """The second of two like days is held at its optimum; the first cannot be."""
    grid = imports(park([*SPIKE, *SPIKE]), "persistence")
    best = lowest_peak_kw(SPIKE, BATTERY)
    assert max(grid[96:]) == pytest.approx(max(grid[:96]))  # what is billed is not shaved again
    fresh = park([*SPIKE, *SPIKE])
    fresh = fresh._replace(months=[fresh.months[0]._replace(end=96),
                                   fresh.months[0]._replace(name="next", first=96, end=192)])
    assert max(imports(fresh, "persistence")[96:]) == pytest.approx(best)


def test_fixed_thresholds_are_shares_of_the_highest_load() -> None:
    """Above 70 of 100 kW it shaves, below 50 it recharges, between them it rests."""
    load_kw = [100.0] + [60.0] * 3 + [40.0] * 92
    grid = imports(park(load_kw), "openems_70_50")
    assert grid[0] == pytest.approx(75)  # 25 kW is all the battery has
    assert grid[1:4] == [60.0] * 3
    assert grid[4:6] == pytest.approx([50, 50])


def test_last_months_figures_are_used_from_the_first_of_the_month_on() -> None:
    january, february = [40.0] * 182 + [80.0] * 2 + [40.0] * 8, [40.0] * 94 + [80.0] * 2
    site = park([*january, *february])
    assert [month.name for month in site.months] == ["2025-01", "2025-02"]
    best = lowest_peak_kw(january, BATTERY)
    for name in ("last_month", "openems_90_70"):
        assert imports(site, name)[:192] == january, "nothing is known: it rests"
    assert max(imports(site, "last_month")[192:]) == pytest.approx(best)
    assert max(imports(site, "openems_90_70")[192:]) == pytest.approx(72)


def test_the_ratchet_spares_what_is_billed_already() -> None:
    """Last month 50 kW could be held. On the first day of this one 70 kW is billed: the plain
    target empties the battery against 70 kW on the second day, before 90 kW come."""
    january = [40.0] * 180 + [75.0] * 4 + [40.0] * 8
    first = [20.0] * 40 + [70.0] * 24 + [20.0] * 32
    second = [20.0] * 40 + [70.0] * 12 + [90.0] * 4 + [20.0] * 40
    plain, ratchet = (imports(park([*january, *first, *second]), name)[192:]
                      for name in ("last_month", "last_month_ratchet"))
    assert max(plain) == 90
    assert max(ratchet) == 70


def test_no_other_fixed_threshold_bills_less() -> None:
    site = park([*([40.0] * 192), *SPIKE, *SPIKE[::-1]])
    def cost(grid: list[float]) -> float:
        return bill(grid[192:], Tariff(site.tariff.prices[192:], 40.0))

    best = cost(imports(site, "fixed_best"))
    for threshold in range(1, 61):
        def wish(at: int, store_kwh: float, peak_kw: float, kw: int = threshold) -> float:
            return site.load_kw[at] - kw
        played = baseline.play(site, wish)
        grid = [load - kw for load, (kw, _) in zip(site.load_kw, played, strict=True)]
        assert cost(grid) >= best - 1


def test_a_time_switch_trades_and_never_exports() -> None:
    load_kw = [10.0] * 96
    grid = imports(park(load_kw), "time_switch")
    assert min(grid) == 0
    assert grid[76:84] == [0.0] * 8  # 19 to 21 h, the dearest
    assert imports(park(load_kw)._replace(tariff=Tariff([0.5] * 96, 40.0)), "time_switch") \
        == load_kw


@settings(max_examples=5, deadline=None, phases=SHORT)
@given(levels_kw=levels, demand_price=st.sampled_from([0.0, 8.0, 40.0]))
def test_the_solver_agrees_with_the_recursion(levels_kw: list[float], demand_price: float) -> None:
    pytest.importorskip("highspy", reason="no solver: pip install highspy")
    from hil.baselines import lp

    load_kw = spread_out(levels_kw)
    prices = [DAY[at % 96] for at in range(len(load_kw))]
    for tariff in (Tariff(prices, demand_price), Tariff([0.0] * len(load_kw), 40.0)):
        cost, plan = lp.solve(load_kw, BATTERY, tariff)
        assert cost == pytest.approx(lowest_bill(load_kw, BATTERY, tariff), rel=1e-6, abs=1e-4)
        assert len(plan) == len(load_kw)


def test_a_month_without_an_answer_is_told_in_one_line() -> None:
    pytest.importorskip("highspy", reason="no solver: pip install highspy")
    from hil.baselines import lp

    with pytest.raises(baseline.BaselineError, match="lp: the solver ended with: "):
        lp.solve([float("inf")] * 4, BATTERY, Tariff([1.0] * 4, 40.0))


def result(site: str, share: float | None, *against: float) -> Result:
    rivals = tuple(Result(site, [], one, None, 0, []) for one in against)
    return Result(site, [], share, None, 0, [], rivals)


def test_differences_are_paired_by_site() -> None:
    """Shares that scatter widely, and a difference that does not."""
    ours = [result("a", 0.9, 0.8), result("b", 0.5, 0.4), result("c", 0.3, 0.2)]
    case = Case(against=("last_month",))
    [(_, theirs)] = score_table.against(ours, case)
    found = score_table.gain(ours, theirs, "peak_share")
    assert found is not None
    assert (found.mean, found.error) == (pytest.approx(0.1), pytest.approx(0))
    assert (found.better, found.sites) == (3, 3)
    assert score_table.gain(ours, theirs, "bill_share") is None
    assert "+0.100 ± 0.000    3 of 3" in score_table.text(ours, case)


def test_a_site_without_a_share_is_no_pair() -> None:
    ours = [result("a", 0.9, 0.5), result("b", None, 0.4)]
    [(_, theirs)] = score_table.against(ours, Case(against=("last_month",)))
    found = score_table.gain(ours, theirs, "peak_share")
    assert found is not None
    assert (found.mean, found.sites) == (pytest.approx(0.4), 1)


def run(folder: Path, out: Path, *more: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["score", str(folder), "--out", str(out), *more])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def loads(tmp_path: Path) -> Path:
    """Two months of a shop whose busy hour grows in the second."""
    folder = tmp_path / "loads"
    folder.mkdir()
    kilowatts = [kw for day in range(59)
                 for kw in [20.0] * 52 + [80.0 + 10.0 * (day > 40)] * 4 + [20.0] * 40]
    write_load(folder / "shop.csv.gz", kilowatts, datetime(2025, 2, 1))
    return folder


def test_baselines_are_scored_beside_the_controller(loads: Path, tmp_path: Path) -> None:
    code, out, _ = run(loads, tmp_path / "out", "--mode", "bill", "--json", "--against",
                       "last_month, optimum")
    assert code == 0
    found = json.loads(out)
    assert list(found["against"]) == ["last_month", "optimum"]
    optimum = found["against"]["optimum"]
    assert optimum["ahead"] == "the whole month exactly"
    assert optimum["sites"][0]["peak_share"] == pytest.approx(1, abs=1e-6)
    for key in ("peak_share", "bill_share"):
        for rival in found["against"].values():
            gain = found["sites"][0][key] - rival["sites"][0][key]
            assert rival["gain"][key]["mean"] == pytest.approx(gain)
    for name in found["against"]:
        lines = (tmp_path / "out" / name / "shop.csv").read_text().splitlines()
        assert lines[0] == "timestamp,load_kw,battery_kw,grid_kw,soc_kwh"
        assert len(lines) == 1 + 59 * 96


def test_a_baseline_that_is_not_there(loads: Path, tmp_path: Path) -> None:
    code, _, err = run(loads, tmp_path / "out", "--against", "last_month,magic")
    assert code == 2
    assert "found magic, expected all or some of fixed_best foresight" in err


def test_a_solver_that_is_not_there_is_told_in_one_line(
        loads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "highspy", None)
    code, out, err = run(loads, tmp_path / "out", "--against", "lp")
    assert (code, out) == (1, "")
    assert err.startswith("lp: highspy cannot be loaded")
    assert err.endswith("pip install 'parkedge[dev]'\n")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
