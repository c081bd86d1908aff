"""The month's lowest peak, known ahead by bisection: a yardstick of the peak alone.

The target of hil/optimum.py played quarter-hour by quarter-hour. Where a month begins with less
than a full battery it may fall short of the optimum that the score is measured by.
"""

from hil.baseline import Park, Wish, each_month
from hil.optimum import lowest_peak_kw

AHEAD = "the whole month exactly"


def control(park: Park) -> Wish:
    """Charge up to the month's lowest peak, discharge above it."""
    targets = each_month(park, lambda load_kw: lowest_peak_kw(load_kw, park.battery))
    return lambda at, store_kwh, peak_kw: park.load_kw[at] - max(targets[at], peak_kw)
