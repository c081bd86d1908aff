"""Let the trade count what the battery ages: a cycle that earns less than its wear is not done.

A kWh used saves its price less its wear; a peak is shaved whatever the wear. Loaded where wear has
a price and the plan goes by money; under a carbon cap the last level, carbon alone, is traded less
for it, too.
"""


def plan(planner, keys: dict, site):
    """The planner with a wear of `wear_e4` a kWh discharged, 1e-4 currency."""
    if planner.trade:
        planner.trade.worth.wear = keys["wear_e4"]
    return planner
