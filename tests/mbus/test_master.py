"""Meters read over a bus without a line: addresses, count bit, retries, selection, a search."""

import asyncio
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from boards import mbus_scan
from boards.mbus_frame import NETWORK, Identity
from boards.mbus_master import fetch
from boards.mbus_records import TelegramError
from hil.mbus_meter import Bus, Meter
from tests.mbus.telegrams import KNOWN, SVM_F22_SECOND, made, sealed

WATER, HEAT = KNOWN["elster_water"].frame, KNOWN["kamstrup_601"].frame
TWO = (KNOWN["svm_f22"].frame, SVM_F22_SECOND)
WATER_IS, HEAT_IS = Identity("70112345", "ELS", 2, 7), Identity("06855817", "KAM", 8, 4)


class Direct:
    """Frames handed to meters, and what came of it, with no time in between."""

    def __init__(self, *meters):
        self.bus = Bus(meters)
        self.closed = 0

    async def exchange(self, frame):
        return self.bus.hear(frame)

    def close(self):
        self.closed += 1


def read(meters, address, identity=None, **more):
    """What a reading brings, and the frames that it took."""
    bus = Direct(*meters)
    return asyncio.run(fetch(bus, address, identity, **more)), bus.bus.heard


def test_a_meter_is_read_by_its_address():
    telegrams, heard = read([Meter([WATER]), Meter([HEAT])], 17)
    assert [one.identity for one in telegrams] == [HEAT_IS]
    assert [frame.hex() for frame in heard] == ["1040115116", "107b118c16"]


def test_all_telegrams_are_fetched_each_with_the_other_count_bit():
    telegrams, heard = read([Meter(TWO)], 1)
    assert [len(one.records) for one in telegrams] == [13, 0]
    assert [frame[1] for frame in heard] == [0x40, 0x7B, 0x5B, 0x7B]
    assert len(read([Meter(TWO)], 1, most=1)[0]) == 1


def test_a_meter_that_does_not_count_is_left_at_its_first_telegram():
    telegrams, heard = read([Meter(TWO, counts=False)], 1)
    assert len(telegrams) == 1
    assert len(heard) == 3


def test_what_never_ends_is_left_at_the_most():
    endless = [made(bytes([0x01, 0x13, number, 0x1F]), WATER) for number in range(100)]
    assert len(read([Meter(endless)], 1)[0]) == 16


def test_a_meter_that_acknowledges_no_reset_is_read():
    assert len(read([Meter([WATER], acknowledges=False)], 1)[0]) == 1


def failing(times, how):
    """A fault of the first replies to requests."""
    left = [times]

    def fault(reply):
        if len(reply) == 1 or not left[0]:
            return reply
        left[0] -= 1
        return how(reply)

    return fault


BENT = {"silent": lambda reply: b"", "partial": lambda reply: reply[:20],
        "garbage": lambda reply: bytes(range(30)), "foreign": lambda reply: sealed(reply, at_5=9),
        "check sum": lambda reply: reply[:-2] + bytes([reply[-2] ^ 1, reply[-1]]),
        "twice": lambda reply: reply + reply, "ack": lambda reply: b"\xe5",
        "busy": lambda reply: bytes.fromhex("68040468080170088116")}


@pytest.mark.parametrize("how", BENT)
def test_a_reply_that_went_wrong_is_asked_for_again_with_the_same_bit_and_twice_at_most(how):
    for times in (1, 2):
        meter = Meter(TWO, failing(times, BENT[how]))
        telegrams, heard = read([meter], 1)
        assert [len(one.records) for one in telegrams] == [13, 0], "none is skipped"
        assert [frame[1] for frame in heard[1:]] == times * [0x7B] + [0x7B, 0x5B, 0x7B]
    meter = Meter([WATER], failing(3, BENT[how]))
    with pytest.raises(TelegramError):
        read([meter], 1)
    assert meter.requests == 3


def test_requests_are_counted_before_they_are_made():
    spent = []

    def spend():
        spent.append(1)
        if len(spent) == 3:
            raise TelegramError("no more")

    meter = Meter([WATER], failing(9, BENT["silent"]))
    with pytest.raises(TelegramError, match="no more"):
        read([meter], 1, spend=spend)
    assert meter.requests == 2


def test_a_meter_is_read_by_who_it_is_and_let_go():
    meters = [Meter([WATER]), Meter([HEAT])]
    telegrams, heard = read(meters, None, WATER_IS)
    assert telegrams[0].identity == WATER_IS
    assert [frame[2] if frame[0] == 0x10 else frame[5] for frame in heard] == [NETWORK] * 4
    assert heard[-1] == heard[0], "a reset"
    for asked in (Identity("0685FFFF"), Identity("FFFFFFFF", "KAM"), HEAT_IS):
        assert read(meters, None, asked)[0][0].identity == HEAT_IS


def test_who_answers_has_to_be_who_is_meant():
    with pytest.raises(TelegramError, match="70112345 ELS 02 07 has answered, expected 06855817"):
        read([Meter([WATER])], 1, HEAT_IS)
    with pytest.raises(TelegramError, match="silent"):
        read([Meter([WATER])], None, HEAT_IS)
    other = sealed(SVM_F22_SECOND, at_7=1)
    with pytest.raises(TelegramError, match="goes on where"):
        read([Meter([TWO[0], other])], 1)


def test_two_that_are_selected_at_a_time_are_not_read():
    with pytest.raises(TelegramError):
        read([Meter([WATER]), Meter([HEAT])], None, Identity("FFFFFFFF"))


def found(search):
    async def all_of():
        return [one async for one in search]

    return asyncio.run(all_of())


def numbered(number, address=0):
    """A water meter of this number."""
    digits = bytes.fromhex(f"{number:08d}")[::-1]
    places = {f"at_{7 + at}": octet for at, octet in enumerate(digits)}
    return sealed(WATER, at_5=address, **places)


@settings(max_examples=30)
@given(st.sets(st.integers(0, 99_999_999), max_size=5))
def test_every_meter_is_found_by_its_number_wherever_it_is(numbers):
    """But for one whose bits all hide behind another's: its reply is then not to be seen."""
    bits = [int(f"{number:08d}", 16) for number in numbers]
    assume(not any(one & other in (one, other) for one, other in combinations(bits, 2)))
    bus = Direct(*[Meter([numbered(number)]) for number in numbers])
    told = [one.identity.number for one in found(mbus_scan.secondary(bus))]
    assert sorted(told) == [f"{number:08d}" for number in sorted(numbers)]


def test_every_address_is_tried_and_where_two_answer_it_is_said():
    bus = Direct(Meter([numbered(1, 0)]), Meter([numbered(2, 250)]),
                 *[Meter([numbered(number, 7)]) for number in (3, 12_000_000)])
    told = found(mbus_scan.primary(bus))
    assert [(one.address, bool(one.telegrams), one.doubtful) for one in told] == [
        (0, True, False), (7, False, True), (250, True, False)]
    assert "check sum" in told[1].wrong
