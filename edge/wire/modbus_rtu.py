"""Modbus on a serial line (Modbus over Serial Line V1.02, 2.5.1): unit, PDU, check sum.

The request tells how long its reply must be, so a reply ends at its last byte and not at a guess of
silence. Before the unit's own address anything is passed over: a line often sounds while a device
takes it. What goes wrong behind that needs silence: from the first byte that cannot belong to the
reply everything is dropped until the line has been still (`resync`), because nothing else marks the
start of the next frame.

Some two-wire adapters hear themselves. Whether one does is said, never guessed: the reply to a
single write is the same as its echo.
"""

from edge.compat import const
from edge.wire.crc16 import crc16
from edge.wire.modbus import (
    DONE,
    EXCEPTION,
    MORE,
    READ_INPUT_REGISTERS,
    REFUSED,
    Link,
    answers,
    reply_size,
)

_PDU = const(1)
_FRAME_MAX = const(256)
_EXCEPTION_SIZE = const(5)  # unit, function, code, check sum
_CHARACTER_BITS = const(11)  # start, 8 data, parity, stop; two stop bits without parity (2.5.1)


def silence_ms(baud: int) -> int:
    """Return the pause that separates frames, ms rounded up: 3.5 characters, 1.75 ms at least.

    Modbus over Serial Line V1.02, 2.5.1.1: above 19200 baud the pause is fixed.
    """
    return 2 if baud > 19200 else -(-7 * _CHARACTER_BITS * 500 // baud)


def wire_ms(baud: int, n: int) -> int:
    """Return how long `n` bytes take on the line, ms rounded up."""
    return -(-n * _CHARACTER_BITS * 1000 // baud)


class RtuLink(Link):
    """Frames and replies of one serial line; `echo`: the port hears what it sends."""

    def __init__(self, echo: bool) -> None:
        Link.__init__(self, _PDU, _FRAME_MAX)
        self._echo = echo
        self._echo_n = 0  # bytes of our own request that are still to come back
        self._lost = False  # out of step: drop all until the line has been still
        self._noisy = False  # so far nothing but noise

    def reset(self) -> None:
        """Begin anew on a line just opened."""
        self.rx_n = 0
        self._echo_n = 0
        self._lost = self._noisy = False

    def seal(self, unit: int, end: int) -> None:
        """Put the unit before and the check sum after the PDU that ends at `end` in `tx`."""
        tx = self.tx
        tx[0] = unit
        crc = crc16(tx, 0, end)
        tx[end] = crc & 0xFF
        tx[end + 1] = crc >> 8
        self.tx_n = end + 2
        self.reset()
        if self._echo:
            self._echo_n = self.tx_n

    def reply_size(self) -> int:
        """Bytes on the wire that answer the request in `tx`, when it is granted."""
        return reply_size(self.tx, _PDU) + 3

    def release(self) -> None:
        """The reply has been read: forget it, and what came behind it."""
        self.rx_n = 0

    def ignore(self, n: int) -> None:
        """Drop `n` bytes that nobody asked for."""
        self.rx_n = 0

    def resync(self) -> None:
        """The line has been still: the next byte is the first of a frame."""
        if self._lost:
            self._lost = False
            self.rx_n = 0

    def feed(self, n: int) -> int:
        """Take `n` more bytes, now in `rx` from `rx_n` on; say what all of them amount to."""
        self.rx_n += n
        if self._echo_n:
            self._strip_echo()
        if self._lost:
            self.rx_n = 0
            return MORE
        if not self._echo_n:
            self._pass_over()
        verdict = self._judge()
        if self._lost:
            self.rx_n = 0
        return verdict

    def _strip_echo(self) -> None:
        n = self._echo_n
        if self.rx_n < n:
            return
        self._echo_n = 0
        for i in range(n):
            if self.rx[i] != self.tx[i]:
                self._wrong()
                return
        self.drop(n)

    def _pass_over(self) -> None:
        """Drop what comes before the unit's address."""
        rx = self.rx
        unit = self.tx[0]
        n = 0
        while n < self.rx_n and rx[n] != unit:
            n += 1
        if n and not self._noisy:
            self.foreign += 1
            self._noisy = True
        if n:
            self.drop(n)

    def _judge(self) -> int:
        """Hold `rx` against the request, as far as it has come."""
        rx = self.rx
        tx = self.tx
        n = self.rx_n
        if self._echo_n or n < 2:
            return MORE
        if rx[1] == tx[1]:
            size = self.reply_size()
        elif rx[1] == tx[1] | EXCEPTION:
            size = _EXCEPTION_SIZE
        else:
            return self._wrong()
        if n > 2 and rx[1] <= READ_INPUT_REGISTERS and rx[2] != size - 5:
            return self._wrong()  # told by its byte count, before waiting for bytes of the next one
        if n < size:
            return MORE
        if crc16(rx, 0, size - 2) != rx[size - 2] | rx[size - 1] << 8:
            self.crc_errors += 1
            self._lost = True
            return MORE
        if rx[1] != tx[1]:
            self.code = rx[2]
            return REFUSED
        if not answers(tx, _PDU, rx, _PDU):
            return self._wrong()
        self.data_at = _PDU + 2
        return DONE

    def _wrong(self) -> int:
        self.foreign += 1
        self._lost = True
        return MORE
