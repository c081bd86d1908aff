"""The plant of an island: energy is conserved whatever happens, and darkness is counted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from boards.site import load
from hil.dut import InProcess
from hil.emulate import Emulator, image_of, plant_of
from hil.feed import factory
from hil.island import Branch, Diesel, IslandPlant
from hil.plants import Battery
from tests.island.clinic import DAY, Clinic, clinic

CLINIC = Path(__file__).resolve().parents[2] / "examples" / "clinic" / "site.toml"
beats = st.lists(st.tuples(
    st.integers(-300_000, 300_000), st.integers(0, 400_000), st.integers(0, 200_000),
    st.integers(0, (1 << 8) - 1), st.booleans(), st.booleans(), st.sampled_from([1, 1, 5, 60])),
    max_size=60)


def plant(forming=True, soc_pm=500):
    return IslandPlant(
        Battery(400_000, 250_000, 250_000, soc_pm=soc_pm), forming=forming, nameplate_w=250_000,
        permit_coil=1, pv_coil=2, diesel=Diesel(160_000, 3, 4, 0, 60, 100_000, low_w=50_000),
        branches=[Branch(80_000, 5, 1), Branch(60_000, 6, 1), Branch(90_000, 7, 0)])


@settings(max_examples=150)
@given(beats, st.booleans(), st.integers(100, 900))
def test_energy_is_conserved_and_what_is_not_supplied_is_told(history, forming, soc_pm):
    made = plant(forming, soc_pm)
    start_uj, drawn_ws, sun_ws = made.battery.stored_uj, 0, 0
    for setpoint_w, load_w, pv_w, coils, up, dead, span_s in history:
        made.load_w, made.pv_w, made.coils, made.grid_up = load_w, pv_w, coils, up
        made.diesel.dead = dead
        made.run(setpoint_w, span_s)
        drawn_ws += made.drawn_w * span_s
        sun_ws += (0 if coils & 2 else pv_w) * span_s
    assert made.imbalance_uj(start_uj) == 0
    assert made.load_ws + made.unserved_ws == drawn_ws
    assert made.pv_ws + made.curtailed_ws == sun_ws
    assert made.unserved_ws >= 0
    assert made.curtailed_ws >= 0
    assert bool(made.unserved_ws) == bool(made.black_s)


def test_an_island_that_nobody_forms_is_black():
    made = plant(forming=False)
    made.load_w, made.grid_up = 100_000, False
    for _ in range(10):
        made.run(0, 1)
    assert made.black_s == 10
    assert made.unserved_ws == 10 * made.drawn_w


def test_a_converter_bears_no_more_than_it_can():
    made = plant()
    made.load_w, made.grid_up = 350_000, False
    made.run(0, 1)
    assert made.black_s == 1


def settled(ages, load_w, soc_pm):
    """Gateway, generator and battery in one loop, with readings so many beats old: the last
    minute's commands and generator powers after a step of the load."""
    site = Clinic(clinic(without=("shed",)))
    for second in range(40):
        site.at(second, grid_w=100_000)
    store_w = gen_w = 0
    powers, commands, seen = [], [], [(0, 0)]
    for more in range(400):
        load = 100_000 if more < 200 else load_w
        gen_w, store_w = load - store_w, store_w
        seen.append((gen_w, store_w))
        gen_age, store_age = (min(age, len(seen) - 1) for age in ages)
        now_ms = 200_000 + (40 + more) * 1000
        store_w = site.at(40 + more, islanded=1, grid_ok=0, grid_w=0, gen_running=1,
                          gen_w=seen[-1 - gen_age][0], store_w=seen[-1 - store_age][1],
                          gen_ms=now_ms - 1000 * gen_age, store_ms=now_ms - 1000 * store_age,
                          soc_pm=soc_pm, day=DAY)
        powers.append(load - store_w)
        commands.append(store_w)
    return powers[-60:], commands[-60:]


@settings(max_examples=40)
@given(st.tuples(st.integers(0, 3), st.integers(0, 3)), st.integers(10_000, 350_000),
       st.sampled_from([250, 500]))
def test_a_generator_is_kept_between_its_least_and_most(ages, load_w, soc_pm):
    """With readings of different age, too, it settles: no limit cycle."""
    powers, commands = settled(ages, load_w, soc_pm)
    assert min(powers) >= 50_000
    assert max(powers) <= 160_000
    assert len(set(commands)) == 1


def test_the_emulator_lives_through_an_outage():
    """The real controller, the shipped factory's load, four hours with two of them dark outside."""
    site = load(CLINIC)
    image = image_of(site, 10)
    made = plant_of(image)
    assert isinstance(made, IslandPlant)
    made.outages = ((3600, 3 * 3600),)
    start_uj = made.battery.stored_uj
    device = InProcess(image)
    start = datetime(2026, 7, 1)
    emulator = Emulator(device, made, factory(start, 10, 1), None, (9678, 0), 10)
    for _ in range(16):
        emulator.quarter()
    assert device.site.fault is None
    assert made.imbalance_uj(start_uj) == 0
    assert made.island_s >= 7200
    assert made.black_s == 0
    assert made.closed
