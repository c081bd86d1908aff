"""One power shared out among several batteries, to the watt."""


def split(target_w: int, units: list):
    """Leave in each unit's `wish_w` its share of target_w, from `least_w` to `most_w`.

    The sum is exactly target_w, or the nearest that all bounds together allow. Every share is one
    level times the unit's weight (1 .. 10,000), held inside its bounds (water-filling). Each round
    the level is what is left by the weights that are left, and those on the heavier wrong side are
    settled at their bound for good (Bitran and Hax, Management Science 27 (1981), p. 431), so there
    are no more rounds than units.
    Within 31 bits for |bounds| <= 8 MW and 8 units.
    """
    least_w = most_w = weights = 0
    for unit in units:
        least_w += unit.least_w
        most_w += unit.most_w
        weights += unit.weight
        unit.free = True
    if target_w > most_w:
        target_w = most_w
    elif target_w < least_w:
        target_w = least_w
    left_w = target_w
    over_w = under_w = 1
    while weights and (over_w or under_w):
        size_w = left_w if left_w > 0 else -left_w  # rounded towards 0: no share turns its sign
        level = size_w // weights
        rest = size_w - level * weights
        over_w = under_w = 0
        for unit in units:
            if unit.free:
                weight = unit.weight
                w = level * weight + rest * weight // weights
                unit.wish_w = w = w if left_w > 0 else -w
                if w > unit.most_w:
                    over_w += w - unit.most_w
                elif w < unit.least_w:
                    under_w += unit.least_w - w
        if over_w or under_w:
            for unit in units:
                if unit.free:
                    if over_w >= under_w:
                        if unit.wish_w <= unit.most_w:
                            continue
                        unit.wish_w = unit.most_w
                    else:
                        if unit.wish_w >= unit.least_w:
                            continue
                        unit.wish_w = unit.least_w
                    unit.free = False
                    left_w -= unit.wish_w
                    weights -= unit.weight
    for unit in units:  # what rounding left over, a watt a unit at most
        target_w -= unit.wish_w
    for unit in units:
        if not target_w:
            break
        w = unit.wish_w + target_w
        if w > unit.most_w:
            w = unit.most_w
        elif w < unit.least_w:
            w = unit.least_w
        target_w += unit.wish_w - w
        unit.wish_w = w
