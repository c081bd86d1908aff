"""Refill for the next peak with what the demand target leaves free."""

from edge.compat import const

ORDER = const(95)
FIELDS = ()


class Rule:
    """A wish only: every limit above has already taken its part."""

    def __init__(self, by: int, keys: dict, site):
        self.by = by
        self.planner = site.planner

    def narrow(self, envelope, now):
        w = -self.planner.recharge_w
        if w < 0 and w < envelope.hi_w:
            envelope.at_most(w, self.by)
