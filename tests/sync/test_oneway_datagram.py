"""A datagram of a one-way line, opened: nothing but what a gateway sealed is believed."""

import time

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cloud_bridge.oneway import Joiner, Keys, Refused, unseal
from tests.fuzz.oneway import one
from tests.sync.oneway import HEAD, KEY, Gateway, datagram, keys_in, put_key, seal


@pytest.fixture
def keys(tmp_path):
    return Keys(keys_in(tmp_path))


def refusal(data, keys):
    with pytest.raises(Refused) as refused:
        unseal(data, keys)
    return str(refused.value)


def test_no_flipped_bit_and_no_other_length_is_accepted(keys):
    gateway = Gateway()
    gateway.append(1, 40)
    gateway.pass_time(5_000)
    assert len(gateway.sent) == 2  # RESUME, and the frame
    for _, good in gateway.sent:
        unseal(good, keys)
        for bit in range(8 * len(good)):
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            refusal(bytes(bad), keys)
        for n in range(len(good)):
            refusal(good[:n], keys)
        refusal(good + b"\0", keys)
        refusal(bytes(1) + good, keys)


def test_each_reason(keys, tmp_path):
    other = keys_in(tmp_path / "other", "gw08", key=bytes(32))
    put_key(other / "demo" / "gw07", KEY)
    two = Keys(other)
    good = datagram(1)
    assert refusal(b"\xe1\x11" + good[2:], keys) == "algorithm 17 (HMAC-SM3): not supported"
    assert refusal(seal(b"\xe1\x11" + HEAD[2:]), keys) == "algorithm 17 (HMAC-SM3): not supported"
    assert refusal(seal(b"\xe1\x02" + HEAD[2:]), keys) == "unknown algorithm"
    assert refusal(seal(b"\xe2\x01" + HEAD[2:]), keys) == "not a datagram of a gateway"
    assert refusal(seal(HEAD + bytes(1400)), keys) == "not a datagram of a gateway"
    assert refusal(b"", keys) == "not a datagram of a gateway"
    for names in (b"\x04demo\x02..", b"\x00\x04gw07", b"\x04DEMO\x04gw07", b"\x04demo\x04gw\x0007",
                  b"\x04demo\xffgw07", b"\x04demo", b"\x04de/o\x04gw07"):
        assert refusal(seal(b"\xe1\x01" + names + b"\x00"), keys) == "not a datagram of a gateway"
    assert refusal(datagram(1, head=HEAD.replace(b"gw07", b"gw09")), keys) == "unknown gateway"
    assert refusal(datagram(1, key=bytes(32)), keys) == "wrong tag"
    assert refusal(datagram(1, head=HEAD.replace(b"gw07", b"gw08")), two) == "wrong tag"
    assert refusal(datagram(1, head=HEAD[:-1] + b"\x10"), keys) == "wrong part"
    assert unseal(datagram(1, head=HEAD.replace(b"gw07", b"gw08"), key=bytes(32)), two)


def test_a_gateways_key_is_read_anew_when_it_was_replaced(tmp_path, monkeypatch):
    folder = keys_in(tmp_path)
    keys = Keys(folder)
    unseal(datagram(1), keys)
    put_key(folder / "demo" / "gw07", bytes(32))
    unseal(datagram(1), keys)
    began_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began_s + 11)
    assert refusal(datagram(1), keys) == "wrong tag"
    unseal(datagram(1, key=bytes(32)), keys)
    put_key(folder / "demo" / "gw07", bytes(31))
    with pytest.raises(ValueError, match=r"uplink\.key: found 31 bytes, expected 32"):
        keys.gateways()


def test_a_key_that_others_may_read_is_none(tmp_path):
    folder = keys_in(tmp_path)
    (folder / "demo" / "gw07" / "uplink.key").chmod(0o640)
    with pytest.raises(ValueError, match=r"uplink\.key: found mode 0640, expected 0600"):
        Keys(folder).gateways()
    assert refusal(datagram(1), Keys(folder)) == "unknown gateway"


@settings(max_examples=300)
@given(st.binary(max_size=80) | st.builds(bytes.__add__, st.just(HEAD[:-1]), st.binary()))
@example(b"\xe1\x11")
@example(b"\x01" + msgpack.packb([1, 1, 9, 1, bytes(1296)]))
@example(b"\x00" + msgpack.packb([1, 99, 9, 1, msgpack.packb([1, 5, 0])]))
def test_any_bytes(data):
    one(data)


def test_parts_that_never_come_are_bounded(keys):
    joiner = Joiner()
    for seq in range(1, 5_000):
        head = HEAD[:-1] + b"\x01"
        piece = datagram(seq, body=bytes(1296), head=head)
        assert joiner.join(unseal(piece, keys)) is None
    assert len(joiner._waiting) == 256
    rest = HEAD[:-1] + b"\x11"
    assert joiner.join(unseal(datagram(4_999, body=b"x", head=rest), keys)).body[-1:] == b"x"
    assert joiner.join(unseal(datagram(1, body=b"x", head=rest), keys)) is None
