"""What comes back, in any pieces, with anything before, between and behind it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.wire import modbus
from edge.wire.crc16 import crc16
from edge.wire.modbus import BROKEN, DONE, MORE, REFUSED
from edge.wire.modbus_rtu import RtuLink
from edge.wire.modbus_tcp import TcpLink

REGISTERS = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125)


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    frame = bytearray([unit]) + pdu
    return bytes(frame) + struct.pack("<H", crc16(frame, 0, len(frame)))


def tcp_frame(unit: int, pdu: bytes, transaction: int = 1) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


FRAMES = {RtuLink: rtu_frame, TcpLink: tcp_frame}


def new(kind, echo: bool = False):
    return RtuLink(echo) if kind is RtuLink else kind()


def ask(link, count: int = 2, unit: int = 17, function: int = 3):
    """Put a read in flight."""
    link.seal(unit, modbus.put_read(link.tx, link.pdu_at, function, 100, count))
    return link


def reply(words, function: int = 3) -> bytes:
    return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)


def hear(link, data: bytes, sizes=(9999,)) -> list[int]:
    """Feed `data` in pieces of the given sizes, over and over; return every verdict."""
    verdicts = []
    at = i = 0
    while at < len(data):
        room = len(link.rx) - link.rx_n
        assert room > 0
        n = min(sizes[i % len(sizes)], room, len(data) - at)
        link.rx[link.rx_n:link.rx_n + n] = data[at:at + n]
        verdicts.append(link.feed(n))
        assert 0 <= link.rx_n <= len(link.rx) == (256 if isinstance(link, RtuLink) else 260)
        at += n
        i += 1
    return verdicts


def words_of(link, count: int) -> list[int]:
    return list(struct.unpack_from(f">{count}H", link.rx, link.data_at))


@given(st.sampled_from([RtuLink, TcpLink]), REGISTERS,
       st.lists(st.integers(1, 300), min_size=1, max_size=9))
def test_a_reply_in_any_pieces(kind, registers, sizes):
    link = ask(new(kind), len(registers))
    verdicts = hear(link, FRAMES[kind](17, reply(registers)), sizes)
    assert verdicts == [MORE] * (len(verdicts) - 1) + [DONE]
    assert words_of(link, len(registers)) == registers


@given(st.sampled_from([RtuLink, TcpLink]), st.integers(0, 255), st.integers(1, 9))
def test_an_exception_in_any_pieces(kind, code, size):
    link = ask(new(kind))
    verdicts = hear(link, FRAMES[kind](17, bytes([0x83, code])), [size])
    assert verdicts == [MORE] * (len(verdicts) - 1) + [REFUSED]
    assert link.code == code


@given(st.sampled_from([RtuLink, TcpLink]), st.booleans(), st.binary(max_size=2000),
       st.lists(st.integers(1, 300), min_size=1, max_size=5))
def test_no_bytes_whatever_do_any_harm(kind, echo, noise, sizes):
    """`hear` checks that there is always room and that the buffer never grows."""
    link = ask(new(kind, echo))
    for verdict in hear(link, noise, sizes):
        if verdict == BROKEN:
            link.reset()
        elif verdict != MORE:
            link.release()
            ask(link)


@given(st.sampled_from([RtuLink, TcpLink]), REGISTERS, st.integers(0, 2000))
def test_one_wrong_byte_is_never_taken_for_data(kind, registers, place):
    """RTU: no altered reply passes. TCP has no check sum: its head alone can be told."""
    frame = bytearray(FRAMES[kind](17, reply(registers)))
    place %= len(frame) if kind is RtuLink else 9
    frame[place] ^= 0x55
    assert DONE not in hear(ask(new(kind), len(registers)), bytes(frame))


STRANGERS = {
    "another unit": lambda frame: frame(18, reply([1, 2])),
    "another function": lambda frame: frame(17, reply([1, 2], 4)),
    "fewer registers": lambda frame: frame(17, reply([1])),
    "more registers": lambda frame: frame(17, reply([1, 2, 3])),
    "a write": lambda frame: frame(17, bytes([6, 0, 1, 0, 3])),
    "another exception": lambda frame: frame(17, bytes([0x84, 2])),
}


@pytest.mark.parametrize("kind", [RtuLink, TcpLink])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_answers_something_else_is_dropped(kind, stranger):
    """And the answer after it, once the line has been still, is taken."""
    link = ask(new(kind))
    assert set(hear(link, STRANGERS[stranger](FRAMES[kind]), [3])) == {MORE}
    if kind is RtuLink:
        link.resync()
    assert link.foreign == 1
    assert hear(link, FRAMES[kind](17, reply([7, 8]))) == [DONE]
    assert words_of(link, 2) == [7, 8]


@given(st.integers(2, 0xFFFF), st.integers(0, 4))
def test_late_replies_of_earlier_transactions(transaction, late):
    """The mistake that leaves a client one reply out of step for ever."""
    link = ask(TcpLink())
    data = tcp_frame(17, reply([1, 2]), transaction) * late + tcp_frame(17, reply([7, 8]))
    assert hear(link, data)[-1] == DONE
    assert link.foreign == late
    assert words_of(link, 2) == [7, 8]


def test_a_duplicate_does_not_answer_the_next_request():
    link = ask(TcpLink())
    assert hear(link, tcp_frame(17, reply([1, 2])) * 2) == [DONE]
    link.release()
    ask(link)
    assert hear(link, tcp_frame(17, reply([7, 8]), 2)[:5]) == [MORE]
    assert hear(link, tcp_frame(17, reply([7, 8]), 2)[5:]) == [DONE]
    assert words_of(link, 2) == [7, 8]
    assert link.foreign == 1


@pytest.mark.parametrize("size", [-2, -1, 1, 2])
def test_a_frame_whose_two_lengths_disagree_is_dropped(size):
    """The length in the header of a TCP frame and the byte count in its PDU."""
    link = ask(TcpLink())
    pdu = reply([7, 8]) + b"\x00\x00"
    assert hear(link, tcp_frame(17, pdu[:6 + size])) == [MORE]
    assert link.foreign == 1
    assert hear(link, tcp_frame(17, reply([7, 8]))) == [DONE]


@pytest.mark.parametrize("head", ["0001 0001 0006", "0001 0000 0000", "0001 0000 0001",
                                  "0001 0000 00FF", "0001 0000 FFFF"])
def test_a_stream_out_of_step_is_given_up(head):
    assert hear(ask(TcpLink()), bytes.fromhex(head)) == [BROKEN]


def test_nothing_counts_after_a_bad_check_sum_until_the_line_is_still():
    link = ask(RtuLink(False))
    bad = bytearray(rtu_frame(17, reply([1, 2])))
    bad[-1] ^= 1
    good = rtu_frame(17, reply([7, 8]))
    assert hear(link, bytes(bad)) == [MORE]
    assert link.crc_errors == 1
    assert hear(link, good) == [MORE]
    link.resync()
    assert hear(link, good) == [DONE]
    assert words_of(link, 2) == [7, 8]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_an_echo_is_taken_off(sizes):
    link = ask(RtuLink(True))
    verdicts = hear(link, bytes(link.tx[:link.tx_n]) + rtu_frame(17, reply([7, 8])), sizes)
    assert verdicts[-1] == DONE
    assert words_of(link, 2) == [7, 8]


def test_an_echo_is_not_the_reply_it_looks_like():
    """A single write is answered by itself, so only being told of the echo helps."""
    link = RtuLink(True)
    link.seal(17, modbus.put_write(link.tx, link.pdu_at, 6, 135, 500))
    frame = bytes(link.tx[:link.tx_n])
    assert hear(link, frame) == [MORE]
    assert hear(link, frame) == [DONE]


def test_a_garbled_echo_is_not_a_reply():
    link = ask(RtuLink(True))
    garbled = bytearray(link.tx[:link.tx_n])
    garbled[3] ^= 4
    assert hear(link, bytes(garbled) + rtu_frame(17, reply([7, 8]))) == [MORE]
    assert link.foreign == 1


@given(st.sampled_from([RtuLink, TcpLink]), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_a_write_is_confirmed_by_its_own_values_only(kind, value, echoed):
    link = new(kind)
    link.seal(17, modbus.put_write(link.tx, link.pdu_at, 6, 135, value))
    verdict = hear(link, FRAMES[kind](17, struct.pack(">BHH", 6, 135, echoed)))
    assert verdict == [DONE if value == echoed else MORE]
