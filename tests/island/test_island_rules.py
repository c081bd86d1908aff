"""The rules of a site that can live without the grid, through the whole controller."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.snapshot import TRUSTED
from tests.core.park import _IMAGE
from tests.island.clinic import (
    DOUBT,
    GATE,
    GENERATOR,
    GRID,
    ISLAND,
    RETURN,
    Clinic,
    clinic,
)

SHED = 1 << 10
LOCKOUT = 1 << 11
PERMIT, PV_OFF, START, LOAD = 1, 2, 4, 8
MOST_W = max(GATE["charge_max_w"], GATE["discharge_max_w"], _IMAGE["gate"]["charge_max_w"],
             _IMAGE["gate"]["discharge_max_w"])


def on_grid(site, seconds=20, start=0, **readings):
    """Let it stand on the grid until it trusts its readings; the second after."""
    for second in range(start, start + seconds):
        site.at(second, **readings)
    return start + seconds


def alone(site, seconds, start, **readings):
    for second in range(start, start + seconds):
        site.at(second, **{"islanded": 1, "grid_ok": 0, "grid_w": 0, **readings})
    return start + seconds


def test_on_the_grid_it_works_as_if_there_were_no_island():
    site = Clinic()
    second = on_grid(site, 40, grid_w=750_000)
    assert site.mode() == GRID
    assert site.at(second, grid_w=750_000) > 0  # above the contract of 700 kW
    assert site.coils & PERMIT


def test_an_island_takes_no_command_from_the_rules_of_the_grid():
    site = Clinic()
    second = on_grid(site, 40, grid_w=750_000)
    for more in range(100):
        assert site.at(second + more, islanded=1, grid_ok=0, grid_w=0, store_w=150_000) == 0
        assert site.mode() == ISLAND
    assert not site.coils & PERMIT


def test_an_open_switch_carries_nothing_though_the_meter_is_dead():
    """The last reading of a meter that dies with the grid must not go on in the demand window."""
    site = Clinic()
    second = on_grid(site, 3600 - 10, grid_w=100_000)
    second = on_grid(site, 10, start=second, grid_w=600_000)  # a spike, when the grid fails
    for more in range(1800):
        site.at(second + more, islanded=1, grid_ok=0, grid_ms=-1, store_w=150_000)
        assert site.row["flags"] & TRUSTED
    assert site.row["demand_w"] == 0
    assert site.row["net_w"] == 150_000
    assert site.row["peak_w"] < 110_000, "the outage was billed as import"


def test_a_meter_that_contradicts_an_open_switch_is_believed_more():
    site = Clinic()
    second = on_grid(site, 40, grid_w=300_000)
    modes = []
    for more in range(60):
        site.at(second + more, islanded=1, grid_ok=0, grid_w=300_000)
        modes.append(site.mode())
    assert modes[4:] == [DOUBT] * 56
    assert site.row["command_w"] == 0


def test_a_switch_that_is_not_heard_makes_the_battery_rest_and_relays_stay():
    site = Clinic()
    second = on_grid(site, 40, grid_w=750_000)
    coils = site.coils
    for more in range(30):
        w = site.at(second + more, switch_ms=-1, grid_w=750_000)
    assert (w, site.mode(), site.coils) == (0, DOUBT, coils)
    holding = Clinic(clinic(island={"stale_holds": 1}))
    second = on_grid(holding, 40, grid_w=750_000)
    for more in range(30):
        w = holding.at(second + more, switch_ms=-1, grid_w=750_000)
    assert w > 0
    assert holding.mode() == GRID


def test_the_way_back():
    site = Clinic()
    second = alone(site, 60, on_grid(site, 40), store_w=100_000)
    seen = []
    for more in range(200):
        islanded = int(more < 80)
        site.at(second + more, islanded=islanded, grid_ok=1, grid_w=0 if islanded else 100_000,
                store_w=100_000 if islanded else 0)
        seen.append((site.mode(), bool(site.coils & PERMIT), site.row["command_w"]))
    healthy_s, settle_s = 60, 10
    assert [mode for mode, _, _ in seen[:healthy_s - 1]] == [ISLAND] * (healthy_s - 1)
    assert {entry[:2] for entry in seen[healthy_s:80]} == {(RETURN, True)}
    assert [mode for mode, _, _ in seen[80:80 + settle_s - 1]] == [RETURN] * (settle_s - 1)
    assert seen[-1][0] == GRID
    assert all(w == 0 for mode, _, w in seen if mode != GRID)


def test_after_the_return_charging_is_gentle_and_held_to_the_target():
    made = clinic(demand={"target_w": 300_000})
    site = Clinic(made)
    site.site.planner.recharge_w = 200_000
    second = alone(site, 30, on_grid(site, 40, grid_w=100_000), store_w=100_000)
    least, last_w = 0, 0
    for more in range(1200):
        w = site.at(second + more, grid_w=250_000 - last_w, store_w=last_w, soc_pm=300)
        if site.mode() == GRID and more < 900:
            assert w >= last_w - 500 or w == 0
            assert 250_000 - w <= 300_000
            least = min(least, w)
        last_w = w
    assert least == -50_000, "it should have charged as much as the target leaves"


def test_pv_is_switched_off_in_an_island_that_is_full_and_only_there():
    site = Clinic()
    second = on_grid(site, 40, soc_pm=980)
    assert not site.coils & PV_OFF
    second = alone(site, 5, second, soc_pm=899)
    assert not site.coils & PV_OFF
    second = alone(site, 5, second, soc_pm=900)
    assert site.coils & PV_OFF
    second = alone(site, 5, second, soc_pm=851)
    assert site.coils & PV_OFF
    second = alone(site, 5, second, soc_pm=850)
    assert not site.coils & PV_OFF


def test_a_generator_starts_with_a_low_battery_and_recharges_it():
    site = Clinic()
    second = alone(site, 10, on_grid(site, 40), store_w=60_000, soc_pm=301)
    assert not site.coils & START
    second = alone(site, 2, second, store_w=60_000, soc_pm=300)
    assert site.coils & START
    second = alone(site, GENERATOR["warm_s"] + 2, second, store_w=60_000, soc_pm=300,
                   gen_running=1)
    assert site.coils & LOAD
    store_w = 60_000
    for more in range(60):
        gen_w = 60_000 - store_w
        store_w = site.at(second + more, islanded=1, grid_ok=0, gen_running=1, gen_w=gen_w,
                          store_w=store_w, soc_pm=320)
    assert gen_w == GENERATOR["best_w"]
    assert store_w == 60_000 - GENERATOR["best_w"]


def test_an_overloaded_generator_is_helped_and_an_idle_one_loaded_at_once():
    site = Clinic()
    second = alone(site, 100, on_grid(site, 40), gen_running=1, gen_w=100_000, soc_pm=500)
    assert site.at(second, islanded=1, grid_ok=0, gen_running=1, gen_w=190_000) == 30_000
    assert site.at(second + 1, islanded=1, grid_ok=0, gen_running=1, gen_w=45_000) == -5_000


def test_a_lost_line_to_the_generator_does_not_stop_it():
    site = Clinic()
    second = alone(site, 10, on_grid(site, 40), soc_pm=290)
    second = alone(site, 80, second, soc_pm=290, gen_running=1, gen_w=60_000)
    assert site.coils & START
    assert site.coils & LOAD
    second = alone(site, 300, second, soc_pm=290, gen_ms=-1)
    assert site.coils & START
    assert site.coils & LOAD
    assert site.row["command_w"] == 0


def test_a_generator_that_never_starts_is_locked_out_with_a_record():
    site = Clinic()
    alone(site, 400, on_grid(site, 40), soc_pm=200)
    assert site.row["flags"] & LOCKOUT
    assert not site.coils & START


def test_a_generator_for_peaks():
    site = Clinic(clinic(generator={"peak_w": 500_000, "peak_s": 30}))
    second = on_grid(site, 40, grid_w=480_000)
    assert not site.coils & START
    second = on_grid(site, 29, start=second, grid_w=520_000)
    assert not site.coils & START
    second = on_grid(site, 5, start=second, grid_w=520_000)
    assert site.coils & START


def test_too_much_load_for_the_battery_is_shed_in_the_first_beat():
    """Before the converter's reading shows it: what the grid carried last must be carried now."""
    site = Clinic()
    second = on_grid(site, 200, grid_w=250_000)  # the chargers came back by then
    assert not site.row["flags"] & SHED
    site.at(second, islanded=1, grid_ok=0, grid_w=0, store_w=0)
    assert site.row["flags"] & SHED
    assert not site.coils >> 6 & 1  # the coil that connects the chargers


def test_reserve_energy_is_kept_by_stages():
    site = Clinic()
    second = on_grid(site, 200, grid_w=100_000, soc_pm=700)
    counts = []
    for soc_pm in (700, 599, 349, 199):
        second = alone(site, 200, second, store_w=50_000, soc_pm=soc_pm)
        counts.append(sum((site.coils >> coil & 1) != on for coil, on in
                          ((4, 1), (5, 1), (6, 0))))
    assert counts == [3, 2, 1, 0]


def test_shedding_on_the_grid_is_the_last_resort():
    made = clinic(shed={"import_max_w": 600_000}, contract={"import_max_w": 600_000})
    site = Clinic(made)
    second = on_grid(site, 200, grid_w=300_000)
    second = on_grid(site, 60, start=second, grid_w=600_000, store_w=190_000)
    assert not site.row["flags"] & SHED  # the battery can still hold it
    second = on_grid(site, 60, start=second, grid_w=700_000, store_w=200_000)
    assert site.row["flags"] & SHED


def test_the_least_import_is_kept_by_charging():
    made = clinic(without=("refill",))
    made["rules"].append(["min_import", {"import_min_w": 40_000, "while_running": 1}])
    site = Clinic(made)
    second = on_grid(site, 40, grid_w=100_000, gen_running=1, gen_w=50_000)
    store_w = 0
    for more in range(20):
        store_w = site.at(second + more, grid_w=10_000 - store_w, store_w=store_w, gen_running=1,
                          gen_w=50_000)
    assert store_w == -30_000
    for more in range(20, 60):
        store_w = site.at(second + more, grid_w=10_000 - store_w, store_w=store_w)
    assert store_w >= 0


signals = st.fixed_dictionaries({
    "islanded": st.integers(0, 1), "grid_ok": st.integers(0, 1),
    "grid_w": st.integers(-900_000, 900_000), "store_w": st.integers(-220_000, 220_000),
    "soc_pm": st.integers(0, 1000), "gen_running": st.integers(0, 1),
    "gen_w": st.integers(-10_000, 200_000), "ready": st.integers(0, 9).map(bool).map(int)})
silent = st.sampled_from([(), (), (), (), ("switch_ms",), ("gen_ms",), ("store_ms",), ("soc_ms",),
                          ("grid_ms",)])


@settings(max_examples=60)
@given(st.lists(st.tuples(signals, silent, st.integers(1, 40)), max_size=10))
def test_whatever_the_signals_the_battery_stays_inside_and_no_fault_comes(history):
    """And with the switch seen open and no generator running, no power is asked for at all."""
    site = Clinic()
    second = 0
    for readings, mute, beats in history:
        for _ in range(beats):
            w = site.at(second, **{**readings, **dict.fromkeys(mute, -1)})
            second += 1
            assert site.site.fault is None, site.site.fault
            assert -MOST_W <= w <= MOST_W
            if readings["islanded"] and not mute and not readings["gen_running"]:
                assert w == 0
            if site.mode() != GRID and not site.row["flags"] & LOCKOUT and not mute \
                    and not readings["gen_running"]:
                assert w == 0
            if w > 0 and "soc_ms" not in mute:
                assert readings["soc_pm"] > GATE["soc_floor_pm"]
            if w < 0 and "soc_ms" not in mute:
                assert readings["soc_pm"] < GATE["soc_ceiling_pm"]


def test_a_switch_that_lies_is_found_out_after_a_week_alone_and_at_the_start():
    """The ticks come round in twelve days: how long ago it opened must not wrap."""
    site = Clinic()
    second = alone(site, 30, on_grid(site, 40))
    for _ in range(7 * 24):
        second = alone(site, 1, second + 3600)
    for more in range(20):
        site.at(second + more, islanded=1, grid_ok=0, grid_w=300_000)
    assert site.mode() == DOUBT
    late = Clinic()
    for more in range(60):
        late.at((1 << 29) // 1000 + more, islanded=1, grid_ok=0, grid_w=300_000)
    assert late.mode() == DOUBT


def test_beside_a_generator_two_readings_of_one_moment_are_exact():
    """Load and battery stepped together: no range is left between powers of the same moment."""
    site = Clinic()
    second = alone(site, 100, on_grid(site, 40), gen_running=1, gen_w=100_000, store_w=0)
    assert site.at(second, islanded=1, grid_ok=0, gen_running=1, gen_w=150_000,
                   store_w=40_000) == 30_000, "190 kW, of which the generator carries 160"
