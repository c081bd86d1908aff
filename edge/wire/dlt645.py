"""DL/T 645-2007 on a serial line: how the billing meters of China speak.

    FE FE FE FE  68 A0 .. A5 68 C L DATA .. CS 16

The address is the meter's number of 12 digits, two a byte, the lowest first; every byte of DATA
goes out 33H larger; CS is the sum of all from the first 68H on. A reply names the data it brings,
so it is held against the request's data identifier, and behind the first frame against its number
in the sequence. It begins wherever it begins: wake-up bytes and noise may come before it.

The master only ever reads (C = 11H, and 12H for what did not fit one frame). Nothing here can
broadcast, set a clock or write.
"""

from edge.compat import TYPE_CHECKING, const
from edge.wire.modbus import DONE, MORE, REFUSED, Link

if TYPE_CHECKING:
    from typing import Any, Mapping

READ = const(0x11)
READ_ON = const(0x12)  # the next frame of what did not fit one
FOLLOWED = const(0x20)  # in the control code of a reply: there is more

_WAKE_UP = const(0xFE)
_WAKE_UPS = const(4)
_START = const(0x68)
_END = const(0x16)
_OFFSET = const(0x33)
_ANY = const(0xAA)  # in the address: whoever hears it
_HEAD = const(10)  # 68 A0 .. A5 68 C L
_AROUND = const(12)  # with CS and 16
_DI = const(4)
_DATA_MAX = const(200)  # of a reply to a read
_FRAME_MAX = const(256)  # the longest frame, and room behind it
_REPLY = const(0x80)
_ABNORMAL = const(0x40)
_BITS = const(0x100)  # beside the bits of an abnormal reply: they are no exception of Modbus
_CODE_AT = const(8)
_LENGTH_AT = const(9)
_TX = const(4)  # where the frame begins in `tx`, behind the wake-up bytes


def put_read(tx: bytearray, at: int, high: int, low: int, number: int) -> int:
    """Build control code, length and data of a read at index `at`; return the index after them.

    The data identifier is `high` << 16 | `low`; `number` is 0, or which of the frames that follow
    the first one (1 .. 255).
    """
    tx[at] = READ_ON if number else READ
    tx[at + 1] = _DI + 1 if number else _DI
    at += 2
    for byte in (low & 0xFF, low >> 8, high & 0xFF, high >> 8):
        tx[at] = byte + _OFFSET & 0xFF
        at += 1
    if number:
        tx[at] = number + _OFFSET & 0xFF
        at += 1
    return at


def link(image: "Mapping[str, Any]") -> "Dlt645Link":
    """The link of a bus of the compiled site (edge/devices/bus.py)."""
    return Dlt645Link()


class Dlt645Link(Link):
    """Frames and replies of one line. A unit is the six bytes of an address, the lowest first."""

    def __init__(self) -> None:
        Link.__init__(self, _TX + _CODE_AT, _FRAME_MAX)
        self._used = 0  # bytes of the reply at the head of `rx`

    def reset(self) -> None:
        """Begin anew on a line just opened."""
        self.rx_n = 0
        self._used = 0

    def seal(self, unit: bytes, end: int) -> None:
        """Put the head before and the check sum behind what ends at `end` in `tx`."""
        tx = self.tx
        for i in range(_WAKE_UPS):
            tx[i] = _WAKE_UP
        tx[_TX] = tx[_TX + 7] = _START
        for i in range(6):
            tx[_TX + 1 + i] = unit[i]
        tx[end] = _sum(tx, _TX, end)
        tx[end + 1] = _END
        self.tx_n = end + 2
        self.reset()

    def reply_size(self) -> int:
        """Bytes on the wire that may answer: who asks does not know how much there is."""
        return _WAKE_UPS + _AROUND + _DATA_MAX

    def release(self) -> None:
        """The reply has been read: make room for what follows it."""
        self.drop(self._used)
        self._used = 0

    def ignore(self, n: int) -> None:
        """Drop `n` bytes that nobody asked for."""
        self.rx_n = 0

    def resync(self) -> None:
        """Bytes of one frame may be half a second apart (7.3): silence tells nothing."""

    def feed(self, n: int) -> int:
        """Take `n` more bytes, now in `rx` from `rx_n` on; say what all of them amount to."""
        self.rx_n += n
        at = 0
        begun = -1  # where a frame may have begun of which not all has come
        while at < self.rx_n:
            size = self._size(at)
            if size <= 0:
                if size < 0 and begun < 0:
                    begun = at
                at += 1  # one may begin a byte further on, also inside of what only looks like one
                continue
            self.drop(at)
            verdict = self._judge(size - _AROUND)
            if verdict != MORE:
                self._used = size
                return verdict
            at = size
            begun = -1
        self.drop(begun if begun >= 0 else at)
        return MORE

    def _size(self, at: int) -> int:
        """Bytes of the frame that begins at `at`; 0: there is none, -1: it has not all come."""
        rx = self.rx
        left = self.rx_n - at
        if rx[at] != _START or (left > 7 and rx[at + 7] != _START):
            return 0
        if left < _HEAD:
            return -1
        size = _AROUND + rx[at + _LENGTH_AT]
        if size > _AROUND + _DATA_MAX:
            return 0
        if left < size:
            return -1
        if rx[at + size - 1] != _END or rx[at + size - 2] != _sum(rx, at, at + size - 2):
            self.crc_errors += 1
            return 0
        return size

    def _judge(self, length: int) -> int:
        """Hold the frame at the head of `rx`, with so much data, against the request."""
        rx = self.rx
        tx = self.tx
        code = rx[_CODE_AT]
        if not code & _REPLY:
            return MORE  # a request, and most likely our own: the adapter hears what it sends
        asked = tx[_TX + _CODE_AT]
        abnormal = code == asked | _REPLY | _ABNORMAL
        granted = code & ~FOLLOWED == asked | _REPLY
        if not (granted or abnormal) or not self._is_from_it():
            return self._foreign()
        if abnormal and length == 1:
            self.code = _BITS | rx[_HEAD] - _OFFSET & 0xFF
            return REFUSED
        told = tx[_TX + _LENGTH_AT]  # the identifier, and behind the first frame its number
        if abnormal or length < told:
            return self._foreign()
        for i in range(_DI):
            if rx[_HEAD + i] != tx[_TX + _HEAD + i]:
                return self._foreign()
        if told > _DI and rx[_HEAD + length - 1] != tx[_TX + _HEAD + _DI]:
            return self._foreign()
        for i in range(_HEAD + _DI, _HEAD + length):
            rx[i] = rx[i] - _OFFSET & 0xFF
        self.data_at = _HEAD + _DI
        return DONE

    def _is_from_it(self) -> bool:
        """Whether the address is the one that was asked."""
        for i in range(1, 7):
            asked = self.tx[_TX + i]
            if asked != _ANY and asked != self.rx[i]:
                return False
        return True

    def _foreign(self) -> int:
        self.foreign += 1
        return MORE


def more(rx: bytearray, at: int) -> bool:
    """Whether another frame follows the reply whose data begins at index `at` of `rx`."""
    return rx[at - 6] & FOLLOWED != 0


def length(rx: bytearray, at: int) -> int:
    """Bytes of data in the reply whose data begins at index `at`, without what says what it is."""
    return rx[at - 5] - _DI - (1 if rx[at - 6] & 0x1F == READ_ON else 0)


def address(number: str) -> bytes:
    """The bytes of a meter's number of 12 digits (or A, for whoever hears it)."""
    return bytes([int(number[at:at + 2], 16) for at in range(10, -2, -2)])


def _sum(buf: bytearray, at: int, end: int) -> int:
    total = 0
    while at < end:
        total += buf[at]
        at += 1
    return total & 0xFF
