"""Ed25519 signatures (RFC 8032, 5.1) in slices, so that no beat waits for one.

It signs and never verifies: whoever checks has a larger machine. Not constant in time: the cost of
a big integer's operation depends on its digits, so whoever can time this device to the microsecond
or measure its current may learn the key; so may whoever reads its flash. What is hidden from them
must be kept in a secure element. Someone who sees only the signatures learns nothing.

Points are extended coordinates (x, y, z, t) with t = x y / z; sums and doublings are those of
Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited" (2008), for a = -1. A product is
reduced by `%`: folding by 2^255 = 19 saves a fifth of the time and leaves three times the garbage.
"""

from edge.evidence.comb import TABLE
from edge.evidence.sha512 import sha512

_P = (1 << 255) - 19
_ORDER = (1 << 252) + 27742317777372353535851937790883648493


class Ed25519:
    """One key. `step` until it says True, and `public` is there; `begin`, then `step` until True,
    and `signature` is.

    A step takes at most 500,000 instructions on a 32-bit Arm and leaves up to 14 KB of garbage;
    collecting between steps is the caller's. `seed`: 32 secret bytes, from a source that is really
    random; ValueError otherwise.
    """

    def __init__(self, seed: bytes):
        if len(seed) != 32:
            raise ValueError("seed: found %d bytes, expected 32" % len(seed))
        self.public = b""  # 32 bytes
        self.signature = b""  # 64 bytes
        self._seed = bytes(seed)
        self._prefix = b""
        self._scalar = 0
        self._signing = False
        self._work = self._derive()

    def begin(self, message: bytes):
        """Start to sign, instead of whatever was begun before."""
        self.signature = b""
        self._signing = True
        # Its own copy: two messages under one nonce would give the key away.
        self._work = self._sign(bytes(message))

    def step(self) -> bool:
        """Do one slice; whether all is done. After an error (there may be too little heap) only
        `begin` helps: RuntimeError."""
        try:
            next(self._work)
            return False
        except StopIteration:
            pass
        if not (self.signature if self._signing else self.public):
            raise RuntimeError("the signature was broken off by an error")
        return True

    def _derive(self):
        digest = yield from sha512(self._seed)
        self._scalar = _number(digest[:32]) & (1 << 254) - 8 | 1 << 254
        self._prefix = digest[32:]
        self.public = yield from _times_base(self._scalar)

    def _sign(self, message: bytes):
        if not self.public:
            yield from self._derive()
        digest = yield from sha512(self._prefix + message)
        nonce = _number(digest) % _ORDER
        point = yield from _times_base(nonce)
        digest = yield from sha512(point + self.public + message)
        scalar = (nonce + _number(digest) * self._scalar) % _ORDER
        self.signature = point + scalar.to_bytes(32, "little")


def _times_base(scalar: int):
    """A generator that returns the encoded product of `scalar`, below 2^256, and the base point."""
    x, y, z, t = 0, 1, 1, 0
    for bit in range(63, -1, -1):
        yield
        x, y, z, t = _doubled(x, y, z)
        teeth = (scalar >> bit & 1 | (scalar >> bit + 64 & 1) << 1
                 | (scalar >> bit + 128 & 1) << 2 | (scalar >> bit + 192 & 1) << 3)
        x, y, z, t = _plus_entry(x, y, z, t, 96 * teeth)
    inverse = yield from _inverse(z)
    x = x * inverse % _P
    y = y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _doubled(x: int, y: int, z: int) -> "tuple[int, int, int, int]":
    p = _P
    a = x * x % p
    b = y * y % p
    c = 2 * z * z % p
    e = a + b - (x + y) * (x + y) % p
    g = a - b
    f = c + g
    h = a + b
    return e * f % p, g * h % p, f * g % p, e * h % p


def _plus_entry(x: int, y: int, z: int, t: int, at: int) -> "tuple[int, int, int, int]":
    """The sum of a point and the table's entry at byte `at`."""
    p = _P
    a = (y - x) * _number(TABLE[at + 32:at + 64]) % p
    b = (y + x) * _number(TABLE[at:at + 32]) % p
    c = t * _number(TABLE[at + 64:at + 96]) % p
    d = 2 * z
    e = b - a
    f = d - c
    g = d + c
    h = b + a
    return e * f % p, g * h % p, f * g % p, e * h % p


def _inverse(z: int):
    """A generator that returns z^(p - 2). The exponent is 250 ones and 01011: z^(2^10 - 1), 24
    times raised to 2^10 and multiplied by itself, then raised to 2^5 and multiplied by z^11."""
    p = _P
    yield
    z2 = z * z % p
    z9 = _squared(z2, 2) * z % p
    z11 = z9 * z2 % p
    z31 = z11 * z11 % p * z9 % p
    ten = _squared(z31, 5) * z31 % p
    power = ten
    for _ in range(24):
        yield
        power = _squared(power, 10) * ten % p
    return _squared(power, 5) * z11 % p


def _squared(x: int, times: int) -> int:
    for _ in range(times):
        x = x * x % _P
    return x


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
