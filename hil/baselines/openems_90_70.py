"""OpenEMS-like: shave above 90 % of last month's highest load, recharge below 70 %.

The law of hil/baselines/openems_70_50.py, retuned on the first of each month. In the first month
the battery rests.
"""

from hil.baseline import Park, Wish, last_month
from hil.thresholds import NEVER, shaving

AHEAD = ""
_SHAVE, _RECHARGE = 0.90, 0.70


def control(park: Park) -> Wish:
    """Two thresholds that somebody sets every month."""
    peaks = last_month(park, max)

    def thresholds(at: int) -> tuple[float, float]:
        peak = peaks[at]
        return NEVER if peak is None else (_SHAVE * peak, _RECHARGE * peak)

    return shaving(park, thresholds)
