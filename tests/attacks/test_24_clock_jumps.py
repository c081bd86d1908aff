"""The wall clock jumps: leases, expiry and the demand window go on as they were."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attacks.commanded import Gateway, command
from tests.core.park import DAY, Park, image

DAY_S = 86_400


def day(year, month, of):
    return (datetime.date(year, month, of) - datetime.date(2000, 1, 1)).days


def seconds_to(year, month, of):
    return (day(year, month, of) - DAY) * DAY_S


JUMPS = {"a day on": DAY_S, "a day back": -DAY_S, "1970": seconds_to(1970, 1, 1),
         "2038": seconds_to(2038, 1, 20), "2100": seconds_to(2100, 3, 1), "an hour on": 3600,
         "an hour back": -3600, "a minute back": -60}


@pytest.mark.parametrize("jump", JUMPS)
def test_a_lease_is_as_long_as_it_was(jump):
    gateway = Gateway()
    assert gateway.hear(command(ttl_s=900)) == ""
    gateway.live(100)
    gateway.live(1, wall_s=JUMPS[jump])
    gateway.live(798)
    assert gateway.held == 1
    gateway.live(1)
    assert gateway.held == 0


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_jumped_dates_nothing_any_more(jump):
    """What had expired stays so, and what is new can be dated by a nonce."""
    gateway = Gateway()
    held_back = command("stop", counter=5, ttl_s=60)  # by a broker, to be let go later
    gateway.live(120)
    gateway.live(40, wall_s=JUMPS[jump] - 160 if JUMPS[jump] == DAY_S else JUMPS[jump])
    gateway.live(40)
    assert gateway.hear(held_back) == "clock"
    nonce = gateway.results[-1].hint
    gateway.live(3)
    assert gateway.hear(command("stop", counter=6, nonce=nonce, ttl_s=60)) == ""
    assert gateway.results[-1].held_s == 57
    assert gateway.held == 1


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(-3 * DAY_S, 3 * DAY_S)), max_size=8),
       st.integers(60, 900))
@settings(max_examples=60)
def test_what_has_expired_once_has_expired(story, ttl_s):
    """However the clock is set while a broker holds a command back: once its time has passed it is
    not accepted, except by a clock slower than a tenth, which nobody could tell from a bad one."""
    gateway = Gateway()
    message = command("stop", ttl_s=ttl_s)
    passed_s = 0
    for wait_s, jump_s in story:
        gateway.live(1, wall_s=jump_s)
        gateway.live(wait_s)
        passed_s += wait_s + 1
    if passed_s > ttl_s * 10 // 9 + 35:
        assert gateway.hear(message) != ""


def test_a_clock_that_runs_a_little_wrong_is_believed():
    """A second an hour, and one of NTP's small corrections now and then."""
    gateway = Gateway()
    for hour in range(30):
        gateway.live(3600)
        gateway.live(1, wall_s=1 if hour % 2 else 2)
    issued = gateway.wall_s
    assert gateway.hear(command(issued=issued)) == ""


@pytest.mark.parametrize("jump", JUMPS)
def test_the_beat_goes_on_and_the_lease_binds(jump):
    """Through the whole controller: no fault, the demand window begins anew, and the battery does
    what the lease says until it ends, a second a beat by the monotonic clock."""
    park = Park(image(rules={"ramp": {"ramp_w_per_s": 8_000_000}},
                      offsets=[[0, 0, 3600], [DAY, 36_030, 7200], [DAY, 36_060, 3600]]))  # DST
    readings = {"grid_w": 300_000, "store_w": 0, "soc_pm": 500, "pv_w": 0}
    setpoints = []
    for beat in range(100):
        wall_s = DAY * DAY_S + 36_000 + beat + (JUMPS[jump] if beat >= 50 else 0)
        now_ms = 1_000_000 + beat * 1000
        if beat == 20:
            park.site.leases.take(6, 0, now_ms + 60_000, now_ms)
        stamps = dict.fromkeys(("grid_ms", "store_ms", "soc_ms", "pv_ms"), now_ms)
        setpoints.append(park.beat(now_ms=now_ms, day=wall_s // DAY_S, second=wall_s % DAY_S,
                                   ready=1, charge_max_w=200_000, discharge_max_w=200_000,
                                   **stamps, **readings))
        assert park.site.fault is None
        assert 0 <= park.site.now.left_s <= 900
        assert 0 <= park.row["demand_w"] <= 1_000_000
        bound = park.site.rule_names.index("command") in (park.row["lo_by"], park.row["hi_by"])
        assert bound == (20 <= beat < 80)
    assert set(setpoints[20:80]) == {0}


@pytest.mark.parametrize("at", [0, 1, 7, 29])
def test_a_clock_that_is_put_back_and_right_again_a_moment_later_has_lied(at):
    """Only as long as it takes to let an old message in."""
    gateway = Gateway()
    gateway.live(1000 + at)
    gateway.live(1, wall_s=-1000)
    assert gateway.hear(command("stop", ttl_s=60)) == "clock"
    gateway.live(1, wall_s=1002)
    assert gateway.hear(command("stop", ttl_s=60, issued=gateway.wall_s)) == "clock"
