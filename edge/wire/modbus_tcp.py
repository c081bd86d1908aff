"""Modbus on TCP: the MBAP header (Modbus Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3).

A reply must carry the transaction number of the request in flight. A late reply to an earlier
request carries an older one and is dropped: this is all that keeps a client from running one reply
out of step for ever. A header that cannot be one leaves no way to find the next frame: BROKEN.
"""

from edge.compat import const
from edge.wire.modbus import (
    BROKEN,
    DONE,
    EXCEPTION,
    MORE,
    REFUSED,
    Link,
    answers,
    put_word,
    reply_size,
)

_HEAD = const(6)  # transaction, protocol and length; the length counts from the unit on
_PDU = const(7)
_FRAME_MAX = const(260)
_LENGTH_MIN = const(2)
_LENGTH_MAX = const(254)


class TcpLink(Link):
    """Frames and replies of one TCP connection."""

    def __init__(self) -> None:
        Link.__init__(self, _PDU, _FRAME_MAX)
        self.transaction = 0
        self._used = 0  # bytes of the reply at the head of `rx`

    def reset(self) -> None:
        """Begin a new connection: what the old one left behind belongs to nobody."""
        self.rx_n = 0
        self._used = 0

    def seal(self, unit: int, end: int) -> None:
        """Put the header before the PDU that ends at `end` in `tx`, with a new transaction."""
        self.transaction = self.transaction + 1 & 0xFFFF
        tx = self.tx
        put_word(tx, 0, self.transaction)
        put_word(tx, 2, 0)  # protocol: Modbus
        put_word(tx, 4, end - _HEAD)
        tx[_HEAD] = unit
        self.tx_n = end

    def reply_size(self) -> int:
        """Bytes of protocol data that answer the request in `tx`, when it is granted."""
        return reply_size(self.tx, _PDU)

    def release(self) -> None:
        """The reply has been read: make room for what follows it."""
        self.drop(self._used)
        self._used = 0

    def ignore(self, n: int) -> None:
        """Take `n` bytes that nobody asked for: they count, or the next frame is not found."""
        if self.feed(n) != MORE:
            self.release()

    def feed(self, n: int) -> int:
        """Take `n` more bytes, now in `rx` from `rx_n` on; say what all of them amount to."""
        self.rx_n += n
        rx = self.rx
        while self.rx_n >= _HEAD:
            length = rx[4] << 8 | rx[5]
            if rx[2] or rx[3] or not _LENGTH_MIN <= length <= _LENGTH_MAX:
                return BROKEN
            if self.rx_n < _HEAD + length:
                return MORE
            verdict = self._judge(length - 1)
            if verdict != MORE:
                self._used = _HEAD + length
                return verdict
            self.foreign += 1
            self.drop(_HEAD + length)
        return MORE

    def _judge(self, size: int) -> int:
        """Hold the frame at the head of `rx`, with `size` bytes of PDU, against the request."""
        rx = self.rx
        tx = self.tx
        if rx[0] != tx[0] or rx[1] != tx[1] or rx[_HEAD] != tx[_HEAD]:
            return MORE
        if rx[_PDU] == tx[_PDU] | EXCEPTION and size == 2:
            self.code = rx[_PDU + 1]
            return REFUSED
        if rx[_PDU] != tx[_PDU] or size != self.reply_size() or not answers(tx, _PDU, rx, _PDU):
            return MORE
        self.data_at = _PDU + 2
        return DONE
