"""Whether an Ed25519 signature is right (RFC 8032, 5.1.7), in slices, for the few words that come
signed to a gateway.

As strict as can be told without the signer: S below the order of the base point, so that nobody can
make a second signature of a first; the key in its one encoding, and no point of a small order,
under which one signature would stand for many messages; and R compared as bytes, without the
cofactor.
"""

from edge.evidence.ed25519 import ORDER, P, doubled, encoded, entry, number, ones, plus, squared
from edge.evidence.sha512 import sha512

_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
_ROOT = 19681161376707505956807079304988542015446066515923890162744021073123829784752  # of -1
_BASE = 96  # the base point in the comb's table


class Verifier:
    """`begin`, then `step` until it is True; then `good` tells. A step costs and leaves about as
    much as one of signing."""

    def __init__(self):
        self.good = False
        self._work = None

    def begin(self, public: bytes, message: bytes, signature: bytes):
        """Start to check, instead of whatever was begun before; any bytes will do."""
        self.good = False
        self._work = verify(bytes(public), bytes(message), bytes(signature))

    def step(self) -> bool:
        """Do one slice; whether all is done. An error in between leaves `good` False."""
        if self._work is None:
            return True
        try:
            next(self._work)
            return False
        except StopIteration as end:
            self.good = end.value is True
            self._work = None
        return True


def verify(public: bytes, message: bytes, signature: bytes):
    """A generator that returns True for a signature of `message` by the key `public`."""
    if len(public) != 32 or len(signature) != 64:
        return False
    scalar = number(signature[32:])
    if scalar >= ORDER:
        return False
    point = yield from _point(public)
    if point is None:
        return False
    digest = yield from sha512(signature[:32] + public + message)
    found = yield from _difference(scalar, number(digest) % ORDER, point[0], point[1])
    return found == signature[:32]


def _point(data: bytes):
    """A generator that returns the (x, y) of an encoded point (5.1.3); None when it is none, is not
    encoded so, or is of a small order."""
    y = number(data) & (1 << 255) - 1
    if y >= P:
        return None
    u = (y * y - 1) % P
    v = (_D * y * y + 1) % P
    v3 = v * v % P * v % P
    base = u * v3 % P * v3 % P * v % P
    power, _ = yield from ones(base)
    x = u * v3 % P * squared(power, 2) % P * base % P  # base^((p - 5) / 8): 250 ones and 01
    square = v * x % P * x % P
    if square != u:
        if square != P - u:
            return None
        x = x * _ROOT % P
    if x == 0:
        return None  # of order 1 or 2
    if x & 1 != data[31] >> 7:
        x = P - x
    eight = (x, y, 1, 0)
    for _ in range(3):
        yield
        eight = doubled(eight[0], eight[1], eight[2])
    return (x, y) if eight[0] != 0 else None


def _difference(scalar: int, other: int, x: int, y: int):
    """A generator that returns the encoding of scalar times the base point less other times
    (x, y); both numbers below 2^253."""
    yield
    base = entry(_BASE)
    minus = ((y - x) % P, (y + x) % P, -2 * _D * x % P * y % P)  # (-x, y) is the negative
    point = (0, 1, 1, 0)
    for bit in range(252, -1, -1):
        yield
        point = doubled(point[0], point[1], point[2])
        if scalar >> bit & 1:
            point = plus(point[0], point[1], point[2], point[3], base)
        if other >> bit & 1:
            point = plus(point[0], point[1], point[2], point[3], minus)
    return (yield from encoded(point[0], point[1], point[2]))
