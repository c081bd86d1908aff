"""The state-of-charge window the park wants to keep."""

from edge.compat import const

ORDER = const(40)
FIELDS = (
    ("floor_pm", "pm", 0, 1000, None, "never discharge below this state of charge"),
    ("ceiling_pm", "pm", 0, 1000, None, "never charge above this state of charge"),
)


class Rule:
    """No discharge at the floor, no charge at the ceiling; near either, no more than one beat of
    power can still move, so that a long beat does not step over the edge."""

    def __init__(self, by: int, keys: dict, site):
        self.by = by
        self.floor_pm = keys["floor_pm"]
        self.ceiling_pm = keys["ceiling_pm"]
        # power that moves one per mille of the capacity in one beat
        w_per_pm = site.battery["capacity_wh"] * 36 // (10 * site.beat_s)
        self.w_per_pm = w_per_pm if w_per_pm < 16_000_000 else 16_000_000  # inside 31 bits

    def narrow(self, envelope, now):
        above_pm = now.soc_pm - self.floor_pm
        if above_pm <= 0:
            envelope.at_most(0, self.by)
        elif above_pm < 50 and above_pm * self.w_per_pm < envelope.hi_w:
            envelope.at_most(above_pm * self.w_per_pm, self.by)
        below_pm = self.ceiling_pm - now.soc_pm
        if below_pm <= 0:
            envelope.at_least(0, self.by)
        elif below_pm < 50 and -below_pm * self.w_per_pm > envelope.lo_w:
            envelope.at_least(-below_pm * self.w_per_pm, self.by)
