"""Roles: an impossible value is refused and never stamped; what is old never looks new again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.devices.roles import GridMeter, Pv, Storage
from edge.journal import FIELDS
from edge.snapshot import Snapshot
from edge.ticks import ticks_add
from tests.core.park import snapshot

PERIOD = 1 << 30
SMALL = 1 << 30
ticks = st.one_of(st.integers(0, PERIOD - 1), st.sampled_from([0, PERIOD - 1, PERIOD // 2]))
wild = st.one_of(st.integers(-(2**63), 2**63), st.integers(-8_000_002, 8_000_002),
                 st.integers(-3, 1003))
ROLES = {"grid": lambda: GridMeter(snapshot()),
         "storage": lambda: Storage(snapshot(), 200_000, 150_000, 5000),
         "pv": lambda: Pv(snapshot())}
AGES = {"grid_w": "grid_age_ms", "store_w": "store_age_ms", "soc_pm": "soc_age_ms",
        "pv_w": "pv_age_ms"}
SIGNALS = [(role, signal) for role, make in ROLES.items() for signal in make().SIGNALS]


def shown(role, now_ms: int) -> Snapshot:
    """The snapshot as a beat at now_ms sees it."""
    role.now.settle(now_ms)
    return role.now


def age_ms(now: Snapshot, signal: str) -> int:
    """How old the snapshot takes a signal to be, as its row tells."""
    return now.row[FIELDS.index(AGES[signal])]


def possible(signal: str, value: int) -> bool:
    if signal in ("grid_w", "store_w", "pv_w"):
        return -8_000_000 <= value <= 8_000_000
    if signal == "soc_pm":
        return 0 <= value <= 1000
    return value >= 0


@pytest.mark.parametrize(("name", "signal"), SIGNALS)
@given(value=wild, stamp=ticks)
def test_take_keeps_what_is_possible_and_refuses_the_rest(name, signal, value, stamp):
    role = ROLES[name]()
    assert role.take(signal, value, stamp) is possible(signal, value)
    age = AGES.get(signal)
    if age:
        now = shown(role, ticks_add(stamp, 1234))
        if possible(signal, value):
            assert (getattr(now, signal), age_ms(now, signal)) == (value, 1234)
        else:
            assert age_ms(now, signal) > 3_600_000, "a refused value must not look read"
            assert getattr(now, signal) == 0


@pytest.mark.parametrize(("name", "signal"), [pair for pair in SIGNALS if pair[1] in AGES])
@given(bad=wild, stamp=ticks, later=st.integers(1, 1_000_000))
def test_a_refused_value_does_not_refresh_the_last_good_one(name, signal, bad, stamp, later):
    role = ROLES[name]()
    role.take(signal, 7, stamp)
    again = ticks_add(stamp, later)
    taken = role.take(signal, bad, again)
    now = shown(role, again)
    assert age_ms(now, signal) == (0 if taken else later)
    assert getattr(now, signal) == (bad if taken else 7)


@pytest.mark.parametrize("name", ROLES)
@given(signal=st.text(max_size=12), value=wild, stamp=ticks)
def test_an_unknown_signal_is_refused(name, signal, value, stamp):
    role = ROLES[name]()
    if signal not in role.SIGNALS:
        assert role.take(signal, value, stamp) is False


@pytest.mark.parametrize(("name", "signal"), [pair for pair in SIGNALS if pair[1] in AGES])
@settings(max_examples=40)
@given(stamp=ticks, pauses=st.lists(st.integers(1, 90_000_000), min_size=20, max_size=40))
def test_a_silent_device_only_ages_also_past_the_period_of_the_ticks(name, signal, stamp, pauses):
    """Beats go on for weeks; the last reading never looks young again."""
    role = ROLES[name]()
    role.take(signal, 7, stamp)
    waited, oldest = 0, 0
    for pause in pauses:
        waited += pause
        age = age_ms(shown(role, ticks_add(stamp, waited % PERIOD - PERIOD * (
            waited % PERIOD >= PERIOD // 2))), signal)
        assert age >= min(waited, 90_000_000)
        assert age >= oldest
        assert age < SMALL
        oldest = age


@pytest.mark.parametrize(("name", "signal"), [pair for pair in SIGNALS if pair[1] in AGES])
@given(now_ms=ticks)
def test_what_was_never_read_is_older_than_any_limit(name, signal, now_ms):
    age = age_ms(shown(ROLES[name](), now_ms), signal)
    assert 3_600_000 < age < SMALL


@given(st.integers(0, 2**31), st.integers(0, 2**31))
def test_a_battery_never_claims_more_than_its_rating(charge_w, discharge_w):
    storage = Storage(snapshot(), 200_000, 150_000, 5000)
    storage.take("charge_max_w", charge_w, 0)
    storage.take("discharge_max_w", discharge_w, 0)
    now = shown(storage, 0)
    assert now.charge_max_w == min(charge_w, 200_000)
    assert now.discharge_max_w == min(discharge_w, 150_000)
