"""Any bit of a command flipped, any end cut off, any byte added: not accepted."""

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import quota, tags
from tests.attacks.commanded import BY_NUMBER, SECOND, Gateway, command
from tests.core.park import DAY
from tests.fuzz import command as fuzz

NOW = DAY * 86_400 + SECOND
ALL = [command(), command("setpoint", -50_000, 1), command("release"), command("floor", 400, key=2)]


@pytest.fixture
def free(monkeypatch):
    """A gateway that looks at every tag, however many come in a second."""
    monkeypatch.setattr(quota.Quota, "take", lambda self, now_ms: True)
    return Gateway()


@pytest.mark.parametrize("message", ALL)
def test_no_bit_can_be_flipped(free, message):
    for bit in range(8 * len(message)):
        other = bytearray(message)
        other[bit // 8] ^= 1 << bit % 8
        assert free.hear(bytes(other)) in ("tag", "format", "algorithm", "key"), bit
    assert free.commands.accepted == 0
    assert free.hear(message) == ""  # and it is a command


@pytest.mark.parametrize("message", ALL)
def test_nothing_can_be_cut_off_or_added(free, message):
    for n in range(len(message)):
        assert free.hear(message[:n]) != ""
        assert free.hear(message[n + 1:]) != ""
    for byte in range(256):
        assert free.hear(message + bytes([byte])) == "tag"
        assert free.hear(bytes([byte]) + message) != ""
    assert free.held == 0


@given(st.binary(max_size=260))
def test_whatever_comes_is_refused_with_a_reason(data):
    gateway = Gateway()
    assert gateway.hear(data) in ("size", "format", "algorithm", "key", "tag", "flood")


@given(st.binary(min_size=20, max_size=150), st.integers(0, 1))
def test_whatever_the_holder_of_a_key_writes_is_judged(rest, which):
    """The tag is right, the rest anything: refused, and told to whoever can read it."""
    gateway = Gateway()
    head = bytes([0x9A, 1, 1, 1 + which])
    for body in (head + rest, head + b"\xa3p/g" + rest):
        message = body + tags.command_tag(BY_NUMBER[1 + which], body)
        assert gateway.hear(message) in ("gateway", "format", "size")
    assert gateway.results[0].is_true


@pytest.mark.parametrize("algorithm", [0, 2, 3, 17, 18, 127])
def test_an_algorithm_that_is_named_or_unknown_is_refused(algorithm):
    assert Gateway().hear(command(algorithm=algorithm)) == "algorithm"


@pytest.mark.parametrize("key", [3, 9])
def test_only_the_present_key_and_the_next_are_believed(key):
    assert Gateway().hear(command(key=key)) == "key"


def test_another_gateways_keys_are_none():
    assert Gateway().hear(command(root=bytes(32))) == "tag"


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.builds(
    lambda counter, ttl_s, verb, args: msgpack.packb([0, counter, NOW, ttl_s, verb, args])[1:],
    st.integers(0, 1 << 33), st.integers(-1, 20_000), st.integers(-1, 130),
    st.lists(st.integers(-9_000_000, 9_000_000), max_size=4))))
def test_a_slice_of_the_fuzzer(data):
    fuzz.one(data)
