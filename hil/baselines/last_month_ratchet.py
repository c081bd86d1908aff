"""The target that would have been best last month, never below this month's peak so far.

What is billed already is not worth another kilowatt-hour. In the first month there is only this.
"""

from hil.baseline import Park, Wish, last_month
from hil.optimum import lowest_peak_kw

AHEAD = ""


def control(park: Park) -> Wish:
    """Last month's hindsight optimum, raised as the month bills more."""
    targets = last_month(park, lambda load_kw: lowest_peak_kw(load_kw, park.battery))

    def wish(at: int, store_kwh: float, peak_kw: float) -> float:
        return park.load_kw[at] - max(peak_kw, targets[at] or 0.0)

    return wish
