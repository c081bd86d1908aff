"""Frames in parts, and acknowledgements of ranges."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.blocks import RamBlocks
from edge.outbox import Outbox
from tests.sync.test_outbox import PowerCutError, Shaky, gap, get, mounted, put


def extend(box, payload, kind=1):
    return box.extend(kind, payload, len(payload))


def test_parts_make_one_frame_that_goes_when_it_is_whole():
    box = mounted(RamBlocks())
    assert [extend(box, b"one "), extend(box, b"two ")] == [1, 1]
    assert (box.parts, box.backlog(), box.next_unsent(), get(box, 1)) == (2, 0, 0, None)
    assert put(box, b"three") == 1
    assert (box.parts, box.backlog(), box.next_unsent()) == (0, 1, 1)
    assert get(box, 1) == (1, b"one two three")
    assert extend(box, b"four") == put(box, b"") == 2
    assert get(box, 2) == (1, b"four")
    assert put(box, b"") == 3
    assert get(box, 3) == (1, b"")


def test_an_unfinished_frame_is_whole_after_a_restart():
    device = RamBlocks()
    box = mounted(device)
    extend(box, b"a")
    extend(box, b"b")
    box = mounted(device)
    assert (box.parts, box.next_unsent(), get(box, 1)) == (0, 1, (1, b"ab"))
    assert put(box, b"c") == 2
    assert get(box, 1) == (1, b"ab")


def test_a_frame_of_another_kind_ends_the_one_being_built():
    box = mounted(RamBlocks())
    assert extend(box, b"energy", 8) == 1
    assert put(box, b"leaf", 3) == 2
    assert extend(box, b"energy again", 8) == 3
    assert [get(box, seq) for seq in (1, 2, 3)] == [(8, b"energy"), (3, b"leaf"), None]


@pytest.mark.parametrize("step", [1, 13, 100])
def test_parts_lie_in_as_many_sectors_as_it_takes(step):
    device = RamBlocks(256, 40)
    box = mounted(device)
    whole = bytes(range(200))
    for at in range(0, len(whole), step):
        extend(box, whole[at:at + step])
        box.ack(box.epoch, 0)
    assert put(box, b"", 1) == 1
    assert put(box, b"next", 1) == 2
    for again in (box, mounted(device)):
        assert [get(again, 1), get(again, 2)] == [(1, whole), (1, b"next")]


def test_notes_between_parts_are_no_parts():
    box = mounted(RamBlocks())
    for _ in range(20):
        put(box, b"x")
    extend(box, b"one ")
    assert box.ack(box.epoch, 17)  # noted
    extend(box, b"two")
    assert put(box, b"") == 21
    assert get(box, 21) == (1, b"one two")


def test_a_frame_that_loses_its_first_part_is_gone_and_counted_once():
    device = RamBlocks(256, 4)
    box = mounted(device)
    for i in range(100):
        seq = extend(box, b"p" if i else b"first")
        assert box.lost() == (box._floor > seq)
    assert box.lost() == 1
    assert (box.backlog(), put(box, b"", 1), box.backlog()) == (0, 1, 0)
    assert get(box, 1) == gap(1, 1)
    assert put(box, b"next") == 2
    box = mounted(device)
    assert (box.lost(), get(box, 1), get(box, 2)) == (1, gap(1, 1), (1, b"next"))


def test_a_lost_frame_uses_up_its_number_even_if_nothing_else_was_stored():
    device = RamBlocks(256, 4)
    box = mounted(device)
    while box.lost() == 0:
        extend(box, b"p")
    box = mounted(device)
    assert put(box, b"next") == 2
    assert get(box, 1) == gap(1, 1)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_rot_in_a_part_is_no_silent_hole(part):
    device = RamBlocks(256, 4)
    box = mounted(device)
    for text in (b"0000", b"1111", b"2222"):
        extend(box, text)
    put(box, b"3333")
    put(box, b"next")
    device.memory[32 + 16 * part + 9] ^= 1
    box = mounted(device)
    assert get(box, 1) == gap(1, 1)
    assert get(box, 2) == (1, b"next")


def test_refuses_more_than_a_frame_holds():
    box = Outbox(RamBlocks(), 100)
    box.mount()
    extend(box, bytes(60))
    with pytest.raises(ValueError, match="max_payload"):
        extend(box, bytes(41))
    assert extend(box, bytes(40)) == 1
    assert put(box, b"") == 1
    for _ in range(256):
        extend(box, b"")
    with pytest.raises(ValueError, match="256 parts"):
        extend(box, b"")
    assert put(box, b"", 2) == 3


def test_two_rings_share_a_buffer():
    first = Outbox(RamBlocks(), 100)
    second = Outbox(RamBlocks(), 50, first.scratch)
    with pytest.raises(ValueError, match="too small"):
        Outbox(RamBlocks(), 200, first.scratch)
    for box in (first, second):
        box.mount()
    for number in range(50):
        assert put(first, bytes([number]) * 100) == extend(second, bytes([number])) == number + 1
        put(second, bytes([number]) * 40)
    assert [get(first, 7), get(second, 7)] == [(1, b"\x06" * 100), (1, b"\x06" * 41)]


@given(st.integers(0, 2**32 - 1))
def test_parts_survive_failures_and_restarts(seed):
    """What was told to be stored is read, at least, and nothing but what was meant."""
    rnd = random.Random(seed)
    device = Shaky(rnd)
    device.sectors = 64  # nothing is given up
    device.memory = bytearray(b"\xff" * 64 * 256)
    box = mounted(device)
    whole, durable, now, n = {}, {}, b"", 0  # of each number; the frame being built
    ends = False
    for _ in range(60):
        more = b"" if ends or len(now) > 120 else rnd.randbytes(rnd.randint(1, 30))
        ends = not more or rnd.random() < 0.2
        try:
            seq = put(box, now[n:] + more) if ends else extend(box, now[n:] + more)
            now += more
            n = len(now)
            whole[seq], durable[seq] = now, n
            if ends:
                now, n, ends = b"", 0, False
        except OSError:  # the same again, and perhaps more of it
            now += more
            whole[box._next] = now
        except PowerCutError:
            whole[box._next] = now + more
            box = mounted(device)
            now, n, ends = b"", 0, False
    device.random = None
    box = mounted(device)
    for seq, least in durable.items():
        kind, body = get(box, seq)
        assert kind == 1
        assert len(body) >= least
        assert body == whole[seq][:len(body)]


ranges = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 5)), max_size=4)


@given(st.integers(1, 60), st.integers(0, 20), ranges)
def test_what_is_acknowledged_in_ranges_is_not_sent_and_not_freed(n, cum, steps):
    box = mounted(RamBlocks())
    for _ in range(n):
        put(box, b"x")
    cum, above, last = min(cum, n), [], min(cum, n)
    for gap_n, more in steps:
        first = last + 1 + gap_n
        last = first + more
        if last > n:
            break
        above += [first, last]
    there = {seq for at in range(0, len(above), 2) for seq in range(above[at], above[at + 1] + 1)}
    box.ack(box.epoch, cum, above)
    assert box.backlog() == n - cum
    sent = []
    while (seq := box.next_unsent()) > 0:
        sent.append(seq)
        box.sent(seq)
    assert sent == [seq for seq in range(cum + 1, n + 1) if seq not in there]
    assert all(get(box, seq) == (1, b"x") for seq in range(cum + 1, n + 1))
    box.resend()
    if cum < n:
        box.ack(box.epoch, cum)  # the cloud's newest word counts
        assert box.next_unsent() == cum + 1
