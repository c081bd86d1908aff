"""Buy when energy is cheap, use it when it is dear."""

from edge.compat import const

ORDER = const(90)
FIELDS = ()


def rule(by: int, keys: dict, site):
    """Follow the planner's wish for this slot; never sell: discharge stops at the load."""

    def narrow(now, by=by, at_least=site.envelope.at_least, at_most=site.envelope.at_most,
               planner=site.planner):
        wish_w = planner.wish_w
        if wish_w > 0 and now.net_w > 0:
            at_least(wish_w if wish_w < now.net_w else now.net_w, by)
        elif wish_w < 0:
            at_most(wish_w, by)

    return narrow
