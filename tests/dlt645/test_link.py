"""Frames on the line: those that others have published, and any bytes around and inside of them.

None of the vectors is ours. ARTICLE: hwhale.com/article/138066, frames of a meter with the address
161 (2012, after wenku.baidu.com). CSHARP: Dlt645.Core.Tests, MeterClientTests. GO: protocol_stack,
TestParseDLT645Frame, frames of meters in the field. PYTHON: a script that reads meter 201500000016.
"""

import pytest
from dlt645.protocol.protocol import DLT645Protocol
from hypothesis import given
from hypothesis import strategies as st

from edge.devices.bcd import decode
from edge.wire.dlt645 import Dlt645Link, address, length, more, put_read
from edge.wire.modbus import DONE, MORE, REFUSED

# request, reply, the data in it
ARTICLE = [
    ("68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16",
     "68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16", "26 00 00 00"),
    ("68 61 01 00 00 00 00 68 11 04 33 33 35 33 15 16",
     "68 61 01 00 00 00 00 68 91 08 33 33 35 33 59 34 33 33 8C 16", "26 01 00 00"),
    ("68 61 01 00 00 00 00 68 11 04 33 33 36 33 16 16",
     "68 61 01 00 00 00 00 68 91 08 33 33 36 33 59 33 34 33 8D 16", "26 00 01 00"),
    ("68 61 01 00 00 00 00 68 11 04 33 33 37 33 17 16",
     "68 61 01 00 00 00 00 68 91 08 33 33 37 33 56 33 34 33 8B 16", "23 00 01 00"),
    ("68 61 01 00 00 00 00 68 11 04 33 34 34 35 17 16",
     "68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16", "01 10"),
]
CSHARP = [
    ("FE FE FE FE 68 12 90 78 56 34 12 68 11 04 33 33 34 33 68 16",
     "FE FE 68 12 90 78 56 34 12 68 91 08 33 33 34 33 89 67 45 33 54 16", "56 34 12 00"),
]
GO = [  # identifier, reply, the data in it
    (0x00010000, "FE FE FE FE 68 72 00 32 09 17 20 68 91 08 33 33 34 33 B9 34 33 33 6D 16",
     "86 01 00 00"),
    (0x00000000, "FE FE FE FE 68 60 07 92 04 00 91 68 91 08 33 33 33 33 97 35 A8 33 6A 16",
     "64 02 75 00"),
    (0x00440000, "FE FE FE FE 68 60 07 92 04 00 91 68 91 08 33 33 77 33 98 4C 33 33 51 16",
     "65 19 00 00"),
    (0x02010100, "FE FE FE FE 68 00 00 00 00 00 00 68 91 06 33 34 34 35 4C 56 D9 16", "19 23"),
]
REFUSALS = [  # request's identifier, reply, its bits
    (0x00010000, "68 12 90 78 56 34 12 68 D1 01 35 8D 16", 2),
    (0x00440000, "FE FE FE FE 68 60 07 92 04 00 91 68 D1 01 37 67 16", 4),
]
PYTHON = [
    (0x02030000, "68 16 00 00 00 15 20 68 11 04 33 33 36 35 01 16"),
    (0x01010000, "68 16 00 00 00 15 20 68 11 04 33 33 34 34 FE 16"),
    (0x02010100, "68 16 00 00 00 15 20 68 11 04 33 34 34 35 00 16"),
    (0x02020100, "68 16 00 00 00 15 20 68 11 04 33 34 35 35 01 16"),
]
WAKE_UP = b"\xfe" * 4


def asking(di: int, number: str, frame: int = 0) -> Dlt645Link:
    """A link with a read in flight."""
    link = Dlt645Link()
    link.seal(address(number), put_read(link.tx, link.pdu_at, di >> 16, di & 0xFFFF, frame))
    return link


def asked(frame: str) -> Dlt645Link:
    """A link that has just sent this very frame."""
    body = bytes.fromhex(frame).lstrip(b"\xfe")
    di = int.from_bytes(bytes((byte - 0x33) % 256 for byte in body[10:14]), "little")
    link = asking(di, body[6:0:-1].hex())
    assert bytes(link.tx[:link.tx_n]) == WAKE_UP + body
    return link


def hear(link: Dlt645Link, data: bytes, sizes=(9999,)) -> int:
    """Feed bytes in pieces of these sizes until they amount to something."""
    at = turn = 0
    while at < len(data):
        n = min(sizes[turn % len(sizes)], len(link.rx) - link.rx_n, len(data) - at)
        assert n > 0, "there is always room"
        link.rx[link.rx_n:link.rx_n + n] = data[at:at + n]
        at += n
        turn += 1
        verdict = link.feed(n)
        if verdict != MORE:
            return verdict
    return MORE


def brought(link: Dlt645Link) -> bytes:
    return bytes(link.rx[link.data_at:link.data_at + length(link.rx, link.data_at)])


@pytest.mark.parametrize(("request_", "reply", "data"), ARTICLE + CSHARP)
def test_published_frames(request_, reply, data):
    link = asked(request_)
    assert hear(link, bytes.fromhex(reply)) == DONE
    assert brought(link) == bytes.fromhex(data)
    assert not more(link.rx, link.data_at)


@pytest.mark.parametrize(("di", "reply", "data"), GO)
def test_published_replies(di, reply, data):
    link = asking(di, bytes.fromhex(reply).lstrip(b"\xfe")[6:0:-1].hex())
    assert hear(link, bytes.fromhex(reply)) == DONE
    assert brought(link) == bytes.fromhex(data)


@pytest.mark.parametrize(("di", "frame"), PYTHON)
def test_published_requests(di, frame):
    assert asked(frame).tx_n == 20
    link = asking(di, "201500000016")
    assert bytes(link.tx[4:link.tx_n]) == bytes.fromhex(frame)


@pytest.mark.parametrize(("di", "reply", "bits"), REFUSALS)
def test_published_refusals(di, reply, bits):
    link = asking(di, bytes.fromhex(reply).lstrip(b"\xfe")[6:0:-1].hex())
    assert hear(link, bytes.fromhex(reply)) == REFUSED
    assert link.code & 0xFF == bits


def test_the_wildcard_hears_any_meter_and_nobody_else_s_address_is_believed():
    reply = bytes.fromhex(CSHARP[0][1])
    assert hear(asking(0x00010000, "A" * 12), reply) == DONE
    assert hear(asking(0x00010000, "AAAAAAAA9012"), reply) == DONE  # the last digits alone
    for number in ("123456789013", "000000000000", "999999999999"):
        link = asking(0x00010000, number)
        assert hear(link, reply) == MORE
        assert link.foreign == 1


numbers = st.integers(0, 10**12 - 1).map(lambda n: f"{n:012d}")
identifiers = st.integers(0, 0xFFFFFFFF)


@given(identifiers, numbers, st.integers(0, 255))
def test_every_request_is_what_another_implementation_makes_of_it(di, number, frame):
    link = asking(di, number, frame)
    raw = bytes(link.tx[:link.tx_n])
    found = DLT645Protocol.deserialize(raw)
    assert bytes(found.addr) == bytes.fromhex(number)[::-1]
    assert found.ctrl_code == (0x12 if frame else 0x11)
    assert bytes(found.data) == di.to_bytes(4, "little") + (bytes([frame]) if frame else b"")
    assert raw == DLT645Protocol.serialize(found)


@given(identifiers, numbers, st.binary(max_size=190), st.binary(max_size=300),
       st.binary(max_size=9), st.lists(st.integers(1, 40), min_size=1, max_size=8),
       st.booleans(), st.integers(0, 255))
def test_a_reply_is_found_whatever_comes_before_it_and_however_it_is_cut(
        di, number, data, noise, between, sizes, follows, frame):
    """With noise, our own echo and another meter's reply before it; built by somebody else."""
    link = asking(di, number, frame)
    echo = bytes(link.tx[:link.tx_n])
    told = di.to_bytes(4, "little") + data + (bytes([frame]) if frame else b"")
    control = (0x92 if frame else 0x91) | (0x20 if follows else 0)
    own = bytes(DLT645Protocol.build_frame(address(number), control, told))
    stranger = address(f"{int(number) ^ 1:012d}"[-12:])
    other = bytes(DLT645Protocol.build_frame(stranger, control, told))
    assert hear(link, noise + echo + between + other + own, sizes) == DONE
    assert brought(link) == data
    assert more(link.rx, link.data_at) == follows
    assert link.foreign == 1


@given(st.sampled_from(ARTICLE + CSHARP), st.data())
def test_a_turned_bit_is_never_believed(vector, data):
    """The sum finds every single one; the length and the marks hold the rest."""
    reply = bytearray(bytes.fromhex(vector[1]).lstrip(b"\xfe"))
    bit = data.draw(st.integers(0, 8 * len(reply) - 1))
    reply[bit // 8] ^= 1 << bit % 8
    assert hear(asked(vector[0]), bytes(reply)) == MORE


@given(st.integers(0, 255), st.integers(1, 255))
def test_a_frame_that_follows_must_bear_the_number_that_was_asked(wrong, frame):
    link = asking(0x00010000, "1" * 12, frame)
    told = bytes.fromhex("00000100") + b"\x26" + bytes([wrong])
    reply = bytes(DLT645Protocol.build_frame(address("1" * 12), 0x92, told))
    assert hear(link, reply) == (DONE if wrong == frame else MORE)
    first = bytes(DLT645Protocol.build_frame(address("1" * 12), 0x91, told))
    assert hear(asking(0x00010000, "1" * 12, frame), first) == MORE


# What the bytes mean.


@given(st.integers(-799_999, 799_999))
def test_powers_and_their_sign(raw):
    """DL/T 645-2007, table A.3: XX.XXXX kW, the highest bit is the sign (dlt645: -12.3456)."""
    digits = f"{abs(raw):06d}"
    data = bytearray(bytes.fromhex(digits)[::-1])
    if raw < 0:
        data[2] |= 0x80
    assert decode(data, ["grid_w", 0, 0, "s3", 1, 10]) == (raw + 5) // 10
    assert decode(data, ["grid_w", 0, 0, "s3", 12, 1]) == raw * 12


def test_times_and_what_is_none():
    assert decode(bytearray.fromhex("584923"), ["c", 0, 0, "clock", 1, 1]) == 85_798
    moment = ["m", 0, 0, "moment", 1, 1]
    assert decode(bytearray.fromhex("4513200524"), moment) \
        == ((24 * 12 + 4) * 31 + 19) * 1440 + 13 * 60 + 45
    for text in ("0000000000", "6013200524", "4524200524", "4513320524", "4513201324", "F" * 10):
        assert decode(bytearray.fromhex(text), moment) is None
    for text in ("603000", "006000", "000024", "0A0000", "FFFFFF"):
        assert decode(bytearray.fromhex(text), ["c", 0, 0, "clock", 1, 1]) is None
    assert decode(bytearray.fromhex("FFFFFFFF"), ["e", 0, 0, "u4", 1, 1]) is None
    assert decode(bytearray.fromhex("99999999"), ["e", 0, 0, "u4", 1200, 1]) == 119_999_998_800
