"""How fast the battery may change."""

from edge.compat import const

ORDER = const(30)
FIELDS = (
    ("ramp_w_per_s", "W/s", 1, 8_000_000, None, "largest change of battery power in a second"),
)


class Rule:
    """Keep the next command near the last one."""

    def __init__(self, by: int, keys: dict, site):
        self.by = by
        step_w = keys["ramp_w_per_s"] * site.beat_s
        self.step_w = step_w if step_w < 16_000_000 else 16_000_000

    def narrow(self, envelope, now):
        w = now.command_w
        if w - self.step_w > envelope.lo_w:
            envelope.at_least(w - self.step_w, self.by)
        if w + self.step_w < envelope.hi_w:
            envelope.at_most(w + self.step_w, self.by)
