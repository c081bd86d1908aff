"""Requests and check sums against the examples of the Modbus specifications, and against struct."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.wire import modbus
from edge.wire.crc16 import crc16
from edge.wire.modbus_rtu import RtuLink, silence_ms, wire_ms
from edge.wire.modbus_tcp import TcpLink

WORDS = st.integers(0, 0xFFFF)


def built(put, *args) -> bytes:
    """What a `put_...` function writes in the middle of a buffer, and nothing beside it."""
    buf = bytearray(b"\xaa" * 300)
    end = put(buf, 7, *args)
    assert buf[:7] == b"\xaa" * 7
    assert buf[end:] == b"\xaa" * (300 - end)
    return bytes(buf[7:end])


@pytest.mark.parametrize(("put", "args", "pdu", "reply"), [
    (modbus.put_read, (1, 0x13, 19), "01 0013 0013", "01 03 CD6B05"),  # 6.1
    (modbus.put_read, (2, 0xC4, 22), "02 00C4 0016", "02 03 ACDB35"),  # 6.2
    (modbus.put_read, (3, 0x6B, 3), "03 006B 0003", "03 06 022B 0000 0064"),  # 6.3
    (modbus.put_read, (4, 8, 1), "04 0008 0001", "04 02 000A"),  # 6.4
    (modbus.put_write, (5, 0xAC, 1), "05 00AC FF00", "05 00AC FF00"),  # 6.5
    (modbus.put_write, (6, 1, 3), "06 0001 0003", "06 0001 0003"),  # 6.6
    (modbus.put_write_coils, (0x13, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0)),
     "0F 0013 000A 02 CD01", "0F 0013 000A"),  # 6.11
    (modbus.put_write_registers, (1, (0x000A, 0x0102)),
     "10 0001 0002 04 000A 0102", "10 0001 0002"),  # 6.12
])
def test_examples_of_the_application_protocol(put, args, pdu, reply):
    request = built(put, *args)
    answer = bytes.fromhex(reply)
    assert request == bytes.fromhex(pdu)
    assert modbus.reply_size(request, 0) == len(answer)
    assert modbus.answers(request, 0, answer, 0)
    for at in range(1, 2 if request[0] < 5 else 5):  # its byte count, or the echoed head
        wrong = bytearray(answer)
        wrong[at] ^= 1
        assert not modbus.answers(request, 0, wrong, 0)


def test_example_of_the_messaging_guide():
    """Implementation Guide V1.0b, 4.4.1.2: read register 5 of unit 0xFF, transaction 0x1501."""
    link = TcpLink()
    link.transaction = 0x1500
    link.seal(0xFF, modbus.put_read(link.tx, link.pdu_at, 3, 4, 1))
    assert bytes(link.tx[:link.tx_n]) == bytes.fromhex("1501 0000 0006 FF 03 0004 0001")


def test_example_of_the_serial_line_guide():
    """Serial Line V1.02, 6.2.2: unit 2, function 7 is followed by 0x41 0x12."""
    assert crc16(bytearray(b"\x02\x07"), 0, 2) == 0x1241
    assert crc16(bytearray(b"123456789"), 0, 9) == 0x4B37  # the catalogue's check of this CRC


def shifted(data: bytes) -> int:
    """The register shifted bit by bit, as 6.2.2 describes it."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


@given(st.binary(max_size=256), st.integers(0, 9))
def test_check_sum_is_the_shifted_register(data, skip):
    assert crc16(bytearray(data), min(skip, len(data)), len(data)) == shifted(data[skip:])


@given(st.integers(0, 255), st.integers(1, 4), WORDS, st.integers(1, 125))
def test_any_read_is_framed(unit, function, address, count):
    if address + count > 65536:
        return
    pdu = struct.pack(">BHH", function, address, count)
    rtu = RtuLink(False)
    rtu.seal(unit, modbus.put_read(rtu.tx, rtu.pdu_at, function, address, count))
    frame = bytes([unit]) + pdu
    assert bytes(rtu.tx[:rtu.tx_n]) == frame + struct.pack("<H", shifted(frame))
    tcp = TcpLink()
    tcp.seal(unit, modbus.put_read(tcp.tx, tcp.pdu_at, function, address, count))
    assert bytes(tcp.tx[:tcp.tx_n]) == struct.pack(">HHHB", 1, 0, 6, unit) + pdu


@given(st.integers(0, 65536 - 123), st.lists(WORDS, min_size=1, max_size=123))
def test_any_write_of_registers(address, words):
    assert built(modbus.put_write_registers, address, words) == struct.pack(
        f">BHHB{len(words)}H", 16, address, len(words), 2 * len(words), *words)


@given(st.integers(0, 65536 - 1968), st.lists(st.booleans(), min_size=1, max_size=1968))
def test_any_write_of_coils(address, coils):
    bits = sum(1 << i for i, closed in enumerate(coils) if closed)
    n = (len(coils) + 7) // 8
    assert built(modbus.put_write_coils, address, coils) == struct.pack(
        ">BHHB", 15, address, len(coils), n) + bits.to_bytes(n, "little")


@given(WORDS, st.integers(-32768, 65535))
def test_any_write_of_one_register(address, value):
    assert built(modbus.put_write, 6, address, value) == struct.pack(
        ">BHH", 6, address, value & 0xFFFF)


@pytest.mark.parametrize("request_", [
    lambda: built(modbus.put_read, 3, 0, 126),
    lambda: built(modbus.put_read, 1, 0, 2001),
    lambda: built(modbus.put_read, 3, 0, 0),
    lambda: built(modbus.put_read, 3, 65535, 2),
    lambda: built(modbus.put_read, 3, -1, 1),
    lambda: built(modbus.put_read, 6, 0, 1),
    lambda: built(modbus.put_write, 16, 0, 1),
    lambda: built(modbus.put_write, 6, 65536, 1),
    lambda: built(modbus.put_write_registers, 0, [0] * 124),
    lambda: built(modbus.put_write_coils, 0, []),
])
def test_what_no_device_could_answer_is_not_asked(request_):
    with pytest.raises(ValueError, match=r"count|address|function"):
        request_()


def test_times_on_the_line():
    """Serial Line V1.02, 2.5.1.1: 3.5 characters of 11 bits; 1.75 ms above 19200 baud."""
    assert [silence_ms(baud) for baud in (1200, 9600, 19200, 38400, 115200)] == [33, 5, 3, 2, 2]
    assert wire_ms(9600, 8) == 10
    assert wire_ms(19200, 255) == 147
