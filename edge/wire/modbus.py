"""Modbus requests and what answers them: the part every transport shares.

Modbus Application Protocol V1.1b3. A request is built in place in `Link.tx`; what comes back
gathers in `Link.rx`, and a transport (`modbus_rtu`, `modbus_tcp`) says what it amounts to. A reply
is held against the bytes of the request itself, so nothing is remembered twice. Nothing here reads
a clock or a wire, and no byte string from the wire raises, hangs or grows anything.
"""

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Sequence

_READ_COILS = const(1)
_READ_DISCRETE_INPUTS = const(2)
READ_HOLDING_REGISTERS = const(3)
READ_INPUT_REGISTERS = const(4)
_WRITE_COIL = const(5)
WRITE_REGISTER = const(6)
WRITE_COILS = const(15)
WRITE_REGISTERS = const(16)

# What the bytes received so far amount to.
MORE = const(0)  # no reply yet: keep reading until the deadline
DONE = const(1)  # the reply: its data begins at `data_at`
REFUSED = const(2)  # the device answered with the exception in `code`
BROKEN = const(3)  # the stream is out of step for good: close the connection

# Exception codes with a meaning of their own (7).
DEVICE_FAILURE = const(4)
ACKNOWLEDGE = const(5)
BUSY = const(6)
PATH_UNAVAILABLE = const(10)
TARGET_SILENT = const(11)

EXCEPTION = const(0x80)  # set in the function code of an exception reply

_REQUEST_BYTES = const(32)  # room for a frame that writes 4 registers, the most there is to write


class Link:
    """One request on its way out and the bytes that came back; the base of each transport.

    To send: build a PDU in `tx` from index `pdu_at`, `seal` it, put `tx[:tx_n]` on the wire. Reads
    and short writes fit; who writes more needs a longer `tx`.
    To receive: write bytes into `rx` from index `rx_n` (there is always room), `feed` their number;
    once a reply has been read, `release` it.
    """

    def __init__(self, pdu_at: int, size: int):
        self.pdu_at = pdu_at
        self.tx = bytearray(_REQUEST_BYTES)
        self.tx_n = 0
        self.rx = bytearray(size)
        self.rx_n = 0
        self.data_at = 0  # DONE: index in `rx` of the first byte after the byte count
        self.code = 0  # REFUSED: the exception code
        self.crc_errors = 0
        self.foreign = 0  # frames that answer something else

    def drop(self, n: int) -> None:
        """Forget the first `n` received bytes."""
        rx = self.rx
        left = self.rx_n - n
        at = 0
        while at < left:
            rx[at] = rx[at + n]
            at += 1
        self.rx_n = left


def put_word(buf: bytearray, at: int, word: int) -> int:
    """Write 16 bits, most significant byte first (4.2); return the index after them."""
    buf[at] = word >> 8 & 0xFF
    buf[at + 1] = word & 0xFF
    return at + 2


def put_read(pdu: bytearray, at: int, function: int, address: int, count: int) -> int:
    """Build a read request (6.1 .. 6.4) at index `at`; return the index after it.

    `address` is the 0-based one on the wire. ValueError when the request could not be answered.
    """
    if not _READ_COILS <= function <= READ_INPUT_REGISTERS:
        raise ValueError("not a read function: " + str(function))
    _check_span(address, count, 2000 if function <= _READ_DISCRETE_INPUTS else 125)
    pdu[at] = function
    return put_word(pdu, put_word(pdu, at + 1, address), count)


def put_write(pdu: bytearray, at: int, function: int, address: int, value: int) -> int:
    """Build a request to write one coil or one register (6.5, 6.6); return the index after it.

    Any `value` but 0 closes a coil. A register takes the low 16 bits of `value`, so that -1 is
    0xFFFF.
    """
    if function == _WRITE_COIL:
        value = 0xFF00 if value else 0
    elif function != WRITE_REGISTER:
        raise ValueError("not a function that writes one value: " + str(function))
    _check_span(address, 1, 1)
    pdu[at] = function
    return put_word(pdu, put_word(pdu, at + 1, address), value)


def put_write_coils(pdu: bytearray, at: int, address: int, coils: "Sequence[int]") -> int:
    """Build a request to write 1 .. 1968 coils (6.11); return the index after it."""
    count = len(coils)
    _check_span(address, count, 1968)
    n = count + 7 >> 3
    at = _put_head(pdu, at, WRITE_COILS, address, count, n)
    for i in range(n):
        pdu[at + i] = 0
    for i in range(count):
        if coils[i]:
            pdu[at + (i >> 3)] |= 1 << (i & 7)
    return at + n


def put_write_registers(pdu: bytearray, at: int, address: int, words: "Sequence[int]") -> int:
    """Build a request to write 1 .. 123 registers (6.12); return the index after it."""
    count = len(words)
    _check_span(address, count, 123)
    at = _put_head(pdu, at, WRITE_REGISTERS, address, count, 2 * count)
    for i in range(count):
        at = put_word(pdu, at, words[i])
    return at


def reply_size(request: bytearray, at: int) -> int:
    """Return how long the normal reply to the request PDU at index `at` is, in bytes."""
    function = request[at]
    if function > READ_INPUT_REGISTERS:
        return 5
    count = request[at + 3] << 8 | request[at + 4]
    return 2 + (count + 7 >> 3 if function <= _READ_DISCRETE_INPUTS else 2 * count)


def answers(request: bytearray, at: int, reply: bytearray, start: int) -> bool:
    """Say whether a reply PDU of the right size and function code answers the request PDU.

    A read is answered by its byte count, a write by the first five bytes of the request repeated.
    """
    if request[at] <= READ_INPUT_REGISTERS:
        return reply[start + 1] == reply_size(request, at) - 2
    i = 4
    while i and reply[start + i] == request[at + i]:
        i -= 1
    return i == 0


def _check_span(address: int, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise ValueError("count " + str(count) + " is not within 1 .. " + str(most))
    if not 0 <= address <= 65536 - count:
        raise ValueError("no such address: " + str(address) + " .. " + str(address + count - 1))


def _put_head(pdu: bytearray, at: int, function: int, address: int, count: int, n: int) -> int:
    pdu[at] = function
    at = put_word(pdu, put_word(pdu, at + 1, address), count)
    pdu[at] = n
    return at + 1
