"""A battery in numbers: what a real one does in a quarter-hour under a plan."""


def power(scale, store: int, net: int, goal: int, wish: int, recharge: int) -> int:
    """Mean power (quanta, discharge +) in a slot of load `net`, with `store` units at its start:
    what the rules make of goal, wish and recharge, within what the battery can do."""
    out = wish
    if out >= 0:
        if out > net:
            out = net if net > 0 else 0
        if out == 0 and net < goal:
            out = net - goal if net - goal > -recharge else -recharge
    if out < net - goal:
        out = net - goal
    if out > scale.discharge:
        out = scale.discharge
    if out < -scale.charge:
        out = -scale.charge
    if out * scale.out_pm > store:
        return store // scale.out_pm
    if out * scale.into_pm < store - scale.full:
        return (store - scale.full) // scale.into_pm
    return out


def after(scale, store: int, out: int) -> int:
    """The store after a slot at this power, units."""
    store -= out * (scale.out_pm if out > 0 else scale.into_pm)
    return store if store < scale.full else scale.full
