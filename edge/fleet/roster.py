"""Which converters run. At a tenth of its rating a converter loses several times the share that it
loses at half, so a small power is left to few of them."""

from edge.compat import const

_MARGIN_PM = const(50)  # how much more another must hold to relieve one that runs


def choose(site_w: int, units: list):
    """Set each unit's `on`: the best ones by `merit`, as many as the power needs.

    Another one joins when those before it would run above seven tenths of what they can do, and
    leaves when they would run below four tenths without it; in between nothing changes. It needs
    each unit's least_w and most_w; a unit that can do nothing is off.
    """
    if site_w < 0:
        site_w = -site_w
    for unit in units:
        unit.free = unit.least_w != unit.most_w
        if not unit.free:
            unit.on = False
    sum_w = 0  # what those that were found before can do
    for _ in range(len(units)):
        best = None
        best_pm = -1
        for unit in units:
            if unit.free:
                merit_pm = unit.merit + _MARGIN_PM if unit.on else unit.merit
                if merit_pm > best_pm:
                    best_pm = merit_pm
                    best = unit
        if best is None:
            break
        best.free = False
        best.on = site_w > sum_w // 10 * (4 if best.on else 7)
        sum_w += best.most_w - best.least_w
