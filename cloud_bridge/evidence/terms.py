"""The terms of an account: which factors, meters and tenants the numbers of its leaves are of.

A gateway sends them at every start, and every leaf names them by the first eight bytes of the
SHA-256 of their text, so they are part of what is signed. Canonical JSON (cloud_bridge/documents):

    {"factors":[[832500,832500,832500,0,0]],"meters":[[4294967296,200000],[],...],
     "names":["cn_910_fossil"],"sets":["<16 hex>"],"tenants":[["press",[4294967296,50000]]],
     "version":1}

`factors`: of each view, mg CO2 per kWh of grid, generator, unknown, direct line and PV. `sets`: the
id of the factor set each was taken from. `meters`: of each of edge/ledger/leaf.py's METERS what its
register counts to and the most of a quarter-hour, Wh; []: there is no such meter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cloud_bridge import fields
from cloud_bridge.documents import canonical, value_of
from cloud_bridge.fields import Field
from edge.ledger.leaf import METERS

MOST_VIEWS = 4
MOST_TENANTS = 16
Limits = tuple[int, int]


def _limits(value: Any) -> Limits | None:
    fits = isinstance(value, list) and len(value) == 2 and all(
        type(one) is int and 0 < one <= 2**53 - 1 for one in value)
    return (value[0], value[1]) if fits else None


def _meters(value: Any) -> tuple[Limits | None, ...] | None:
    if not isinstance(value, list) or len(value) != len(METERS):
        return None
    found = tuple(_limits(one) for one in value)
    fits = all(one == [] or limits for one, limits in zip(value, found, strict=True))
    return found if fits else None


def _tenants(value: Any) -> tuple[tuple[str, Limits], ...] | None:
    if not isinstance(value, list) or len(value) > MOST_TENANTS:
        return None
    found = []
    for one in value:
        limits = _limits(one[1]) if isinstance(one, list) and len(one) == 2 else None
        if limits is None or fields.TEXT.read(one[0]) is None:
            return None
        found.append((one[0], limits))
    return tuple(found) if len(dict(found)) == len(found) else None


_ROW = fields.list_of("factors", fields.whole(0, 5_000_000).read, 5)
_FIELDS = {
    "version": fields.whole(1, 1),
    "factors": fields.list_of("rows of five factors, mg/kWh", lambda value: _ROW.read(value)
                              if isinstance(value, list) and len(value) == 5 else None,
                              MOST_VIEWS),
    "names": fields.list_of("names", fields.NAME.read, MOST_VIEWS),
    "sets": fields.list_of("ids", fields.hexadecimal(8).read, MOST_VIEWS),
    "meters": Field("seven meters, [Wh, Wh] or []", _meters),
    "tenants": Field(f"at most {MOST_TENANTS} pairs of a name and [Wh, Wh]", _tenants),
}


@dataclass(frozen=True)
class Terms:
    """See above; `id`: the eight bytes by which leaves name them, of the `text`."""

    id: bytes
    text: bytes
    factors: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    sets: tuple[bytes, ...]
    meters: tuple[Limits | None, ...]
    tenants: tuple[tuple[str, Limits], ...]

    @property
    def mask(self) -> int:
        """As `meters` of a leaf: a bit for each that there is."""
        return sum(1 << place for place, limits in enumerate(self.meters) if limits)


def make(factors: Sequence[Sequence[int]], names: Sequence[str], sets: Sequence[bytes],
         meters: Sequence[Limits | None], tenants: Sequence[tuple[str, Limits]]) -> bytes:
    """The text of terms. DocumentError when they are none."""
    text = canonical({
        "version": 1, "factors": [list(row) for row in factors], "names": list(names),
        "sets": [one.hex() for one in sets],
        "meters": [list(limits or ()) for limits in meters],
        "tenants": [[name, list(limits)] for name, limits in tenants]})
    parse(text)
    return text


def parse(text: bytes) -> Terms:
    """Read terms whatever the bytes are. DocumentError."""
    got = fields.read("terms", value_of(text, "terms"), _FIELDS)
    if not len(got["factors"]) == len(got["names"]) == len(got["sets"]):
        raise fields.mistake("terms: sets", len(got["sets"]),
                             f"as many as factors, {len(got['factors'])}")
    return Terms(id_of(text), text, got["factors"], got["names"], got["sets"],
                 got["meters"], got["tenants"])


def id_of(text: bytes) -> bytes:
    """Eight bytes that stand for a text of terms."""
    return sha256(text).digest()[:8]
