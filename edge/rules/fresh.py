"""Without fresh readings the site rests in its declared fallback."""

from edge.compat import const

_TRUSTED = const(16)  # edge.snapshot.TRUSTED, folded into the bytecode

ORDER = const(10)
FIELDS = (
    ("fallback_w", "W", -8_000_000, 8_000_000, 0,
     "battery power while readings are not trusted; 0 is the safe choice"),
)


def rule(by: int, keys: dict, site):
    """Fail closed: a stale grid meter, converter or BMS, or a converter that is not ready, means
    the fallback, until all have been well for the release time."""

    def narrow(now, by=by, exactly=site.envelope.exactly, fallback_w=keys["fallback_w"]):
        if not now.flags & _TRUSTED:
            exactly(fallback_w, by)

    return narrow
