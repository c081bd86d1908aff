"""Charging never lifts import above a limit, with all rules on, in sites drawn by chance."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.journal import FIELDS
from hil.dut import InProcess
from hil.emulate import Emulator
from hil.phase_split import Split
from hil.plants import Bank, Battery, Plant
from tests.core.park import DAY, image
from tests.fleet.fleet import one, several

BEAT_S = 15
COMMAND_W = FIELDS.index("command_w")
FREE_W = 8_000_000
GATE = {"import_max_w": FREE_W, "export_max_w": FREE_W, "step_max_w": FREE_W}


class Steps:
    """A quarter-hour of loads, each held for a while."""

    def __init__(self, loads: Sequence[tuple[int, int]], beat_s: int = BEAT_S) -> None:
        watts = [w for w, beats in loads for _ in range(beats)]
        self.watts = [watts[k % len(watts)] for k in range(900 // beat_s)]

    def quarter(self, number: int) -> Sequence[int]:
        return self.watts


loads = st.lists(st.tuples(st.integers(-100_000, 600_000), st.integers(1, 40)), min_size=2,
                 max_size=12)
limits = st.one_of(st.just(FREE_W), st.integers(0, 500_000))
shares = st.sampled_from([(334, 333, 333), (500, 300, 200), (100, 100, 800)])
wished = st.sampled_from([(), ("demand",), ("demand", "tariff", "self_use")])


def site(contract_w: int, share_w: int, phase_w: int, ramp_w: int, without: Sequence[str],
         batteries: int) -> dict[str, Any]:
    """All rules that one site may have together, but those of an island."""
    rules = {"contract": {"import_max_w": contract_w}, "ramp": {"ramp_w_per_s": ramp_w},
             "share": {"safe_w": share_w, "keep_w": share_w}, "soc_check": {},
             "phase": {"import_max_w": phase_w}}
    sections = {"rules": rules, "without": tuple(without), "site": {"beat_s": BEAT_S},
                "gate": GATE}
    if batteries == 1:
        return image(**sections)
    return several(*(one(f"b{k}", charge_max_w=30_000 + 30_000 * k) for k in range(batteries)),
                   **sections)


@settings(max_examples=80, deadline=None)
@given(loads, limits, limits, limits, st.sampled_from([1000, 5000, 50_000, 8_000_000]), wished,
       st.integers(1, 3), shares, st.integers(150, 850))
def test_charging_never_lifts_import_above_any_limit(
        steps, contract_w, share_w, phase_w, ramp_w, without, batteries, split, soc_pm):
    """The battery wishes to charge all the time, and readings are of now."""
    made = site(contract_w, share_w, phase_w, ramp_w, without, batteries)
    device, feed = InProcess(made), Steps(steps)
    device.site.planner.recharge_w = FREE_W
    device.site.planner.slot = lambda *_: None
    each = [Battery(keys["capacity_wh"], keys["charge_max_w"], keys["discharge_max_w"],
                    soc_pm=soc_pm) for keys in made.get("fleet", [made["battery"]])]
    spread = Split(split)
    kept = array("i")
    Emulator(device, Plant(Bank(each) if batteries > 1 else each[0]), feed, None, (DAY, 0),
             BEAT_S, kept.extend, spread).quarter()
    assert device.site.fault is None
    for load_w, w in zip(feed.watts, kept[COMMAND_W::len(FIELDS)], strict=True):
        if w < 0:
            assert load_w - w <= min(contract_w, share_w)
            assert max(spread.grid_w(load_w, 0, w)) <= phase_w + 2  # a third is rounded


def test_and_it_does_charge_up_to_them() -> None:
    """The property above must not hold because the battery is always idle."""
    made = site(300_000, FREE_W, FREE_W, FREE_W, ("demand", "self_use", "tariff"), 3)
    device, feed, kept = InProcess(made), Steps([(220_000, 1)]), array("i")
    device.site.planner.recharge_w = FREE_W
    each = [Battery(keys["capacity_wh"], keys["charge_max_w"], keys["discharge_max_w"], soc_pm=300)
            for keys in made["fleet"]]
    Emulator(device, Plant(Bank(each)), feed, None, (DAY, 0), BEAT_S, kept.extend,
             Split()).quarter()
    assert min(kept[COMMAND_W::len(FIELDS)]) == -80_000
