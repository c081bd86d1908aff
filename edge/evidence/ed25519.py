"""Ed25519 signatures (RFC 8032, 5.1) in slices, so that no beat waits for one.

It signs; edge/evidence/verifier.py verifies. Not constant in time: the cost of a big integer's
operation depends on its digits, so whoever can time this device to the microsecond or measure its
current may learn the key; so may whoever reads its flash. What is hidden from them must be kept in
a secure element. Someone who sees only the signatures learns nothing.

Points are extended coordinates (x, y, z, t) with t = x y / z; sums and doublings are those of
Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited" (2008), for a = -1. A product is
reduced by `%`: folding by 2^255 = 19 saves a fifth of the time and leaves three times the garbage.
"""

from edge.evidence.comb import TABLE
from edge.evidence.sha512 import sha512

P = (1 << 255) - 19
ORDER = (1 << 252) + 27742317777372353535851937790883648493


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
        self._scalar = number(digest[:32]) & (1 << 254) - 8 | 1 << 254
        self._prefix = digest[32:]
        self.public = yield from _times_base(self._scalar)

    def _sign(self, message: bytes):
        if not self.public:
            yield from self._derive()
        digest = yield from sha512(self._prefix + message)
        nonce = number(digest) % ORDER
        point = yield from _times_base(nonce)
        digest = yield from sha512(point + self.public + message)
        scalar = (nonce + number(digest) * self._scalar) % ORDER
        self.signature = point + scalar.to_bytes(32, "little")


def _times_base(scalar: int):
    """A generator that returns the encoded product of `scalar`, below 2^256, and the base point."""
    x, y, z, t = 0, 1, 1, 0
    for bit in range(63, -1, -1):
        yield
        x, y, z, t = doubled(x, y, z)
        teeth = (scalar >> bit & 1 | (scalar >> bit + 64 & 1) << 1
                 | (scalar >> bit + 128 & 1) << 2 | (scalar >> bit + 192 & 1) << 3)
        x, y, z, t = plus(x, y, z, t, entry(96 * teeth))
    return (yield from encoded(x, y, z))


def encoded(x: int, y: int, z: int):
    """A generator that returns the 32 bytes of a point."""
    other = yield from inverse(z)
    return (y * other % P | (x * other % P & 1) << 255).to_bytes(32, "little")


def doubled(x: int, y: int, z: int) -> "tuple[int, int, int, int]":
    p = P
    a = x * x % p
    b = y * y % p
    c = 2 * z * z % p
    e = a + b - (x + y) * (x + y) % p
    g = a - b
    f = c + g
    h = a + b
    return e * f % p, g * h % p, f * g % p, e * h % p


def entry(at: int) -> "tuple[int, int, int]":
    """The table's entry at byte `at`."""
    return number(TABLE[at:at + 32]), number(TABLE[at + 32:at + 64]), number(TABLE[at + 64:at + 96])


def plus(x: int, y: int, z: int, t: int, other: "tuple[int, int, int]"
         ) -> "tuple[int, int, int, int]":
    """The sum of a point and another one, of which y + x, y - x and 2 d x y are given."""
    p = P
    a = (y - x) * other[1] % p
    b = (y + x) * other[0] % p
    c = t * other[2] % p
    d = 2 * z
    e = b - a
    f = d - c
    g = d + c
    h = b + a
    return e * f % p, g * h % p, f * g % p, e * h % p


def inverse(z: int):
    """A generator that returns z^(p - 2): the exponent is 250 ones and 01011."""
    power, z11 = yield from ones(z)
    return squared(power, 5) * z11 % P


def ones(z: int):
    """A generator that returns z^(2^250 - 1) and z^11: z^(2^10 - 1), 24 times raised to 2^10 and
    multiplied by itself."""
    p = P
    yield
    z2 = z * z % p
    z9 = squared(z2, 2) * z % p
    z11 = z9 * z2 % p
    z31 = z11 * z11 % p * z9 % p
    ten = squared(z31, 5) * z31 % p
    power = ten
    for _ in range(24):
        yield
        power = squared(power, 10) * ten % p
    return power, z11


def squared(x: int, times: int) -> int:
    for _ in range(times):
        x = x * x % P
    return x


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")
