"""What became of every command is told, under a key, however much noise there is."""

import pytest

from cloud_bridge.batches import BadMessage
from cloud_bridge.command_codec import decode_result
from tests.attacks.commanded import BY_NUMBER, SECOND, Gateway, command
from tests.core.park import DAY


def test_noise_is_told_of_eight_times_then_seldom_and_counted_all_the_same():
    gateway = Gateway()
    for _ in range(100):
        gateway.hear(b"noise")
    assert len(gateway.results) == 8
    gateway.live(900)
    gateway.hear(b"noise")
    assert len(gateway.results) == 9
    assert gateway.results[-1].unsaid == 92
    assert gateway.commands.refused == 101
    assert gateway.hear(command(issued=gateway.wall_s)) == ""
    assert gateway.results[-1].unsaid == 92


def test_an_hour_of_noise_leaves_room_for_what_matters():
    gateway = Gateway()
    for _ in range(3600):
        gateway.live(1)
        gateway.hear(b"noise")
    noise = len(gateway.results)
    assert noise <= 8 + 4
    now = DAY * 86_400 + SECOND + 3600
    assert gateway.hear(command(issued=now, ttl_s=14_401)) == "ttl"
    assert gateway.hear(command(issued=now)) == ""
    told = gateway.results[noise:]
    assert [(result.reason, result.done) for result in told] == [("ttl", False), ("", True)]


def test_a_result_waits_for_storage_that_fails():
    gateway = Gateway()
    append = gateway.outbox.append
    gateway.outbox.append = lambda *_: (_ for _ in ()).throw(OSError(5))
    assert gateway.hear(command()) == ""
    for counter in range(2, 40):
        gateway.hear(command(counter=counter))
    assert gateway.commands.errors > 30
    gateway.outbox.append = append
    gateway.live(1)
    assert [result.counter for result in gateway.results] == list(range(1, 9)), "the first eight"
    gateway.hear(command(counter=99))
    told = len(gateway.results) + gateway.results[-1].unsaid
    assert told == gateway.commands.accepted + gateway.commands.refused


def test_no_bit_of_a_result_can_be_flipped():
    gateway = Gateway()
    gateway.hear(command())
    ((_, body),) = gateway.outbox.frames
    assert decode_result(body, BY_NUMBER).is_true
    for bit in range(8 * len(body)):
        other = bytearray(body)
        other[bit // 8] ^= 1 << bit % 8
        try:
            assert not decode_result(bytes(other), BY_NUMBER).is_true
        except BadMessage:
            continue
    assert not decode_result(body, {}).is_true, "nobody's key"
    with pytest.raises(BadMessage):
        decode_result(body + bytes(64), BY_NUMBER)
