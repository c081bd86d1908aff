"""Any bytes as what comes back from a DL/T 645-2007 meter: a reply only when it is one to this very
question, however the bytes are cut, and no value that is not made of decimals."""

from edge.devices.bcd import BYTES, decode
from edge.wire.dlt645 import Dlt645Link, address, length, more, put_read
from edge.wire.modbus import DONE, MORE, REFUSED

NUMBER = "000012345678"
_ADDRESS = bytes.fromhex(NUMBER)[::-1]
_DI = 0x0203FF00


def _frame(control: int, data: bytes, sender: bytes = _ADDRESS) -> bytes:
    body = b"\x68" + sender + bytes([0x68, control, len(data)])
    body += bytes((byte + 0x33) % 256 for byte in data)
    return body + bytes([sum(body) % 256, 0x16])


_TOLD = _DI.to_bytes(4, "little")
_POWERS = bytes.fromhex("563412 100000 200080 999979")
SEEDS = [bytes([how]) + wake + frame for how in (0, 3, 9) for wake in (b"", b"\xfe" * 4)
         for frame in (_frame(0x91, _TOLD + _POWERS), _frame(0xB1, _TOLD + _POWERS),
                       _frame(0x92, _TOLD + _POWERS + b"\x01"), _frame(0xD1, b"\x02"),
                       _frame(0x91, _TOLD + _POWERS, bytes(6)))]
SEEDS += [b"\x02" + _frame(0x11, _TOLD) + _frame(0x91, _TOLD + _POWERS)]
_POINTS = [["p", 0, 0, kind, 12, 1] for kind in BYTES]


def one(data: bytes) -> None:
    """The first byte says what was asked and how the bytes are cut; the rest comes."""
    if not data:
        return
    number, step = data[0] & 1, 1 + (data[0] >> 1)
    whole = _hear(number, data[1:], 256)
    assert _hear(number, data[1:], step) == whole
    framed = _frame(0x92 if number else 0x91, _TOLD + data[1:190] + bytes([number] * number))
    assert _hear(number, framed, step) == (DONE, data[1:190])
    for point in _POINTS:
        value = decode(bytearray(data.ljust(8, b"\xff")), point)
        assert value is None or abs(value) < 12 * 10**8


def _hear(number: int, data: bytes, step: int) -> tuple[int, bytes]:
    """The first verdict that ends the waiting, and what it brought."""
    link = Dlt645Link()
    link.seal(address(NUMBER), put_read(link.tx, link.pdu_at, _DI >> 16, _DI & 0xFFFF, number))
    at = 0
    while at < len(data):
        n = min(step, len(link.rx) - link.rx_n, len(data) - at)
        assert n > 0, "there is always room"
        link.rx[link.rx_n:link.rx_n + n] = data[at:at + n]
        at += n
        verdict = link.feed(n)
        if verdict != MORE:
            return verdict, _brought(link, verdict, number, data)
    return MORE, b""


def _brought(link: Dlt645Link, verdict: int, number: int, data: bytes) -> bytes:
    """What is taken for a reply, held against what a reply has to be."""
    if verdict == REFUSED:
        assert _frame(0xD2 if number else 0xD1, bytes([link.code & 0xFF])) in data
        return bytes([link.code & 0xFF])
    assert verdict == DONE
    n = length(link.rx, link.data_at)
    brought = bytes(link.rx[link.data_at:link.data_at + n])
    control = (0x92 if number else 0x91) | (0x20 if more(link.rx, link.data_at) else 0)
    assert _frame(control, _TOLD + brought + bytes([number] * number)) in data
    return brought
