"""A target for each gateway never beats one for all, and neither is worse than no battery."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hil.joint import held, peaks_kw
from hil.optimum import Battery, lowest_peak_kw

KW = st.floats(0, 500)
BATTERY = st.tuples(st.floats(1, 200), st.floats(1, 400)).map(lambda of: Battery(*of, 0.95))
DAYS = st.integers(4, 30).flatmap(lambda n: st.lists(
    st.tuples(st.lists(KW, min_size=n, max_size=n), BATTERY), min_size=1, max_size=3))


@given(st.lists(KW, min_size=1, max_size=40), BATTERY)
def test_the_lowest_target_is_held_to_the_last_slot(load, battery):
    target_kw = lowest_peak_kw(load, battery)
    imports = held(load, target_kw, battery)
    assert max(imports) <= target_kw + 1e-6
    assert all(abs(a - b) <= battery.power_kw + 1e-9 for a, b in zip(load, imports, strict=True))


@given(DAYS)
def test_one_target_is_the_best(gateways):
    loads, batteries = zip(*gateways, strict=True)
    bare_kw, own_kw, joint_kw = peaks_kw(loads, batteries)
    assert joint_kw <= own_kw + 1e-6
    assert joint_kw <= bare_kw + 1e-6
    if len(gateways) == 1:
        assert abs(own_kw - joint_kw) < 1e-6
