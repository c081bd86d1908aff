"""A command that has expired, or was issued in the future, with a clock and without one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attacks.commanded import SECOND, Gateway, command
from tests.core.park import DAY

NOW = DAY * 86_400 + SECOND


@given(st.integers(-200, 2000), st.integers(1, 1000))
def test_by_the_clock_it_holds_until_it_would_have_expired(age_s, ttl_s):
    gateway = Gateway()
    reason = gateway.hear(command(issued=NOW - age_s, ttl_s=ttl_s))
    assert reason == ("future" if age_s < -90 else "expired" if age_s >= ttl_s else "")
    if not reason:
        assert gateway.results[-1].held_s == ttl_s - max(age_s, 0)


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_without_a_clock_it_is_no_older_than_its_nonce(age_s, ttl_s):
    gateway = Gateway(clock_set=False)
    assert gateway.hear(command()) == "clock"
    nonce = gateway.results[-1].hint
    gateway.live(age_s)
    reason = gateway.hear(command(nonce=nonce, ttl_s=ttl_s, issued=0, counter=2))
    assert reason == ("expired" if age_s >= ttl_s else "")


def test_a_nonce_is_of_one_life_and_not_to_be_guessed():
    gateway = Gateway(clock_set=False)
    for nonce in (1, 0xFFFFFFFF):
        assert gateway.hear(command(nonce=nonce)) == "nonce"
    nonce = gateway.results[-1].hint
    assert Gateway(gateway.device, clock_set=False).hear(command(nonce=nonce)) == "nonce"
    assert gateway.hear(command(nonce=nonce)) == ""


def test_nonces_differ():
    given_away = set()
    for _ in range(20):
        gateway = Gateway(clock_set=False)
        gateway.hear(command())
        given_away.add(gateway.results[-1].hint)
    assert len(given_away) == 20


@pytest.mark.parametrize(("verb", "args", "ttl_s"), [
    ("stop", (), 14_401), ("stop", (), 0), ("setpoint", (1, 1), 901), ("stop", (), -1),
    ("stop", (), 1 << 40)])
def test_nobody_asks_for_longer_than_the_site_allows(verb, args, ttl_s):
    gateway = Gateway()
    assert gateway.hear(command(verb, *args, ttl_s=ttl_s)) == "ttl"


@pytest.mark.parametrize(("verb", "args"), [
    ("limit-import", (-1,)), ("limit-import", (8_000_001,)), ("floor", (1001,)), ("floor", (-1,)),
    ("setpoint", (8_000_001, 0)), ("setpoint", (0, 2)), ("setpoint", (0,)), ("stop", (0,)),
    ("limit-charge", (1, 2)), ("limit-charge", (1 << 40,)), ("setpoint", (0, 0, 0, 0))])
def test_arguments_outside_their_range_are_refused(verb, args):
    assert Gateway().hear(command(verb, *args)) in ("arguments", "format")
