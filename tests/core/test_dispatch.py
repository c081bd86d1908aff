"""Dispatch: the setpoint it leaves lies inside what the battery says it can do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.devices.roles import Storage
from edge.dispatch import Dispatch
from tests.core.park import snapshot

power = st.integers(-8_000_000, 8_000_000)
limit = st.one_of(st.integers(0, 300_000), st.integers(0, 2**31 - 1))


@given(power, limit, limit, st.integers(0, (1 << 30) - 1))
def test_the_nearest_setpoint_the_battery_can_follow(site_w, charge_w, discharge_w, now_ms):
    storage = Storage(snapshot(), 200_000, 150_000, 5000)
    storage.take("charge_max_w", charge_w, now_ms)
    storage.take("discharge_max_w", discharge_w, now_ms)
    lowest_w, highest_w = -min(charge_w, 200_000), min(discharge_w, 150_000)
    left_w = Dispatch(storage).command(site_w, now_ms)
    assert left_w == sorted((lowest_w, site_w, highest_w))[1]
    assert (storage.setpoint_w, storage.setpoint_ms) == (left_w, now_ms)
