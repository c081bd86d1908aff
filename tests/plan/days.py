"""Runs on both interpreters: a week and a half of planning, one number for all that was said.

    days.py MODE DAYS    MODE: shave (no spread of prices), trade, free (demand costs nothing),
                         told (trade with announced loads and a tally), capped (carbon),
                         dear (the highest prices there may be), worn (wear has a price)

On MicroPython every call of the planner is made with the heap locked: one that allocates ends the
script with a MemoryError. The plant is of integers too, so that the load seen is the same.
"""

import sys
from array import array

from edge.ledger.account import Cost
from edge.plan import cap, foresight, tally, wear
from edge.plan.planner import Planner
from edge.prices import Prices

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        pass

    def heap_unlock():
        pass


def load_w(day, slot):
    load = 900_000 + (slot * 7919 + day * 104_729) % 400_000
    if 28 <= slot < 84 and day % 7 < 5:
        load += 2_500_000 + (day * 7919) % 5 * 90_000
    if 48 <= slot < 56:
        load -= 1_900_000  # the sun
    if 40 <= slot < 46:
        load += 1_500_000
    return load


def battery_w(planner, load, store_wh, full_wh):
    wanted = planner.wish_w
    if wanted == 0 and load < planner.target_w:
        wanted = -min(planner.recharge_w, planner.target_w - load)
    wanted = max(wanted, load - planner.target_w)
    return max(-1_500_000, (store_wh - full_wh) * 4, min(wanted, 1_500_000, store_wh * 4))


class Site:
    """What a planner's wraps ask of one."""

    def __init__(self, prices):
        self.prices = prices
        self.account = self
        self.carbon = Cost()
        self.announce = None
        self.announced = None


def wrapped(planner, mode, prices, site):
    if mode == "capped":
        dearer = [[price + 40_000 * level for price in prices] for level in range(3)]
        planner = cap.plan(planner, {"cap_g": 30_000_000, "demand_e4": 400_000,
                                     "prices_e4": dearer}, site)
    elif mode == "told":
        planner = foresight.plan(planner, {"schedule": [[31, 20, 40, 1, 50_000, 300]],
                                           "raise_w": 200_000}, site)
    elif mode == "worn":
        return wear.plan(planner, {"wear_e4": 2500}, site)
    else:
        return planner
    return tally.plan(planner, {"carbon_e4": [8000, 4000] * 48}, site)


def announced(site, day, slot):
    """What is told before a slot ends: the next eight, nearly true."""
    ahead = [load_w(day + (slot + i) // 96, (slot + i) % 96) * (100 + i) // 100
             for i in range(1, 9)]
    return site.announce(9000 + day, slot + 1, ahead, 0, 900, 9001 + day, slot)


def run(mode, days):
    prices = array("i", [3000] * 32 + [10000] * 36 + [12000] * 20 + [6500] * 8)
    if mode == "dear":  # as dear as a tariff may be
        prices = array("i", [4_000_000 - 300 * price for price in prices])
    if mode == "shave":
        prices = array("i", [5000] * 96)
    demand_price = 0 if mode == "free" else 400_000
    planner = Planner(3_000_000, 1_500_000, 1_500_000, 100, 900, 900, demand_price, Prices(prices))
    site = Site(Prices(prices))
    planner = wrapped(planner, mode, prices, site)
    full_wh = store_wh = 2_400_000
    peak_w = total = steps = 0
    for day in range(days):
        for slot in range(96):
            load = load_w(day, slot)
            heap_lock()
            planner.step(load, store_wh)
            while planner.busy:
                planner.step(load, store_wh)
                steps += 1
            heap_unlock()
            power = battery_w(planner, load, store_wh, full_wh)
            store_wh -= power // 4
            if load - power > peak_w:
                peak_w = load - power
            if day == days // 2 and slot == 95:
                peak_w = 0  # the next month begins, now with something remembered
            total = (total * 31 + planner.target_w + 7 * planner.wish_w + store_wh) % 1_000_003
            if mode == "told":
                total += announced(site, day, slot) + site.announced.trust_pm
            if mode == "capped":
                site.carbon.post(max(load - power, 0) // 4, 832_500)
                total += planner.planner.level
            if site.announce or mode == "capped":
                total += planner.saved_e4 % 1009 + planner.saved_g % 1013 + planner.peak_less_w
            heap_lock()
            planner.slot(9000 + day, slot, load, peak_w, 1)
            heap_unlock()
    print(mode, days, total, steps, peak_w)


run(sys.argv[1], int(sys.argv[2]))
