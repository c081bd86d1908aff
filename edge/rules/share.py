"""The part of an import limit that several gateways share; without a link, the safe share."""

import os

from edge.compat import const
from edge.share import Share

ORDER = const(55)
FIELDS = (
    ("limit_w", "W", 1, 8_000_000, None, "the import limit they share, the same at all gateways"),
    ("safe_w", "W", 0, 8_000_000, None,
     "own share, always allowed; those of all gateways add up to limit_w at most"),
    ("keep_w", "W", 0, 8_000_000, None, "the part of it that is never lent"),
    ("gateways", "gateways", None, None, None, "names of the others"),
    ("margin_w", "W", 0, 8_000_000, 5000, "kept free above the load before anything is lent"),
    ("period_ms", "ms", 500, 60_000, 2000, "how often a gateway tells the others"),
    ("lease_ms", "ms", 2000, 600_000, 10_000,
     "how long a loan lasts unless it is renewed; the same at all gateways"),
    ("settle_ms", "ms", 2000, 600_000, 10_000, "what the slowest battery, reading and clock need "
     "to follow a loan that ends; the same at all gateways"),
)


def compiled(keys, gateway: str):
    """The gateways are numbered by their names, and a check sum tells whether they agree."""
    from binascii import crc32

    names = sorted(list(keys["gateways"]) + [gateway])
    agreed = "%d %d %d " % (keys["limit_w"], keys["lease_ms"], keys["settle_ms"]) + " ".join(names)
    words = {name: keys[name] for name in ("limit_w", "safe_w", "keep_w", "margin_w", "period_ms",
                                           "lease_ms", "settle_ms")}
    words["size"] = len(names)
    words["at"] = names.index(gateway)
    words["group"] = crc32(agreed.encode()) & 0x3FFFFFFF
    return [(ORDER, words)]


def rule(by: int, keys: dict, site):
    """Charge no more than the allowance leaves free, and above it discharge what is missing."""
    number = 0
    for byte in os.urandom(4):
        number = (number << 8 | byte) & 0x3FFFFFFF
    site.share = share = Share(keys, site.beat_s * 1000, number)

    def narrow(now, by=by, envelope=site.envelope, at_least=site.envelope.at_least, share=share,
               allowance_w=share.allowance_w, row=site.now.row):
        share.room_w = -envelope.lo_w
        w = now.net_w - allowance_w(row[2])
        if w > envelope.lo_w:
            at_least(w, by)

    return narrow
