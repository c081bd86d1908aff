"""The export the grid operator allows (0 = zero feed-in)."""

from edge.compat import const

ORDER = const(60)
FIELDS = (
    ("export_max_w", "W", 0, 8_000_000, None, "largest export at any moment; 0 = none"),
)


class Rule:
    """Discharge no more than the load plus the allowed export; store surplus beyond it."""

    def __init__(self, by: int, keys: dict, site):
        self.by = by
        self.export_max_w = keys["export_max_w"]

    def narrow(self, envelope, now):
        w = now.net_w + self.export_max_w
        if w < envelope.hi_w:
            envelope.at_most(w, self.by)
