"""OpenEMS-like: shave above 70 % of the site's highest load, recharge below 50 %.

The law of its symmetric peak shaving (io.openems.edge.controller.symmetric.peakshaving, EPL-2.0;
the formula, not the code), with its filter left out: it is over within a quarter-hour.
"""

from hil.baseline import Park, Wish
from hil.thresholds import shaving

AHEAD = ""
_SHAVE, _RECHARGE = 0.70, 0.50


def control(park: Park) -> Wish:
    """Two thresholds that an installer sets once."""
    shave, recharge = _SHAVE * park.highest_kw, _RECHARGE * park.highest_kw
    return shaving(park, lambda at: (shave, recharge))
