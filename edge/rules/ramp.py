"""How fast the battery's power may grow."""

from edge.compat import const

ORDER = const(30)
FIELDS = (
    ("ramp_w_per_s", "W/s", 1, 8_000_000, None, "largest growth of battery power in a second"),
)


def rule(by: int, keys: dict, site):
    """More power only step by step; back towards 0 W at once, or a limit would be broken until the
    ramp has come down."""

    def narrow(now, by=by, within=site.envelope.within, step_w=keys["ramp_w_per_s"] * site.beat_s):
        w = now.command_w
        if w < 0:
            within(w - step_w, step_w, by)
        else:
            within(-step_w, w + step_w, by)

    return narrow
