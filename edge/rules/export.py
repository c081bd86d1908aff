"""The export the grid operator allows (0 = zero feed-in)."""

from edge.compat import const

ORDER = const(60)
FIELDS = (
    ("export_max_w", "W", 0, 8_000_000, None, "largest export at any moment; 0 = none"),
)


def rule(by: int, keys: dict, site):
    """Discharge no more than the load plus the allowed export; store surplus beyond it."""

    def narrow(now, by=by, envelope=site.envelope, at_most=site.envelope.at_most,
               export_max_w=keys["export_max_w"]):
        w = now.net_w + export_max_w
        if w < envelope.hi_w:
            at_most(w, by)

    return narrow
