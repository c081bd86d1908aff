"""Each user of the battery keeps out of the bands below its own floor."""

from __future__ import annotations

import json
from array import array
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil import dut, feed
from hil.emulate import Emulator
from hil.plants import Battery, Plant
from tests.core.park import DAY, Park, image

ISLANDED = 0x100
SCRIPT = Path(__file__).with_name("heap_beats.py")
FLOORS = {"response_floor_pm": 300, "demand_floor_pm": 400, "trade_floor_pm": 550}
OTHERS = ("demand", "tariff", "self_use", "refill", "phase", "contract", "export")
FREE = {"ramp": {"ramp_w_per_s": 8_000_000}}
GATE = {"step_max_w": 16_000_000, "export_max_w": 8_000_000}

floors = st.lists(st.integers(100, 890), min_size=3, max_size=3).map(sorted)
wishes = st.integers(-200_000, 200_000)


class Users:
    """A park with someone behind each word of the bands: a response, a peak, a trade."""

    def __init__(self, keys: dict[str, int], beat_s: int = 1) -> None:
        self.park = Park(image(without=OTHERS, gate=GATE, site={"beat_s": beat_s},
                               rules={**FREE, "bands": keys}))
        self.wishes = [0, 0, 0]
        self.islanded = False
        site = self.park.site
        places = [k for k, name in enumerate(site.rule_names[1:]) if name == "bands"]
        for n in (2, 1, 0):
            site.rules.insert(places[n] + 1, self._speaker(n))
        site.rules.insert(0, self._island)

    def _speaker(self, n):
        def speak(now):
            w = self.wishes[n]
            if w > 0:
                self.park.site.envelope.at_least(w, 15)
            elif w < 0:
                self.park.site.envelope.at_most(w, 15)
        return speak

    def _island(self, now):
        if self.islanded:
            now.flags |= ISLANDED

    def beats(self, soc_pm: int) -> int:
        w = 0
        for second in range(1, 13):
            w = self.park.fresh_beat(second * self.park.site.beat_s, grid_w=400_000, store_w=0,
                                     soc_pm=soc_pm, pv_w=0)
        assert self.park.site.fault is None
        return w


@settings(max_examples=200, deadline=None)
@given(floors, st.lists(wishes, min_size=3, max_size=3), st.integers(101, 899),
       st.sampled_from([1, 60]), st.integers(0, 899))
def test_nobody_discharges_below_its_own_floor(levels, wished, soc_pm, beat_s, called_pm):
    users = Users(dict(zip(FLOORS, levels, strict=True)), beat_s)
    users.wishes = wished
    users.park.site.bands.called_pm = called_pm
    w = users.beats(soc_pm)
    own = [levels[0], max(levels[1], called_pm), max(levels[2], called_pm)]
    allowed = [wish for wish, floor in zip(wished, own, strict=True) if soc_pm > floor]
    assert w <= max([0, *allowed])
    if min(wished) >= 0 and beat_s == 1:
        assert w == max([0, *allowed]), "and what is allowed is done"
    # A long beat does not step over the floor it may go to.
    used_pm = w * beat_s * 1000 // 3600 // 400_000
    assert w <= 0 or soc_pm - used_pm >= min(own) - 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 200_000), min_size=3, max_size=3), st.integers(110, 899))
def test_on_its_own_the_site_may_use_everything(wished, soc_pm):
    users = Users({**FLOORS, "backup_charge_w": 50_000})
    users.wishes, users.islanded = wished, True
    assert users.beats(soc_pm) == max(wished)


@pytest.mark.parametrize(("soc_pm", "w"), [(299, -60_000), (300, -20_000), (549, -20_000),
                                           (550, 0)])
def test_backup_is_charged_first_and_at_any_price(soc_pm, w):
    users = Users({**FLOORS, "backup_charge_w": 60_000, "response_charge_w": 20_000})
    assert users.beats(soc_pm) == w
    users.wishes = [0, 0, 200_000]
    assert users.beats(soc_pm) == w, "a trade does not stop it"
    users.wishes = [0, 50_000, 0]
    assert users.beats(soc_pm) == (50_000 if soc_pm > 400 else 0), \
        "a peak does; below its floor it only stops the charging"


def day(bands: dict[str, int] | None, soc_pm: int) -> tuple[list[int], list[int]]:
    """States of charge and powers of a factory's day with tariff and demand, at a beat a minute."""
    without = ("phase",) if bands else ("phase", "bands")
    made = image(without=without, site={"beat_s": 60}, telemetry={"period_s": 60},
                 battery={"lease_ms": 120_000}, gate={"step_max_w": 16_000_000},
                 rules={"bands": bands} if bands else {})
    device = dut.InProcess(made)
    plant = Plant(Battery(400_000, 200_000, 200_000, soc_pm=soc_pm))
    rows: list[array[int]] = []
    emulator = Emulator(device, plant, feed.factory(datetime(2026, 7, 1), 60, 2), None,
                        (DAY, 57_600), 60, rows.append)
    for _ in range(2 * feed.QUARTERS):
        emulator.quarter()
    assert device.site.fault is None
    fields = __import__("edge.journal").journal.FIELDS
    width = len(fields)
    column = {name: [value for block in rows for value in block[fields.index(name)::width]]
              for name in ("soc_pm", "command_w")}
    return column["soc_pm"], column["command_w"]


def test_a_day_of_trade_and_peaks_stays_in_its_bands():
    free, _ = day(None, 600)
    kept, powers = day({**FLOORS, "demand_floor_pm": 550}, 600)
    assert min(free[96 * 15:]) < 400, "without bands this day uses more"
    assert min(kept) >= 549
    assert max(powers) > 20_000, "and it does trade above them"


def test_an_empty_backup_is_filled_under_the_demand_target():
    socs, _ = day({**FLOORS, "backup_charge_w": 100_000, "response_charge_w": 30_000}, 120)
    reached = next(k for k, soc in enumerate(socs) if soc >= 300)
    assert reached < 60, "72 kWh at 100 kW, with losses"
    assert min(socs[reached + 300:]) >= 399


def test_no_heap_and_the_same_commands_on_a_gateway(micropython, tmp_path):
    from tests.core.test_heap import inputs

    made = image(without=("phase",), rules={
        "bands": {**FLOORS, "backup_charge_w": 60_000, "response_charge_w": 20_000}})
    image_path, inputs_path = tmp_path / "site.json", tmp_path / "inputs"
    image_path.write_text(json.dumps(made))
    rows = [array("i", row[:14]) for row in inputs(1, 900_000, 5)]
    inputs_path.write_bytes(b"".join(row.tobytes() for row in rows))
    said = micropython.run(SCRIPT, image_path, inputs_path, heap="2m").stdout
    device = dut.InProcess(made)
    commands = 0
    for row in rows:
        commands += device.beat(row) != 0
        if device.site.telemetry.oldest() is not None:
            device.site.telemetry.taken()
    assert said.split("\n")[-2] == f"beats 5000 violations 0 commands {commands}", said
    assert commands > 500


class Listener:
    """In the planner's place: the energies it was told, none of them below 0."""

    busy = True

    def __init__(self):
        self.told = []

    def step(self, net_w, store_wh):
        self.told.append(max(store_wh, 0))


@given(floors, st.integers(0, 1000))
def test_the_planner_has_what_lies_above_the_trading_floor(levels, soc_pm):
    site = Park(image(rules={"bands": dict(zip(FLOORS, levels, strict=True))})).site
    site.now.soc_pm = soc_pm
    assert site.planner.scale.full == (900 - levels[2]) * 400 * 4 // 200 * 1000
    site.planner = Listener()
    site.think()
    assert site.planner.told == [max(soc_pm - levels[2], 0) * 400]
