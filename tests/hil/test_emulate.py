"""The emulator: energy is conserved, the controller is not told the future, bounds are counted."""

from __future__ import annotations

from array import array
from pathlib import Path

from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.site import load
from edge.journal import FIELDS
from hil.__main__ import main
from hil.bounds import GATE, IDLE, Bounds
from hil.emulate import image_of, plant_of, window_pm
from hil.emulation import Order, emulate, feeds_of
from hil.figures import figures
from hil.report import page
from hil.summary import text
from hil.trace import kwh, peak_kw, quarterly, stored_kwh
from tests.hil.little import FOUNDRY, ROOT, Scripted, emulator, foundry

LOADS = st.lists(st.integers(-300_000, 550_000), min_size=2, max_size=12)
SETPOINTS = st.lists(st.integers(-250_000, 250_000), min_size=1, max_size=40)


@given(LOADS, SETPOINTS, st.sampled_from([10, 30, 60]))
@settings(max_examples=40)
def test_energy_is_conserved_whatever_is_commanded(loads: list[int], setpoints: list[int],
                                                   beat_s: int) -> None:
    scripted = Scripted(setpoints, len(FIELDS))
    emulated = emulator(loads, beat_s=beat_s, dut=scripted)
    plant, trace = emulated.plant, emulated.trace
    start_uj = plant.battery.stored_uj
    for _ in loads:
        emulated.quarter()
    assert plant.imbalance_uj(start_uj) == 0
    assert sum(trace.import_ws) == plant.import_ws
    assert sum(trace.load_ws) == plant.load_ws == sum(loads) * 900
    assert sum(trace.store_ws) == plant.battery.discharged_ws - plant.battery.charged_ws
    assert sum(trace.grid_ws()) == plant.import_ws - plant.export_ws
    assert trace.stored_uj[-1] == plant.battery.stored_uj


@given(LOADS, st.data())
@settings(max_examples=20)
def test_a_controller_is_not_told_the_future(loads: list[int], data: st.DataObject) -> None:
    """Whatever the load does from some quarter-hour on, what went before stays the same."""
    at = data.draw(st.integers(1, len(loads)))
    other = loads[:at] + [w // 2 - 7_000 for w in loads[at:]]
    rows: list[array[int]] = []
    for watts in (loads, other):
        seen = array("i")
        emulated = emulator(watts, keep=seen.extend)
        for _ in range(at):
            emulated.quarter()
        rows.append(seen)
    assert rows[0] == rows[1]


def test_the_instruments_agree_with_the_plant() -> None:
    scripted = Scripted([40_000, -30_000, 0], len(FIELDS))
    emulated = emulator([100_000, 200_000], pv=[5_000, 6_000], dut=scripted)
    emulated.quarter()
    emulated.quarter()
    first, second = scripted.shown[0], scripted.shown[1]
    assert first["grid_w"] == 95_000
    assert first["soc_pm"] == window_pm(image_of(foundry()))[1]
    assert second["store_w"] == 40_000  # what the first beat commanded
    assert second["grid_w"] == 100_000 - 5_000 - 40_000
    assert second["now_ms"] - first["now_ms"] == 60_000
    assert all(shown["grid_ms"] == shown["now_ms"] for shown in scripted.shown)
    assert [shown["pv_w"] for shown in scripted.shown] == [5_000] * 15 + [6_000] * 15


def test_a_park_without_pv_has_a_silent_pv() -> None:
    scripted = Scripted([0], len(FIELDS))
    emulator([1000], dut=scripted).quarter()
    assert {shown["pv_ms"] for shown in scripted.shown} == {-1}


def test_the_clock_passes_midnight_and_the_end_of_the_ticks() -> None:
    scripted = Scripted([0], len(FIELDS))
    emulated = emulator([1000] * 96 * 13, dut=scripted)
    for _ in range(96 * 13):
        emulated.quarter()
    moments = [(shown["day"], shown["second"]) for shown in scripted.shown]
    assert moments[1439:1441] == [(9657, 86340), (9658, 0)]
    assert all(0 <= shown["now_ms"] < 1 << 30 for shown in scripted.shown)


def test_the_plant_is_the_one_of_the_site_file() -> None:
    image = image_of(foundry())
    battery = plant_of(image).battery
    assert (battery.charge_max_w, battery.discharge_max_w) == (200_000, 200_000)  # the nameplate
    assert battery.soc_now_pm == 900
    assert battery.charge_ppm == 948_683  # the square root of 0.9


def test_a_longer_beat_lengthens_lease_and_step_and_changes_the_image() -> None:
    site = foundry()
    usual, slow = image_of(site), image_of(site, 60)
    assert image_of(site, 1) == usual
    assert slow["battery"]["lease_ms"] == 120_000
    assert slow["gate"]["step_max_w"] == 60 * usual["gate"]["step_max_w"]
    assert slow["hash"] != usual["hash"]


def test_peaks_of_blocks_and_of_a_sliding_window() -> None:
    minutes = [0] * 10 + [60_000 * 90] * 10 + [0] * 10  # ten minutes of 90 kW over an edge
    assert peak_kw(minutes) == 30
    assert peak_kw(minutes, sliding=True) == 60
    assert peak_kw([]) == 0


def test_what_is_stored_is_what_the_trace_says() -> None:
    emulated = emulator([10_000], dut=Scripted([-100_000], len(FIELDS)))
    emulated.plant.battery.stored_uj //= 2
    before = emulated.plant.battery.stored_uj
    emulated.quarter()
    charged = kwh(-quarterly(emulated.trace.store_ws)[0])
    gained = stored_kwh(emulated.trace.stored_uj[0] - before)
    assert charged == 25
    assert abs(gained - 25 * 0.948683) < 1e-9


def test_bounds_are_counted_by_who_decided() -> None:
    fields = {name: at for at, name in enumerate(FIELDS)}

    def row(**values: int) -> array[int]:
        found = array("i", bytes(4 * len(FIELDS)))
        for name, value in values.items():
            found[fields[name]] = value
        return found

    rows = array("i")
    for one in (row(lo_w=-9, lo_by=0, hi_w=9, hi_by=3),  # nobody insists
                row(lo_w=5, lo_by=2, hi_w=9, hi_by=3, chosen_w=5, command_w=5),
                row(lo_w=-9, lo_by=2, hi_w=-4, hi_by=3, chosen_w=-4, command_w=-4),
                row(lo_w=5, lo_by=2, hi_w=9, hi_by=3, chosen_w=5, command_w=0, verdict=1),
                row(lo_w=7, lo_by=2, hi_w=9, hi_by=3, chosen_w=7, command_w=7)):
        rows.extend(one)
    bounds = Bounds()
    bounds.take(rows)
    assert bounds.ruled == {IDLE: 1, 2: 2, 3: 1, GATE: 1}
    assert bounds.low == {0: 1, 2: 4}
    assert bounds.high == {3: 5}
    assert bounds.verdicts == {0: 4, 1: 1}
    assert bounds.strip == [2]
    assert bounds.fault is None
    bounds.take(row(flags=64))
    assert bounds.fault is not None


CLINIC = ROOT / "examples" / "clinic" / "site.toml"


def test_a_day_with_an_outage(tmp_path: Path) -> None:
    """On each day reported and not in the warm-up; what has not flowed is not in the trace."""
    order = Order(load(CLINIC), beat_s=60, days=2, warm_up_days=1,
                  outages=((36_000, 43_200), (64_800, 68_400)))
    run = emulate(order, feeds_of(order), tmp_path, lambda quarters: None)
    assert run.balance_uj == 0
    assert sum(run.trace.import_ws) == run.after.import_ws - run.before.import_ws
    exported_ws = run.after.export_ws - run.before.export_ws
    assert sum(run.trace.grid_ws()) == sum(run.trace.import_ws) - exported_ws
    dark = [ws for day in range(2) for at in (600, 1080)
            for ws in run.trace.import_ws[1440 * day + at:1440 * day + at + 60]]
    assert not any(dark)
    assert 2 * 3 * 3600 <= run.life["island_s"] <= 2 * 3 * 3600 + 4 * 900
    found = figures(run)
    assert found["island"] == run.life
    assert "Without the grid for" in text(found)
    assert page(run, found).count('class="dark"') == 5, "two spans in two widths, and the legend"


def test_an_outage_needs_a_site_that_can_be_without_the_grid(tmp_path: Path) -> None:
    for site, span, said in ((FOUNDRY, "10:00-11:00", "found no [rules.island]"),
                             (CLINIC, "11:00-10:00", "ends before it begins"),
                             (CLINIC, "soon", "expected times of the day as 10:00-11:30")):
        done = CliRunner().invoke(main, ["emulate", str(site), "--outage", span, "--out",
                                         str(tmp_path)])
        assert done.exit_code != 0
        assert said in " ".join(done.output.split())
