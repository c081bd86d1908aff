"""The gateway's end of a one-way line: how often a frame goes, when, how fast, and when it is let
go. In virtual time, over hours."""

import ast
from pathlib import Path

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.batches import BadMessage, decode_message, decode_told
from cloud_bridge.oneway import Joiner, Keys, unseal
from edge import oneway, sync
from edge.blocks import RamBlocks
from edge.oneway import PIECE, OneWay
from edge.outbox import Outbox
from tests.sync.oneway import HOUR, KEY, MINUTE, Gateway, keys_in

RESUME = sync.RESUME


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(keys_in(tmp_path_factory.mktemp("sender")))


def opened(gateway, keys):
    """[(ms, message)] of all datagrams, each read by the cloud's own code."""
    return [(ms, decode_message(unseal(data, keys).message)) for ms, data in gateway.sent]


def frames(gateway, keys):
    """{seq: when its datagrams went}"""
    found = {}
    for ms, message in opened(gateway, keys):
        if message.kind != RESUME:
            found.setdefault((message.epoch, message.seq), []).append(ms)
    return found


@pytest.mark.parametrize("repeats", [1, 2, 3, 4])
def test_each_frame_goes_so_often_far_apart_and_is_let_go(keys, repeats):
    gateway = Gateway(repeats=repeats)
    for _ in range(20):
        gateway.append(2)
        gateway.pass_time(7 * MINUTE)
    gateway.pass_time((2 * 24 if repeats == 4 else 2) * HOUR + 10 * MINUTE)
    found = frames(gateway, keys)
    assert found.keys() == gateway.bodies.keys()
    least = (MINUTE, HOUR, 24 * HOUR)
    for times in found.values():
        assert len(times) == repeats
        for first, second, turn in zip(times, times[1:], least, strict=False):
            assert turn <= second - first <= 2 * turn + MINUTE
    assert gateway.outbox.backlog() == 0
    last = max(times[-1] for times in found.values())
    told = [(ms, message.seq) for ms, message in opened(gateway, keys) if message.kind == RESUME]
    done = next(ms for ms, seq in told if seq == 41)
    assert MINUTE <= done - last <= 4 * MINUTE  # not before what is in the network has come


def test_resume_is_the_first_word_and_comes_every_minute(keys):
    gateway = Gateway()
    gateway.append(3)
    gateway.pass_time(10 * MINUTE)
    told = [(ms, message) for ms, message in opened(gateway, keys) if message.kind == RESUME]
    assert gateway.sent[0][0] == told[0][0] == 0
    assert [decode_told(message.body).top for _, message in told] == [0] + [3] * (len(told) - 1)
    assert len(told) == 10
    assert oneway._RESUME == RESUME  # a gateway that sends one way does not load edge/sync.py


def test_a_long_frame_goes_in_parts_that_fit_together_whichever_repeat_they_came_with(keys):
    gateway = Gateway()
    for size in (0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 1, 4000):
        gateway.append(1, size)
    gateway.drain()
    assert max(len(data) for _, data in gateway.sent) <= 1400
    datagrams = [unseal(data, keys) for _, data in gateway.sent]
    joiner, whole = Joiner(), {}
    for datagram in reversed(datagrams):  # the worst of orders
        message = joiner.join(datagram)
        if message is not None and message.kind != RESUME:
            whole[message.epoch, message.seq] = message.body
    assert whole == gateway.bodies


def test_the_longest_names_still_fit_a_datagram():
    outbox = Outbox(RamBlocks(4096, 8), 2020)
    outbox.mount()
    outbox.epoch = 0xFFFFFFFF
    outbox.append(99, bytes(2020), 2020)
    sent = []

    class Port:
        def send(self, buf, n):
            sent.append(n)
            return True

    way = OneWay(Port(), (outbox,), "p" * 32, "g" * 32, KEY)
    for step in range(30):
        way.step(step * 1000)
    assert max(sent) <= 1400


def test_the_rate_is_never_exceeded(keys):
    gateway = Gateway(rate=1000)
    gateway.append(60, 900)
    gateway.pass_time(20 * MINUTE)
    begin, spent = 0, 0
    for ms, data in gateway.sent:
        assert spent <= (ms - begin) // 1000 * 1000 + 1000
        spent += len(data)
    assert gateway.way.bytes == spent
    assert len(frames(gateway, keys)) == 60


def test_new_frames_go_before_old_ones_again(keys):
    gateway = Gateway(rate=1000)
    gateway.append(30, 1000)
    gateway.pass_time(3 * MINUTE)
    before = len(gateway.sent)
    gateway.append(1)
    gateway.pass_time(3_000)
    kinds = [message for _, message in opened(gateway, keys)[before:] if message.kind != RESUME]
    assert kinds[0].seq == 31


def test_two_rings_the_first_goes_first(keys):
    gateway = Gateway(rings=2)
    gateway.append(5, ring=1)
    gateway.append(5, ring=0)
    gateway.drain()
    found = frames(gateway, keys)
    assert found.keys() == gateway.bodies.keys()
    assert {len(times) for times in found.values()} == {3}
    vital, bulk = (ring.epoch for ring in gateway.rings)
    order = [epoch for epoch, _ in found]
    assert order == [vital] * 5 + [bulk] * 5
    assert [ring.backlog() for ring in gateway.rings] == [0, 0]


def test_a_restart_repeats_what_was_not_let_go_and_no_more(keys):
    gateway = Gateway()
    for _ in range(100):
        gateway.append()
        gateway.pass_time(3 * MINUTE)
    held = gateway.outbox.backlog()
    assert 0 < held < 50
    gateway.boot()
    gateway.sent.clear()
    assert gateway.outbox.backlog() - held <= 16  # what the log notes late: edge/outbox.py
    again = gateway.outbox.backlog()
    gateway.drain()
    found = frames(gateway, keys)
    assert len(found) == again
    assert {len(times) for times in found.values()} == {3}
    assert gateway.outbox.backlog() == 0


def test_repeats_cost_the_flash_nothing_but_the_notes_of_the_ring():
    class Counted(RamBlocks):
        writes = 0

        def program(self, *args):
            self.writes += 1
            super().program(*args)

    gateway = Gateway()
    gateway.devices = [Counted(4096, 64)]
    gateway.boot()
    gateway.append(160)
    stored = gateway.devices[0].writes
    gateway.drain()
    assert gateway.outbox.backlog() == 0
    assert gateway.devices[0].writes - stored <= 160 // 16 + 1


def test_what_was_overwritten_is_told_and_not_sent(keys):
    gateway = Gateway(sectors=4, rate=200)
    gateway.append(200, 600)
    gateway.pass_time(5 * HOUR)
    lost = gateway.outbox.lost()
    assert lost > 150
    found = frames(gateway, keys)
    assert {seq for _, seq in found} <= set(range(lost + 1, 201))
    assert all(message.kind in (1, RESUME) for _, message in opened(gateway, keys))
    last = [message for _, message in opened(gateway, keys) if message.kind == RESUME][-1]
    assert (last.seq, tuple(decode_told(last.body))) == (201, (200, lost))


def test_overwritten_while_parts_of_it_are_on_their_way(keys):
    """The parts of the frame that comes in its place are its own."""
    gateway = Gateway(sectors=4, rate=500)
    for _ in range(60):
        gateway.append(1, 3000)
        gateway.pass_time(3_900)
    gateway.pass_time(5 * HOUR)
    joiner, whole = Joiner(), {}
    for _, data in gateway.sent:
        message = joiner.join(unseal(data, keys))
        if message is not None and message.kind != RESUME:
            whole[message.epoch, message.seq] = message.body
    assert whole
    assert whole.items() <= gateway.bodies.items()
    assert gateway.outbox.backlog() == 0


@pytest.mark.parametrize("trouble", [OSError(101, "no route"), False])
def test_a_network_that_takes_nothing_costs_no_repeat(keys, trouble):
    gateway = Gateway()
    gateway.append(10)
    gateway.port.trouble = trouble
    gateway.pass_time(20 * MINUTE)
    assert gateway.sent == []
    assert gateway.outbox.backlog() == 10
    assert bool(gateway.way.network_errors) == isinstance(trouble, OSError)
    gateway.port.trouble = None
    gateway.drain()
    assert {len(times) for times in frames(gateway, keys).values()} == {3}


def test_a_storage_that_fails_stops_nothing(keys):
    gateway = Gateway()
    gateway.append(40)
    device = gateway.devices[0]
    read, program = device.read, device.program

    def fail(*_):
        raise OSError(5, "medium")

    device.read = device.program = fail
    gateway.pass_time(MINUTE)
    assert gateway.way.device_errors > 0
    device.read, device.program = read, program
    gateway.drain()
    assert {len(times) for times in frames(gateway, keys).values()} == {3}


def test_a_week_without_a_step_stops_nothing(keys):
    """Ticks that are 6.2 days apart seem to go backwards."""
    gateway = Gateway()
    gateway.append(4)
    gateway.pass_time(MINUTE)
    gateway.now += 7 * 24 * HOUR
    gateway.append(4)
    gateway.drain()
    assert {len(times) for times in frames(gateway, keys).values()} == {3}
    assert gateway.outbox.backlog() == 0


def test_a_frame_that_no_16_datagrams_hold_is_refused_at_the_start():
    outbox = Outbox(RamBlocks(65536, 3), 30_000)
    outbox.mount()
    with pytest.raises(ValueError, match="16 datagrams"):
        OneWay(None, (outbox,), "demo", "gw07", KEY)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 3900), st.integers(1, 90),
                          st.booleans()), min_size=1, max_size=12))
def test_whatever_happens_each_frame_has_gone_three_times_or_was_lost(keys, life):
    """Appends, pauses of up to 90 minutes and restarts; a small ring that overflows at times."""
    gateway = Gateway(sectors=8, rate=20_000)
    for n, size, minutes, restarts in life:
        gateway.append(n, size)
        gateway.pass_time(minutes * MINUTE)
        if restarts:
            gateway.boot()
    gateway.drain()
    joiners, counts = Joiner(), {}
    for _, data in gateway.sent:
        message = joiners.join(unseal(data, keys))
        if message is not None and message.kind != RESUME:
            assert gateway.bodies[message.epoch, message.seq] == message.body
            counts[message.seq] = counts.get(message.seq, 0) + 1
    lost = gateway.outbox.lost()
    assert len([seq for _, seq in gateway.bodies if counts.get(seq, 0) < 3]) <= lost
    assert gateway.outbox.backlog() == 0


def test_nothing_there_could_receive():
    """No code behind a one-way device reads a socket, so nothing that comes back is ever looked at.
    """
    for name in ("oneway", "udp_port"):
        tree = ast.parse((Path(oneway.__file__).parent / f"{name}.py").read_text())
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not used & {"recv", "recvfrom", "recv_into", "readinto", "read_into", "listen",
                           "accept", "bind", "subscribe", "connect"}
        assert "send" in used or "sendto" in used


def test_told_is_read_strictly():
    assert tuple(decode_told(msgpack.packb([1, 7, 2]))) == (7, 2)
    for wrong in ([2, 7, 2], [1, 7], [1, 7, 2, 3], [1, -7, 2], [1, 7, 1 << 32], [1, "7", 2]):
        with pytest.raises(BadMessage):
            decode_told(msgpack.packb(wrong))
