"""Buy when energy is cheap, use it when it is dear."""

from edge.compat import const

ORDER = const(90)
FIELDS = ()


class Rule:
    """Follow the planner's wish for this slot; never sell: discharge stops at the load."""

    def __init__(self, by: int, keys: dict, site):
        self.by = by
        self.planner = site.planner

    def narrow(self, envelope, now):
        wish_w = self.planner.wish_w
        if wish_w > 0 and now.net_w > 0:
            envelope.at_least(wish_w if wish_w < now.net_w else now.net_w, self.by)
        elif wish_w < 0:
            envelope.at_most(wish_w, self.by)
