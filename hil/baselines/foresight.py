"""Receding horizon over 24 h that knows the coming day: a yardstick.

What it leaves of the optimum is what planning a day at a time costs.
"""

from hil.baseline import DAY, Park, Wish
from hil.thresholds import receding

AHEAD = "the next 24 h exactly"


def control(park: Park) -> Wish:
    """The same law as persistence, with a perfect forecast."""
    return receding(park, lambda at: park.load_kw[at:at + DAY])
