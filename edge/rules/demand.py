"""Hold the mean import of the utility's 15-minute window under the demand target."""

from edge.compat import const

ORDER = const(80)
FIELDS = (
    ("target_w", "W", 0, 8_000_000, 0, "fixed demand target; 0 = let the planner learn it"),
)
_TARGET_MAX_W = const(8_000_000)  # a window of it fits 31 bits
_WEIGH_S = const(10)  # how often the rest of the window is weighed; its last minute every beat


def rule(by: int, keys: dict, site):
    """Bill the window, not the moment: a short spike needs no energy when the window's mean stays
    below the target; what the window still allows is what the battery may be charged with."""
    wait_s = 0

    def narrow(now, by=by, envelope=site.envelope, at_least=site.envelope.at_least,
               fixed_w=keys["target_w"], weigh=site.window.weigh, planner=site.planner,
               sliding=site.window.sliding, power_w=site.battery["discharge_max_w"]):
        nonlocal wait_s
        wait_s -= now.span_s
        if wait_s <= 0:
            target_w = fixed_w if fixed_w else planner.target_w
            if target_w > _TARGET_MAX_W:
                target_w = _TARGET_MAX_W
            wait_s = 1 if weigh(target_w, now) or not target_w else _WEIGH_S
            if wait_s > 60 - now.second % 60:  # a new minute is a new window
                wait_s = 60 - now.second % 60
        if not now.target_w:  # nothing is known of the site yet
            return
        # Two guesses of the rest of the window are weighed: the present load stays, or the last
        # window repeats on today's base load, which asks spread_w evenly from now on.
        net_w = now.net_w
        stays_w = net_w - now.hold_w
        w = stays_w if now.as_now else now.spread_w
        if stays_w > 0:
            if stays_w > w:
                # The present load counts when waiting any longer would ask more than nine tenths
                # of what can be; a beat raises it by about its share of the window that is left.
                most_w = power_w if power_w < net_w else net_w
                if stays_w >= most_w - most_w // 10 - most_w * now.span_s // now.left_s:
                    w = stays_w
            if w < 0:
                w = 0
        elif w <= 0:  # what may be charged, with gap_w kept aside for the window that follows
            if stays_w > w:
                w = stays_w
            w += now.gap_w
            if w > 0:
                w = 0
        if w > power_w:
            w = power_w
        if w > 0 and w > net_w:  # more than the load lowers no import
            w = net_w if net_w > 0 else 0
        if sliding and w < net_w - now.end_w:
            w = net_w - now.end_w
        if w > envelope.lo_w:
            at_least(w, by)

    return narrow
