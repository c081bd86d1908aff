"""The import the transformer or the connection contract allows at any moment."""

from edge.compat import const

ORDER = const(50)
FIELDS = (
    ("import_max_w", "W", 0, 8_000_000, None,
     "largest import at any moment: transformer rating or contract, the smaller"),
)


def rule(by: int, keys: dict, site):
    """The grid carries net_w - battery: charge no more than the limit leaves free, and above the
    limit discharge what is missing."""

    def narrow(now, by=by, envelope=site.envelope, at_least=site.envelope.at_least,
               import_max_w=keys["import_max_w"]):
        w = now.net_w - import_max_w
        if w > envelope.lo_w:
            at_least(w, by)

    return narrow
