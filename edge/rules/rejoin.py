"""Back on the grid the battery charges gently at first."""

from edge.compat import const
from edge.island.roles import GridSwitch, role_of

ORDER = const(31)
NEEDS = ("islanded", "grid_ok")
FIELDS = (
    ("soft_s", "s", 0, 7200, 900, "for so long after the return"),
    ("ramp_w_per_s", "W/s", 1, 8_000_000, 500, "charging grows no faster than this,"),
    ("import_max_w", "W", 0, 8_000_000, 0, "nor lifts import above this; 0 = the demand target"),
)
_GRID = const(0)  # as in edge/island/mode.py


def rule(by: int, keys: dict, site):
    """An outage leaves the demand window empty and the battery low: a refill could draw a window's
    energy in its last minutes, while the cold loads come back, and a utility's meter may have begun
    its window anew. So for a while charging is held to the limit at every moment, not in the mean.
    Discharge is free."""
    switch = role_of(site, GridSwitch)
    left_s = 0

    def narrow(now, by=by, envelope=site.envelope, at_least=site.envelope.at_least,
               switch=switch, keys=keys):
        nonlocal left_s
        if switch.mode != _GRID:
            left_s = keys["soft_s"]
        if left_s <= 0:
            return
        left_s -= now.span_s
        w = now.command_w if now.command_w < 0 else 0
        w -= keys["ramp_w_per_s"] * now.beat_s
        most_w = keys["import_max_w"] or now.target_w
        if most_w and w < now.net_w - most_w:
            w = now.net_w - most_w
        if w > 0:
            w = 0
        if w > envelope.lo_w:
            at_least(w, by)

    return narrow
