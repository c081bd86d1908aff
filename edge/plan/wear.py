"""Let the trade count what the battery ages: a cycle that earns less than its wear is not done.

A kWh used saves its price less its wear; a peak is shaved whatever the wear. Loaded where wear has
a price. The host says how much for each trade of the plan, 0 for one that counts in carbon.
"""


def plan(planner, keys: dict, site):
    """The planner with `wears_e4` a kWh discharged, 1e-4 currency, of its trade or each of them."""
    trades = planner.trades if hasattr(planner, "trades") else [planner.trade]
    for at in range(len(trades)):
        if trades[at]:
            trades[at].worth.wear = keys["wears_e4"][at]
    return planner
