"""The state-of-charge window the park wants to keep."""

from edge.compat import const

ORDER = const(40)
FIELDS = (
    ("floor_pm", "pm", 0, 1000, None, "never discharge below this state of charge"),
    ("ceiling_pm", "pm", 0, 1000, None, "never charge above this state of charge"),
)


def rule(by: int, keys: dict, site):
    """No discharge at the floor, no charge at the ceiling; near either, no more than one beat of
    power can still move, so that a long beat does not step over the edge."""
    # power that moves one per mille of the capacity in one beat
    w_per_pm = site.battery["capacity_wh"] * 36 // (10 * site.beat_s)
    w_per_pm = w_per_pm if w_per_pm < 16_000_000 else 16_000_000  # inside 31 bits

    def narrow(now, by=by, envelope=site.envelope, at_least=site.envelope.at_least,
               at_most=site.envelope.at_most, w_per_pm=w_per_pm, floor_pm=keys["floor_pm"],
               ceiling_pm=keys["ceiling_pm"]):
        above_pm = now.soc_pm - floor_pm
        if above_pm <= 0:
            at_most(0, by)
        elif above_pm < 50 and above_pm * w_per_pm < envelope.hi_w:
            at_most(above_pm * w_per_pm, by)
        below_pm = ceiling_pm - now.soc_pm
        if below_pm <= 0:
            at_least(0, by)
        elif below_pm < 50 and -below_pm * w_per_pm > envelope.lo_w:
            at_least(-below_pm * w_per_pm, by)

    return narrow
