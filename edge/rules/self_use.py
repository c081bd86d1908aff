"""Keep the park's own sun in the park."""

from edge.compat import const

ORDER = const(85)
FIELDS = (
    ("discharge", "0/1", 0, 1, 0, "1 = also cover the load from the battery at any price"),
)


def rule(by: int, keys: dict, site):
    """Store the surplus; with `discharge`, cover the load as well."""

    def narrow(now, by=by, at_least=site.envelope.at_least, at_most=site.envelope.at_most,
               discharge=keys["discharge"]):
        if now.net_w < 0:
            at_most(now.net_w, by)
        elif discharge:
            at_least(now.net_w, by)

    return narrow
