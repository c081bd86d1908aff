"""Energy and carbon balance at every step, to the Wh and the microgram."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from edge.ledger.matrix import GRID, PV, Matrix
from edge.ledger.pool import Pool
from edge.ledger.views import View

wh = st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 20_000), st.integers(0, 150_000))
factor = st.one_of(st.just(0), st.integers(1, 2_000_000), st.sampled_from([832_500, 530_600]))
factors = st.lists(factor, min_size=5, max_size=5)
step = st.tuples(
    st.lists(wh, min_size=5, max_size=5), st.lists(wh, min_size=2, max_size=2), st.booleans(),
    st.one_of(st.none(), st.tuples(st.integers(0, 400_000), st.integers(0, 2000))))
steps = st.lists(step, min_size=1, max_size=25)


@dataclass
class Busbar:
    """The parts as a book steps them, with a second book-keeping of what went in."""

    rows: list[list[int]]
    matrix: Matrix = field(default_factory=Matrix)
    pool: Pool = field(default_factory=Pool)

    def __post_init__(self):
        self.views = [View(row) for row in self.rows]
        self.emitted = [0] * len(self.views)

    def step(self, sources, asked, measured=True):
        self.matrix.step(sources, asked, measured)
        flows = self.matrix.flows
        self.pool.step(flows)
        if self.pool.drawn_wh:
            self.pool.trace(flows)
        for i, view in enumerate(self.views):
            view.step(flows)
            view.draw(flows, self.pool)
            self.emitted[i] += sum(view.factors[k] * sources[k] for k in (0, 1, 3, 4))

    def settle(self, measured_wh, slack_wh):
        self.pool.settle(*self.pool.drift(measured_wh, slack_wh))
        for view in self.views:
            view.settle(self.pool)


@given(steps, st.lists(factors, min_size=1, max_size=4))
def test_carbon_in_is_carbon_out_at_every_step(steps, rows):
    bar = Busbar(rows)
    for sources, asked, measured, settled in steps:
        bar.step(sources, asked, measured)
        if settled:
            bar.settle(*settled)
        for view, emitted in zip(bar.views, bar.emitted, strict=True):
            parts = (view.load, view.export, view.loss, view.inventory)
            assert emitted + view.adjusted == sum(parts)
            assert min(*parts, view.adjusted) >= 0


@given(steps, factors)
def test_energy_in_is_energy_out_and_no_origin_is_lost(steps, row):
    bar = Busbar([row])
    charged = discharged = 0
    asked_so_far = [0, 0]
    booked = [0, 0]
    for sources, asked, measured, settled in steps:
        bar.step(sources, asked, measured)
        flows = bar.matrix.flows
        assert min(flows) >= 0
        assert [sum(flows[3 * i:3 * i + 3]) for i in range(5)] == sources
        for i in range(2):
            asked_so_far[i] += asked[i]
            booked[i] += sum(flows[i + 1::3])
            assert booked[i] + bar.matrix.owed[i] == asked_so_far[i]
        charged += sum(flows[1::3])
        discharged += sources[2]
        if settled:
            before = bar.pool.wh
            bar.settle(*settled)
            told_wh, slack_wh = settled
            assert bar.pool.wh == min(max(before, told_wh - slack_wh), told_wh + slack_wh)
        pool = bar.pool
        assert charged + pool.gained == discharged + pool.lost + pool.wh
        assert min(pool.origin) >= 0
        assert sum(pool.origin) == pool.wh >= 0
        assert [sum(pool.traced[j::3]) for j in range(3)] == bar.matrix.total[6:9]


@given(steps, factors)
def test_the_pool_never_gets_dirtier_than_the_worst_that_flowed_in(steps, row):
    bar = Busbar([row])
    for number, (sources, asked, measured, settled) in enumerate(steps):
        view = bar.views[0]
        bar.step(sources, asked, measured)
        if settled:
            inventory, wh, gained = view.inventory, bar.pool.wh, bar.pool.gained
            bar.settle(*settled)
            if bar.pool.gained == gained:  # a loss alone leaves no dirtier Wh
                assert view.inventory * wh <= inventory * bar.pool.wh
        assert view.inventory <= max(row) * bar.pool.wh + 4 * (number + 1)


@given(st.lists(st.tuples(wh, wh, wh), max_size=20), factors)
def test_without_a_battery_all_that_was_emitted_left_at_once(steps, row):
    bar = Busbar([row])
    for grid, pv, export in steps:
        bar.step([grid, 0, 0, 0, pv], [0, export])
    view = bar.views[0]
    assert view.load + view.export == bar.emitted[0]
    assert (view.inventory, view.loss, view.adjusted, bar.pool.wh) == (0, 0, 0, 0)


@given(st.lists(st.tuples(wh, wh, wh), max_size=20))
def test_what_the_sun_charged_is_clean_and_comes_out_as_the_suns(steps):
    """PV alone, with losses between: zero everywhere, and every Wh discharged is traced to PV."""
    bar = Busbar([[832_500, 800_000, 832_500, 0, 0]])
    for pv, charge, discharge in steps:
        charge = min(charge, pv)
        discharge = min(discharge, bar.pool.wh)
        bar.step([0, 0, discharge, 0, pv], [charge, 0])
        bar.settle(bar.pool.wh * 19 // 20, 0)
    view = bar.views[0]
    assert (view.load, view.export, view.loss, view.inventory, view.adjusted) == (0,) * 5
    assert sum(bar.pool.traced[:12]) == 0
    assert sum(bar.pool.traced[3 * PV:]) == sum(bar.matrix.total[6:9])


@given(st.lists(st.tuples(wh, wh), min_size=1, max_size=20))
def test_what_the_grid_charged_brings_its_carbon_out_again(steps):
    """Nothing is lost and all is discharged: the load carries every microgram of the import."""
    bar = Busbar([[832_500, 0, 999_999, 0, 0]])
    for grid, charge in steps:
        charge = min(charge, grid)
        bar.step([grid, 0, min(7, bar.pool.wh), 0, 0], [charge, 0])
    bar.step([0, 0, bar.pool.wh, 0, 0], [0, 0])
    assert bar.views[0].inventory == 0
    assert bar.views[0].load == bar.emitted[0]
    assert sum(bar.pool.traced[3 * GRID:3 * GRID + 3]) == sum(bar.matrix.total[6:9])


def test_the_losses_of_a_cycle_are_carbon_that_never_reaches_the_load():
    """1000 kWh in at 0.8325 kg/kWh, 880 out: 832.5 kg, of which the lost 120 kWh carry 99.9."""
    bar = Busbar([[832_500, 0, 832_500, 0, 0]])
    bar.step([1_000_000, 0, 0, 0, 0], [1_000_000, 0])
    bar.settle(880_000, 0)
    bar.step([0, 0, 880_000, 0, 0], [0, 0])
    view = bar.views[0]
    assert (view.load, view.loss, view.inventory) == (732_600_000_000, 99_900_000_000, 0)


def test_energy_out_of_nowhere_is_not_clean():
    bar = Busbar([[832_500, 0, 900_000, 0, 0]])
    bar.step([0, 0, 10, 0, 0], [0, 0])  # 10 Wh out of an empty battery
    assert (bar.views[0].load, bar.views[0].adjusted) == (9_000_000, 9_000_000)
    bar.settle(100, 0)  # and 100 in it at once
    assert (bar.views[0].inventory, bar.pool.origin[2]) == (90_000_000, 100)


def test_a_coarse_state_of_charge_is_not_booked_to_and_fro():
    bar = Busbar([[832_500, 0, 832_500, 0, 0]])
    bar.step([1000, 0, 0, 0, 0], [1000, 0])
    for told_wh in (900, 1100, 950, 1050, 900):
        bar.settle(told_wh, 100)
    assert (bar.pool.lost, bar.pool.gained) == (0, 0)


def test_a_new_factor_does_not_touch_what_is_in_store():
    bar = Busbar([[100, 0, 100, 0, 0]])
    bar.step([10, 0, 0, 0, 0], [10, 0])
    bar.views[0].factors = [900, 0, 900, 0, 0]
    bar.step([0, 0, 10, 0, 0], [0, 0])
    assert bar.views[0].load == 1000


@given(st.lists(wh, min_size=5, max_size=5), st.lists(wh, min_size=2, max_size=2))
def test_a_gap_gives_the_grid_to_the_load_first(sources, asked):
    bar = Busbar([[832_500, 0, 832_500, 0, 0]])
    bar.step(sources, asked, measured=False)
    flows = bar.matrix.flows
    load = sum(flows[::3])
    assert flows[0] == min(sources[GRID], load)
    if flows[3 * GRID + 2]:
        assert sum(flows[3::3]) == 0, "no other source feeds the load while the grid is exported"
