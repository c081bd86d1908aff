"""The import the transformer or the connection contract allows at any moment."""

from edge.compat import const

ORDER = const(50)
FIELDS = (
    ("import_max_w", "W", 0, 8_000_000, None,
     "largest import at any moment: transformer rating or contract, the smaller"),
)


class Rule:
    """The grid carries net_w - battery: charge no more than the limit leaves free, and above the
    limit discharge what is missing."""

    def __init__(self, by: int, keys: dict, site):
        self.by = by
        self.import_max_w = keys["import_max_w"]

    def narrow(self, envelope, now):
        w = now.net_w - self.import_max_w
        if w > envelope.lo_w:
            envelope.at_least(w, self.by)
