"""How fast the battery may change."""

from edge.compat import const

ORDER = const(30)
FIELDS = (
    ("ramp_w_per_s", "W/s", 1, 8_000_000, None, "largest change of battery power in a second"),
)


def rule(by: int, keys: dict, site):
    """Keep the next command near the last one."""
    step_w = keys["ramp_w_per_s"] * site.beat_s
    step_w = step_w if step_w < 16_000_000 else 16_000_000

    def narrow(now, by=by, within=site.envelope.within, step_w=step_w):
        w = now.command_w
        within(w - step_w, w + step_w, by)

    return narrow
