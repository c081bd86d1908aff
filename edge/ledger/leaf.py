"""What a quarter-hour leaves behind: whole numbers, coded, chained by hash.

A leaf is MessagePack [kind, numbers, factor set id (8 bytes), hash of the leaf before (32 bytes)].
`numbers` is one binary of integers >= 0, each in 7 bits a byte, low ones first, bit 7 set when more
follow, as short as can be: MessagePack's own would take a quarter more. Kind 1 is the site, its
numbers are named by `fields`; kind 2, behind it where a site has tenants, by `tenant_fields`. The
hash of a leaf is SHA-256(0x00, leaf), as in the trees of RFC 6962.
"""

from hashlib import sha256

from edge.compat import const
from edge.ledger.matrix import SINKS, SOURCES, STORE
from edge.wire.msgpack import put_array_head, put_bin, put_int

SITE = const(1)
TENANTS = const(2)
ID_BYTES = const(8)
HASH_BYTES = const(32)
_NUMBER_BYTES = const(8)
_AROUND = const(49)  # bytes of a leaf beside its numbers, at most,
_TAIL = const(44)  # and behind them
_ARRAY4 = const(0x94)  # MessagePack's marks
_BIN8 = const(0xC4)
_BIN16 = const(0xC5)
_CHUNK = const(6)  # numbers a slice

# Flags.
IMBALANCE = const(1)  # for a while charge and export exceeded all sources
OVERCOUNT = const(2)  # for a while sub-meters exceeded the load
GAIN = const(4)  # energy appeared in store that nothing explains
GAP = const(8)  # one step for the whole span, the grid to the load first
OPENED = const(32)  # an account begins: what registers moved before is in none
EXCHANGED = const(16)  # a register was replaced or set: its difference is no energy

# `time`: what the clock was in the worst of the minutes.
TIME_UNKNOWN = const(0)
TIME_FREE = const(1)
TIME_SYNCED = const(2)

SITE_NUMBERS = const(46)  # of a site with every meter, before its views
METERS = ("import", "generator", "discharge", "direct", "pv", "charge", "export")
# The last quarter-hour since 2000-01-01 UTC, how many end with it, how many minutes were measured
# (15 in each make it complete), then bits: `unread` and `meters` by meter.
BEGINNING = ("quarter", "span", "steps", "time", "flags", "unread", "meters")
AMOUNTS = ("load", "export", "loss", "inventory", "adjusted")  # see edge/ledger/views.py


def origins(meters: int) -> list:
    """Sources of a site that has these meters (bit 0: the first of METERS), and what in store is
    unknown."""
    return [i for i in range(5) if i == STORE or meters >> i & 1]


def fields(meters: int, n_views: int) -> list:
    """The names of the numbers of kind 1, for a site with these meters: its registers as they are
    booked, what each source gave to each sink (in place of the store its contents' origins), what
    is in store, and of each view the amounts in µg."""
    names = list(BEGINNING)
    names += [name + "_register_wh" for i, name in enumerate(METERS) if meters >> i & 1]
    names += ["owed_charge_wh", "owed_export_wh"]
    names += [SOURCES[i] + "_" + sink + "_wh" for i in origins(meters) if i != STORE
              for sink in SINKS]
    if meters >> STORE & 1:
        known = [SOURCES[i] if i != STORE else "unknown" for i in origins(meters)]
        names += ["store_" + name + sink for name in known for sink in ("_load_wh", "_export_wh")]
        names += ["store_charge_wh"] + ["in_store_" + name + "_wh" for name in known]
        names += ["loss_wh", "gain_wh"]
    return names + [name + "_ug_" + str(view) for view in range(n_views) for name in AMOUNTS]


def tenant_fields(n: int, n_views: int) -> list:
    """The names of the numbers of kind 2."""
    names = ["quarter", "tenants", "views"]
    for i in range(n + 1):
        who = "tenant_" + str(i) if i < n else "common"
        if i < n:
            names += [who + "_register_wh", who + "_state", who + "_owed_wh"]
        names += [who + "_wh"] + [who + "_ug_" + str(view) for view in range(n_views)]
    return names


class Leaf:
    """Codes `count` numbers in slices: `begin`, then `step` until it is True; the leaf is then
    the first `n` bytes of `buffer`, and `digest` its hash. Nothing else takes much heap."""

    def __init__(self, kind: int, count: int):
        self._kind = kind
        self._coded = bytearray(count * _NUMBER_BYTES)
        self.buffer = bytearray(count * _NUMBER_BYTES + _AROUND)
        self.n = 0
        self.digest = b""
        self.numbers: list = []
        self._at = self._next = 0

    def begin(self, numbers: list):
        """Code these numbers, 0 .. 2^56 - 1 each."""
        self.numbers = numbers
        self._at = self._next = self.n = 0

    def step(self, factor_id: bytes, before: bytes) -> bool:
        """Go on; True when the leaf is whole, with the hash of the one `before`."""
        if self._next < len(self.numbers):
            self._code(self._next + _CHUNK)
            return False
        if self.n == 0:
            self.n = self._wrap(self.buffer, factor_id, before)
            return False
        hashed = sha256(b"\0")
        hashed.update(memoryview(self.buffer)[:self.n])
        self.digest = hashed.digest()
        return True

    def _wrap(self, buffer, factor_id: bytes, before: bytes) -> int:
        at = put_array_head(buffer, 0, 4)
        at = put_int(buffer, at, self._kind)
        at = put_bin(buffer, at, self._coded, self._at)
        at = put_bin(buffer, at, factor_id, ID_BYTES)
        return put_bin(buffer, at, before, HASH_BYTES)

    def _code(self, end: int):
        numbers, coded, at = self.numbers, self._coded, self._at
        if end > len(numbers):
            end = len(numbers)
        for i in range(self._next, end):
            number = numbers[i]
            while number > 127:
                coded[at] = number & 127 | 128
                at += 1
                number >>= 7
            coded[at] = number
            at += 1
        self._at, self._next = at, end


def unpack(leaf: bytes) -> tuple:
    """(kind, numbers, factor set id, hash of the leaf before) of a whole leaf; ValueError, with
    what is wrong, of anything that `Leaf` would not have written."""
    end = len(leaf) - _TAIL
    at = 5 if end > 4 and leaf[2] == _BIN16 else 4
    if end < at or leaf[0] != _ARRAY4 or leaf[1] not in (SITE, TENANTS):
        raise ValueError("leaf: of an unknown kind, or too short")
    n = leaf[3] if at == 4 else leaf[3] << 8 | leaf[4]
    if (leaf[2] != (_BIN8 if n < 256 else _BIN16) or n != end - at
            or leaf[end:end + 2] != b"\xc4\x08" or leaf[end + 10:end + 12] != b"\xc4\x20"):
        raise ValueError("leaf: not numbers, 8 bytes and 32 bytes")
    return leaf[1], numbers(leaf[at:end]), leaf[end + 2:end + 10], leaf[end + 12:]


def numbers(coded: bytes) -> list:
    """The numbers of such a binary; ValueError where it is none."""
    found: list = []
    number = shift = 0
    for byte in coded:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            if (shift > 7 and byte == 0) or shift > 56:
                raise ValueError("leaf number " + str(len(found)) + ": not its shortest form")
            found.append(number)
            number = shift = 0
    if shift:
        raise ValueError("leaf number " + str(len(found)) + ": cut off")
    return found
