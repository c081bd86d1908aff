"""Plan by other prices than the bill's: carbon, or money and carbon, or the sun alone.

The host has made them (boards/plan.py): `prices_e4` of the 96 slots of a day, and `demand_e4`, 0
when a peak is not worth its losses; and `valid`, first and last day on which they are known, if
there are such. The plan trades by them even if none differs: then nothing is bought to be used
later, and what the sun has stored replaces import at once. The bill and the ledger keep the true
prices.
"""

from edge.plan.trade import Trade
from edge.prices import Prices


def plan(planner, keys: dict, site):
    """The planner with a trade by these prices; before it has lived through a slot."""
    prices = prices_of(keys["prices_e4"], keys)
    planner.trade = Trade(planner.scale, planner.memory, prices, keys["demand_e4"])
    planner.shaves = keys["demand_e4"] > 0
    planner.refill_w = 0
    return planner


def prices_of(prices_e4, keys: dict):
    """These prices, on the days on which they are known."""
    return Prices(prices_e4, keys["valid"]) if "valid" in keys else Prices(prices_e4)
