"""The best fixed threshold, tuned in hindsight for each site and bill: an upper bound.

No installer can find it beforehand. It says how far any single threshold could get.
"""

from collections.abc import Sequence

from hil.baseline import Park, Wish, play
from hil.optimum import Tariff, bill
from hil.thresholds import shaving

AHEAD = "tuned on the scored months themselves"
_COARSE, _FINE = 50, 10  # steps from nothing to the highest load, then within two of these


def control(park: Park) -> Wish:
    """Charge up to the threshold that makes the scored months' bills the lowest."""
    step = park.highest_kw / _COARSE
    coarse = [step * number for number in range(1, _COARSE + 1)]
    near = min(coarse, key=lambda threshold: _cost(park, threshold))
    fine = [near + step * number / _FINE for number in range(-_FINE, _FINE + 1)]
    best = min(fine, key=lambda threshold: _cost(park, threshold))
    return _at(park, best)


def _at(park: Park, threshold: float) -> Wish:
    return shaving(park, lambda at: (threshold, threshold))


def _cost(park: Park, threshold: float) -> float:
    """The bills of the scored months, or of all when none is."""
    played = play(park, _at(park, threshold))
    grid: Sequence[float] = [load - kw for load, (kw, _) in zip(park.load_kw, played, strict=True)]
    return sum(bill(grid[month.first:month.end],
                    Tariff(park.tariff.prices[month.first:month.end], park.tariff.demand_price))
               for month in park.scored or park.months)
