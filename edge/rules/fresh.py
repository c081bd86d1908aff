"""Without fresh readings the site rests in its declared fallback."""

from edge.compat import const

_TRUSTED = const(16)  # edge.snapshot.TRUSTED, folded into the bytecode

ORDER = const(10)
FIELDS = (
    ("fallback_w", "W", -8_000_000, 8_000_000, 0,
     "battery power while readings are not trusted; 0 is the safe choice"),
)


class Rule:
    """Fail closed: a stale grid meter, converter or BMS, or a converter that is not ready, means
    the fallback, until all have been well for the release time."""

    def __init__(self, by: int, keys: dict, site):
        self.by = by
        self.fallback_w = keys["fallback_w"]

    def narrow(self, envelope, now):
        if not now.flags & _TRUSTED:
            envelope.exactly(self.fallback_w, self.by)
