"""Receding horizon over 24 h for peak and price together, taking last week for this one.

The target of hil/baselines/persistence.py, and below it trade by what a kWh in store is worth over
the coming day; the exact recursion of hil/optimum.py on a forecast.
"""

from hil.baseline import Park, Wish
from hil.thresholds import joint, last_week

AHEAD = ""


def control(park: Park) -> Wish:
    """Hold the target that lasts over last week's day, and trade below it."""
    return joint(park, last_week(park))
