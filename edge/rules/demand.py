"""Hold the mean import of the utility's 15-minute window under the demand target."""

from edge.compat import const

ORDER = const(80)
FIELDS = (
    ("target_w", "W", 0, 8_000_000, 0, "fixed demand target; 0 = let the planner learn it"),
)


class Rule:
    """Bill the window, not the moment: a short spike needs no energy when the window's mean stays
    below the target; what the window still allows is what the battery may be charged with."""

    def __init__(self, by: int, keys: dict, site):
        self.by = by
        self.target_w = keys["target_w"]
        self.need_w = site.window.need_w
        self.planner = site.planner
        self.power_w = site.battery["discharge_max_w"]

    def narrow(self, envelope, now):
        target_w = self.target_w
        if target_w == 0:
            target_w = self.planner.target_w
        if target_w > 0:
            w = self.need_w(target_w, self.power_w, now)
            if w > envelope.lo_w:
                envelope.at_least(w, self.by)
