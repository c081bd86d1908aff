"""Keep the park's own sun in the park."""

from edge.compat import const

ORDER = const(85)
FIELDS = (
    ("discharge", "0/1", 0, 1, 0, "1 = also cover the load from the battery at any price"),
)


class Rule:
    """Store the surplus; with `discharge`, cover the load as well."""

    def __init__(self, by: int, keys: dict, site):
        self.by = by
        self.discharge = keys["discharge"]

    def narrow(self, envelope, now):
        if now.net_w < 0:
            envelope.at_most(now.net_w, self.by)
        elif self.discharge:
            envelope.at_least(now.net_w, self.by)
