"""One of several batteries fails: silent, stale, unready, empty, full, or with a BMS that lies."""

from __future__ import annotations

import pytest

from edge.snapshot import TRUSTED
from hil.inputs import battery_places
from tests.fleet.fleet import LIMIT, OVER_W, SUNNY, A, B, C, FleetLoop, one, several, three, working


def test_a_silent_converter_counts_until_its_age_and_then_the_others_do_its_work():
    loop = working([600, 600, 600], load_w=OVER_W + 120_000)
    its_w = loop.log[-1][C]
    assert its_w > 20_000
    loop.silent.add(("store", C))
    loop.obeys[C] = False  # what cannot be read cannot be told either: it goes on for a while
    for second in range(1, 6):
        loop.step(OVER_W + 120_000)
        assert loop.row["store_age_ms"] == 1000 * second
        assert loop.row["command_w"] == 120_000
    loop.step(OVER_W + 120_000)
    assert loop.log[-1][C] == 0
    assert loop.row["net_w"] == OVER_W + 120_000 - its_w, "told anew, in the very same beat"
    assert loop.row["store_age_ms"] == 0
    assert loop.row["flags"] & TRUSTED, "the others are trusted all the while"
    assert loop.row["discharge_max_w"] == 100_000
    loop.run([OVER_W + 120_000] * 5)
    assert loop.plant.grid_w <= OVER_W, "it still gives, and that is seen as so much less load"
    loop.setpoints[C] = 0  # its own timer has bitten
    loop.run([OVER_W + 90_000] * 10)
    assert loop.log[-1] == [45_000, 45_000, 0]
    assert loop.plant.grid_w == OVER_W


def test_it_comes_back_by_itself_after_the_release_time():
    loop = working([600, 600, 600], load_w=OVER_W + 120_000)
    loop.silent.add(("store", C))
    loop.run([OVER_W + 90_000] * 60)
    loop.silent.clear()
    back = next(second for second in range(60) if loop.step(OVER_W + 90_000)[C] > 0)
    assert 10 <= back <= 12, "ages.release_s"
    loop.run([OVER_W + 120_000] * 10)
    assert loop.plant.grid_w == OVER_W


@pytest.mark.parametrize("what", ["soc", "ready"])
def test_a_stale_or_unready_one_rests_and_its_power_still_counts(what):
    loop = working([600, 600, 600], load_w=OVER_W + 90_000)
    if what == "soc":
        loop.silent.add(("soc", B))
        loop.run([OVER_W + 90_000] * 62)  # ages.soc_ms
    else:
        loop.unready.add(B)
        loop.run([OVER_W + 90_000] * 3)
    assert loop.log[-1][B] == 0
    assert sum(loop.log[-1]) == 90_000
    assert loop.row["flags"] & TRUSTED
    loop.obeys[B] = False
    loop.setpoints[B] = 7000  # it does as it likes
    loop.run([OVER_W + 90_000] * 5)
    assert loop.row["store_w"] == loop.bank.power_w
    assert loop.row["net_w"] == OVER_W + 90_000


def test_all_silent_is_what_one_silent_battery_is():
    loop = working([600, 600, 600])
    loop.silent |= {("store", A), ("store", B), ("store", C)}
    loop.run([OVER_W + 60_000] * 7)
    assert loop.log[-1] == [0, 0, 0]
    assert not loop.row["flags"] & TRUSTED
    loop.silent.clear()
    loop.run([OVER_W + 60_000] * 20)
    assert sum(loop.log[-1]) == 60_000


def test_a_grid_meter_that_is_silent_rests_all():
    loop = working([600, 600, 600])
    loop.silent.add(("grid", 0))
    loop.run([OVER_W + 60_000] * 7)
    assert loop.log[-1] == [0, 0, 0]


def test_an_empty_one_and_a_full_one_do_what_they_can():
    loop = working([100, 900, 500], load_w=OVER_W + 70_000)
    assert loop.log[-1][A] == 0
    assert loop.row["discharge_max_w"] == 150_000
    loop = FleetLoop(three(without=SUNNY), [100, 900, 500])
    loop.run([30_000] * 60, pv_w=130_000)
    assert loop.log[-1][B] == 0
    assert loop.log[-1][A] < 0
    assert loop.row["charge_max_w"] == 150_000


def test_none_leaves_its_window_although_the_sum_is_inside():
    loop = FleetLoop(three(), [130, 900, 900])
    loop.run([OVER_W + 190_000] * 1800)
    assert min(loop.socs) >= 99
    assert loop.socs[B] < 800


@pytest.mark.parametrize(("load_w", "pv_w"), [(OVER_W + 200_000, 0), (0, 200_000)])
def test_a_long_beat_steps_over_no_edge(load_w, pv_w):
    """A minute at full power moves a small battery by 80 per mille."""
    small = {"capacity_wh": 10_000}
    made = several(one("a", **small), one("b"), rules=LIMIT, without=SUNNY, site={"beat_s": 60})
    loop = FleetLoop(made, [500, 500])
    loop.run([load_w] * 150, pv_w)
    assert min(loop.socs) >= 97, "the floor, less what the converter loses of a step"
    assert max(loop.socs) <= 900
    assert min(loop.socs) <= 101 or max(loop.socs) >= 899


# A BMS that does not tell the truth.

def tell(loop: FleetLoop, number: int, soc_pm) -> None:
    """Let a BMS show something else than there is."""
    place = battery_places(loop.names, number)[2]

    def change(inputs) -> None:
        inputs[place] = soc_pm(inputs[place])

    loop.change = change


def test_a_state_of_charge_that_jumps_is_not_believed_and_the_battery_rests():
    loop = working([600, 600, 600], load_w=OVER_W + 90_000)
    tell(loop, B, lambda soc_pm: 1000)
    loop.run([OVER_W + 90_000] * 30)
    assert loop.row["soc_pm"] <= 600, "not counted"
    loop.run([OVER_W + 90_000] * 31)  # ages.soc_ms after the last that was believed
    for _ in range(60):  # it rests as long as it was doubted, and the release time
        assert loop.step(OVER_W + 90_000)[B] == 0
        assert sum(loop.log[-1]) == 90_000
    loop.run([OVER_W + 90_000] * 20)
    assert loop.row["soc_pm"] > 650, "who insists is believed"
    tell(loop, B, lambda soc_pm: soc_pm)
    loop.run([OVER_W + 140_000] * 450)
    assert loop.log[-1][B] > 0


def test_a_slip_of_one_reading_changes_nothing():
    loop = working([600, 600, 600], load_w=OVER_W + 90_000)
    tell(loop, B, lambda soc_pm: 0 if loop.second % 7 == 0 else soc_pm)
    for _ in range(60):
        loop.step(OVER_W + 90_000)
        assert loop.log[-1][B] > 20_000
        assert loop.row["soc_pm"] >= 570


def test_a_state_of_charge_that_stands_still_while_power_flows_is_not_believed():
    loop = working([600, 600, 600], load_w=OVER_W + 110_000)
    stuck = loop.socs[B]
    tell(loop, B, lambda soc_pm: stuck)
    loop.run([OVER_W + 110_000] * 1800)
    assert loop.log[-1][B] == 0
    assert loop.socs[B] >= 600 - 150, "a tenth of its energy, and no more, was drawn unseen"
    assert sum(loop.log[-1]) == 110_000
    tell(loop, B, lambda soc_pm: soc_pm)
    loop.run([OVER_W + 140_000] * 450)
    assert loop.log[-1][B] > 0, "it moves again, and is believed again"


def test_a_week_of_small_cycles_are_no_reason_for_doubt():
    """Losses add up, and the state of charge tells of none."""
    made = three(without=("self_use", "tariff", "export"))
    made["site"]["beat_s"] = 60
    loop = FleetLoop(made, [600, 600, 600], second=0)
    for number in range(7 * 1440):
        loop.step(OVER_W + (90_000 if number // 5 % 2 else -110_000))
        assert not any(unit.doubt.lies for unit in loop.site.fleet)


# What the planner is told.

def told_wh(site):
    """The energy that the planner would be told now."""
    planner, told = site.planner, []

    class Listener:
        busy = True

        def step(self, net_w, store_wh):
            told.append(store_wh)

    site.planner = Listener()
    site.think()
    site.think()  # a beat that closed a minute does not think
    site.planner = planner
    return told[0]


def test_a_short_silence_is_no_news_to_the_planner_and_a_long_one_is():
    loop = working([800, 400, 400])
    before_pm, before_wh = loop.row["soc_pm"], told_wh(loop.site)
    loop.silent |= {("store", A), ("soc", A)}
    for _ in range(600):
        loop.step(OVER_W - 1000)
        assert abs(loop.row["soc_pm"] - before_pm) <= 1
    assert told_wh(loop.site) == pytest.approx(before_wh, rel=0.02)
    loop.run([OVER_W - 1000] * 400)
    reachable_wh = sum((battery.soc_now_pm - 100) * battery.capacity_wh // 1000
                       for battery in loop.bank.batteries[1:])
    assert told_wh(loop.site) == pytest.approx(reachable_wh, rel=0.02)
    loop.silent.clear()
    loop.run([OVER_W - 1000] * 3)
    assert abs(loop.row["soc_pm"] - before_pm) <= 1


def test_what_goes_through_each_battery_is_counted_for_each():
    """One gives 20 kW and another takes 5: the registers of all are 20 and 5, not 15."""
    loop = FleetLoop(three(), [500, 500, 500])
    loop.obeys = [False] * 3
    loop.setpoints = [20_000, -5_000, 0]
    loop.run([100_000] * 30)
    flows = loop.site.flows
    flows.clear()
    loop.run([100_000] * 20)
    assert (flows.discharge_ws, flows.charge_ws) == (20 * 20_000, 20 * 5_000)
    assert flows.net_ws() == 20 * 100_000


def half_told(loop):
    """A BMS that tells half of what its battery moves: too much for Doubt to see."""
    place = battery_places(loop.names, A)[2]

    def change(inputs):
        inputs[place] = 900 - (900 - inputs[place]) // 2

    return change


def test_a_state_of_charge_that_contradicts_the_count_is_out_and_the_others_go_on():
    rules = {"soc_check": {"tolerance_pm": 60, "settle_pm_per_h": 0}, **LIMIT}
    loop = FleetLoop(several(one("a"), one("b"), rules=rules), [900, 900])
    loop.change = half_told(loop)
    for _ in range(3600):
        loop.step(OVER_W + 40_000)
        if loop.site.fleet[A].doubted:
            break
    assert loop.socs[A] >= 900 - 2 * 60 - 30
    assert not loop.site.fleet[B].doubted, "an honest one is believed"
    loop.run([OVER_W + 40_000] * 5)
    assert loop.log[-1] == [0, 40_000]
    assert loop.row["flags"] & TRUSTED


def test_without_the_check_it_is_asked_on():
    loop = FleetLoop(several(one("a"), one("b"), rules=LIMIT), [900, 900])
    loop.change = half_told(loop)
    loop.run([OVER_W + 40_000] * 3600)
    assert not loop.site.fleet[A].doubted
    assert loop.log[-1][A] > 0
    assert loop.socs[A] < 900 - 2 * 60 - 30
