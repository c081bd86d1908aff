"""Any bytes as what comes back from a device, on a serial line and on TCP: a reply only when it is
one to this very question, however the bytes are cut."""

import struct

from edge.wire.crc16 import crc16
from edge.wire.modbus import BROKEN, DONE, MORE, REFUSED, put_read, put_write
from edge.wire.modbus_rtu import RtuLink
from edge.wire.modbus_tcp import TcpLink

UNIT, COUNT = 17, 2
_READ, _WRITE = b"\x03\x04\x12\x34\xff\xff", b"\x06\x00\x64\x00\x05"
_REFUSED = b"\x83\x02"


def _rtu(pdu: bytes) -> bytes:
    frame = bytearray([UNIT]) + pdu
    return bytes(frame) + struct.pack("<H", crc16(frame, 0, len(frame)))


def _tcp(pdu: bytes, transaction: int = 1) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, UNIT) + pdu


SEEDS = [bytes([how]) + frame(pdu) for how in (0, 3, 9) for frame in (_rtu, _tcp)
         for pdu in (_READ, _WRITE, _REFUSED)]
SEEDS += [b"\x01" + _tcp(_READ, 0) + _tcp(_READ)]


def one(data: bytes) -> None:
    """The first byte says what was asked and how the bytes are cut; the rest comes."""
    if not data:
        return
    is_write, step = data[0] & 1, 1 + (data[0] >> 1)
    for kind in (RtuLink, TcpLink):
        whole = _hear(kind, is_write, data[1:], 256)
        assert _hear(kind, is_write, data[1:], step) == whole
        if kind is RtuLink:
            whole = _hear(kind, is_write, _rtu(data[1:252]), 256)
        else:
            whole = _hear(kind, is_write, _tcp(data[1:252]), 260)
        if whole[0] in (DONE, REFUSED):
            assert data[1:252].startswith(whole[1])


def _hear(kind, is_write: int, data: bytes, step: int) -> tuple[int, bytes]:
    """The first verdict that ends the waiting, and the PDU it is about."""
    link = RtuLink(False) if kind is RtuLink else TcpLink()
    put, value = (put_write, 5) if is_write else (put_read, COUNT)
    link.seal(UNIT, put(link.tx, link.pdu_at, 6 if is_write else 3, 100, value))
    at = 0
    while at < len(data):
        n = min(step, len(link.rx) - link.rx_n, len(data) - at)
        assert n > 0, "there is always room"
        link.rx[link.rx_n:link.rx_n + n] = data[at:at + n]
        at += n
        verdict = link.feed(n)
        if verdict != MORE:
            return verdict, _pdu(link, verdict, is_write)
    return MORE, b""


def _pdu(link, verdict: int, is_write: int) -> bytes:
    """What is taken for a reply, held against what a reply has to be."""
    if verdict == BROKEN:
        assert isinstance(link, TcpLink)
        return b""
    start = link.pdu_at
    if verdict == REFUSED:
        assert link.rx[start] == (6 if is_write else 3) | 0x80
        assert link.rx[start + 1] == link.code
        return bytes(link.rx[start:start + 2])
    assert verdict == DONE
    pdu = bytes(link.rx[start:start + (5 if is_write else 2 + 2 * COUNT)])
    assert pdu[:2] == (b"\x06\x00" if is_write else bytes([3, 2 * COUNT]))
    assert link.data_at == start + 2
    if is_write:
        assert pdu == _WRITE
    if isinstance(link, RtuLink):
        assert bytes(link.rx[:link.rx_n]).startswith(_rtu(pdu))
    else:
        assert bytes(link.rx[:link.rx_n]).startswith(_tcp(pdu, link.transaction))
    return pdu
