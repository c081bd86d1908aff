"""The part of MessagePack (github.com/msgpack/msgpack, spec.md) that a gateway speaks.

Writing: each `put_` function writes at `buf[at]` and returns the position after what it wrote, in
the shortest form, as every other encoder does. The caller's buffer must have room (a number or a
head takes at most 9 bytes): a buffer too small is a bug and raises IndexError or ValueError.
Reading: `Reader` takes integers, texts, binaries and arrays from bytes of a stranger. It never
raises and never looks outside what it was given; the first thing wrong stays in `error`.
"""

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    Buffer = bytearray | memoryview
    Bytes = bytes | bytearray | memoryview

OK = const(0)
SHORT = const(1)  # ends before what it announces
KIND = const(2)  # another kind of item than asked for, or one that is never read here
LIMIT = const(3)  # longer or deeper than allowed
TEXT = const(4)  # a text that is not UTF-8
EXTRA = const(5)  # something follows the last item
ERRORS = ("ok", "too short", "unexpected kind of item", "too long or too deep",
          "text is not UTF-8", "something follows the last item")

_DEPTH = const(4)  # arrays within arrays
_ANY = const(0)
_INTEGER = const(1)
_STRING = const(2)
_BINARY = const(3)
_ARRAY = const(4)

# First bytes 0xC0 to 0xDF: the kind (9: never read here) and how many bytes its number takes.
_KINDS = b"\x09\x09\x09\x09\x03\x03\x03\x09\x09\x09\x09\x09\x01\x01\x01\x01" \
         b"\x01\x01\x01\x01\x09\x09\x09\x09\x09\x02\x02\x02\x04\x04\x09\x09"
_WIDTHS = b"\x00\x00\x00\x00\x01\x02\x04\x00\x00\x00\x00\x00\x01\x02\x04\x08" \
          b"\x01\x02\x04\x08\x00\x00\x00\x00\x00\x01\x02\x04\x02\x04\x00\x00"


def _put(buf: "Buffer", at: int, first: int, value: int, width: int) -> int:
    """Write a first byte, then `value` as `width` bytes, most significant first."""
    buf[at] = first
    for i in range(width):
        buf[at + width - i] = value & 0xFF
        value >>= 8
    return at + 1 + width


def put_int(buf: "Buffer", at: int, value: int) -> int:
    """Write an integer, -2^63 .. 2^64 - 1; OverflowError outside.

    Nothing is allocated for a small int (31 bits on a gateway).
    """
    if -32 <= value < 128:
        buf[at] = value & 0xFF
        return at + 1
    if value < 0:
        if value >= -0x80:
            return _put(buf, at, 0xD0, value, 1)
        if value >= -0x8000:
            return _put(buf, at, 0xD1, value, 2)
        if value >> 31 == -1:
            return _put(buf, at, 0xD2, value, 4)
        if value >> 63 == -1:
            return _put(buf, at, 0xD3, value, 8)
    elif value < 0x100:
        return _put(buf, at, 0xCC, value, 1)
    elif value < 0x10000:
        return _put(buf, at, 0xCD, value, 2)
    elif value >> 32 == 0:
        return _put(buf, at, 0xCE, value, 4)
    elif value >> 64 == 0:
        return _put(buf, at, 0xCF, value, 8)
    raise OverflowError("a MessagePack integer has at most 64 bits")


def put_u16(buf: "Buffer", at: int, value: int) -> int:
    """Write 0 .. 65535 in three bytes whatever its value, so that it can be filled in later."""
    return _put(buf, at, 0xCD, value, 2)


def put_bin16_head(buf: "Buffer", at: int, n: int) -> int:
    """Write in three bytes that `n` (0 .. 65535) bytes of binary follow; can be filled in later."""
    return _put(buf, at, 0xC5, n, 2)


def _put_length(buf: "Buffer", at: int, n: int, byte: int, word: int) -> int:
    """Write a length in one byte after `byte` (0: no such form), two after `word`, or four."""
    if byte and n < 0x100:
        return _put(buf, at, byte, n, 1)
    if n < 0x10000:
        return _put(buf, at, word, n, 2)
    return _put(buf, at, word + 1, n, 4)


def put_array_head(buf: "Buffer", at: int, n: int) -> int:
    """Write that `n` items follow."""
    if n < 16:
        buf[at] = 0x90 | n
        return at + 1
    return _put_length(buf, at, n, 0, 0xDC)


def put_map_head(buf: "Buffer", at: int, n: int) -> int:
    """Write that `n` pairs of key and value follow."""
    if n < 16:
        buf[at] = 0x80 | n
        return at + 1
    return _put_length(buf, at, n, 0, 0xDE)


def put_bin(buf: "Buffer", at: int, data: "Bytes", n: int) -> int:
    """Write the first `n` bytes of `data` as binary."""
    return _copy(buf, _put_length(buf, at, n, 0xC4, 0xC5), data, n)


def put_str(buf: "Buffer", at: int, text: str) -> int:
    """Write a text."""
    data = text.encode()
    n = len(data)
    if n < 32:
        buf[at] = 0xA0 | n
        at += 1
    else:
        at = _put_length(buf, at, n, 0xD9, 0xDA)
    return _copy(buf, at, data, n)


def _copy(buf: "Buffer", at: int, data: "Bytes", n: int) -> int:
    memoryview(buf)[at:at + n] = memoryview(data)[:n]  # through views: a slice could grow `buf`
    return at + n


class Reader:
    """Reads one item after the other, each of the kind the caller expects.

    After the first error every reading gives 0, "", b"" or None, so a caller may read all it
    expects and look at `finish()` once.
    """

    def __init__(self, limit: int = 1024):
        self.error = OK
        self._limit = limit  # bytes of a whole message
        self._data: Bytes = b""
        self._at = self._end = 0
        self._kind = _ANY

    def start(self, data: "Bytes", at: int, end: int) -> None:
        """Read data[at:end] from now on."""
        self._data = data
        self._at = at
        self._end = end if end <= len(data) else len(data)
        self.error = LIMIT if end - at > self._limit else OK

    def finish(self) -> int:
        """OK when all that was read was well and nothing is left, else the error."""
        if not self.error and self._at < self._end:
            self.error = EXTRA
        return self.error

    def integer(self) -> int:
        """The next item, which must be an integer."""
        return self._head(_INTEGER)

    def text(self) -> str:
        """The next item, which must be a text."""
        data = self._take(self._head(_STRING))
        try:
            return str(data, "utf-8")
        except UnicodeError:
            self._fail(TEXT)
            return ""

    def binary(self) -> bytes:
        """The next item, which must be binary."""
        return self._take(self._head(_BINARY))

    def array(self) -> int:
        """How many items the array has that must come next; they are read one by one."""
        n = self._head(_ARRAY)
        if n > self._end - self._at:  # an item takes at least a byte
            return self._fail(SHORT)
        return n

    def value(self, depth: int = _DEPTH) -> object:
        """The next item of any kind: int, str, bytes, or a list of such, nested to `depth`."""
        mark = self._at
        self._head(_ANY)
        self._at = mark
        if self.error:
            return None
        if self._kind == _INTEGER:
            return self.integer()
        if self._kind == _STRING:
            return self.text()
        if self._kind == _BINARY:
            return self.binary()
        if depth == 0:
            self._fail(LIMIT)
            return None
        items = []
        for _ in range(self.array()):
            items.append(self.value(depth - 1))
            if self.error:
                return None
        return items

    def _fail(self, error: int) -> int:
        if not self.error:
            self.error = error
        return 0

    def _head(self, wanted: int) -> int:
        """Read a first byte and its number: the integer itself, or the length of what follows."""
        if self.error or self._at >= self._end:
            return self._fail(SHORT)
        first = self._data[self._at]
        self._at += 1
        if 0xC0 <= first < 0xE0:
            self._kind = _KINDS[first - 0xC0]
            number = self._number(first)
        elif first < 0x80 or first >= 0xE0:
            self._kind = _INTEGER
            number = first if first < 0x80 else first - 0x100
        elif first >= 0xA0:
            self._kind = _STRING
            number = first & 0x1F
        else:
            self._kind = _ARRAY if first >= 0x90 else 9
            number = first & 0x0F
        if self.error or self._kind == 9 or (wanted and self._kind != wanted):
            return self._fail(KIND)
        return number

    def _number(self, first: int) -> int:
        width = _WIDTHS[first - 0xC0]
        if width > self._end - self._at:
            return self._fail(SHORT)
        number = 0
        for _ in range(width):
            number = number << 8 | self._data[self._at]
            self._at += 1
        if 0xD0 <= first < 0xD4 and number >> (8 * width - 1):
            number -= 1 << 8 * width
        return number

    def _take(self, n: int) -> bytes:
        if n > self._end - self._at:
            self._fail(SHORT)
        if self.error:
            return b""
        self._at += n
        return bytes(self._data[self._at - n:self._at])


def decode(data: bytes, n: int) -> tuple[int, object]:
    """(OK, the one value in data[:n]) or (error, None); at most 1 KiB, see `Reader.value`."""
    reader = Reader()
    reader.start(data, 0, n)
    value = reader.value()
    error = reader.finish()
    return error, None if error else value
