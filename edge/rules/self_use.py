"""Keep the park's own sun in the park."""

from edge.compat import const

ORDER = const(85)
FIELDS = (
    ("discharge", "0/1", 0, 1, 0, "1 = also cover the load from the battery at any price"),
)


def rule(by: int, keys: dict, site):
    """Store the surplus; with `discharge`, cover the load as well."""

    def narrow(envelope, now, by=by, discharge=keys["discharge"]):
        if now.net_w < 0:
            envelope.at_most(now.net_w, by)
        elif discharge:
            envelope.at_least(now.net_w, by)

    return narrow
