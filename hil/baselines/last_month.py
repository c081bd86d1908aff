"""The target that would have been best last month.

Charge up to it, discharge above it. In the first month the battery rests.
"""

from hil.baseline import Park, Wish, last_month
from hil.optimum import lowest_peak_kw
from hil.thresholds import NEVER, shaving

AHEAD = ""


def control(park: Park) -> Wish:
    """Last month's hindsight optimum as this month's only threshold."""
    targets = last_month(park, lambda load_kw: lowest_peak_kw(load_kw, park.battery))

    def thresholds(at: int) -> tuple[float, float]:
        target = targets[at]
        return NEVER if target is None else (target, target)

    return shaving(park, thresholds)
