"""Refill for the next peak with what the demand target leaves free."""

from edge.compat import const

ORDER = const(95)
FIELDS = ()


def rule(by: int, keys: dict, site):
    """A wish only: every limit above has already taken its part."""

    def narrow(now, by=by, envelope=site.envelope, at_most=site.envelope.at_most,
               planner=site.planner):
        w = -planner.recharge_w
        if w < 0 and w < envelope.hi_w:
            at_most(w, by)

    return narrow
