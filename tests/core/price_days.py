"""Runs on both interpreters: what a gateway says of prices, with its heap locked, as one line.

    price_days.py IMAGE DAY    minutes of three weeks from DAY on; every third evening prices are
                               pushed, every fifth a profile, where the tariff knows such
"""

import sys

from edge.compat import heap_lock, heap_unlock
from edge.image import load
from edge.price_push import push
from edge.site import Site


class Sums:
    """Of all that is told; small, so that adding to them takes no heap."""

    def __init__(self):
        self.said = self.slots = 0

    def add(self, value):
        self.said = (self.said * 31 + value) % 9973


def minute(site, day, second, sums):
    """One minute begins: what the beat does, and a look at today and tomorrow as the planner's."""
    now = site.now
    now.second = second
    site.close_minute(day, second, 1)
    sums.add(now.price_e4)
    sums.add(site.export_e4)
    sums.add(site.window.peak_w)
    sums.add(now.month)
    if second % 3600 == 0:
        for slot in range(192):
            sums.add(site.prices.level(now.local_day, slot))
            sums.add(site.prices.price_e4(now.local_day, slot))
            sums.slots += 1


def evening(site, day, sums):
    """What is pushed for the day after, and a few things that are refused."""
    rules = site.prices.days.get("push") if hasattr(site.prices, "days") else None
    said = [push(site, day, [0] * 24), push(site, day + 2, [0] * 24), push(site, day + 1, [])]
    if rules and rules["prices"] and day % 3 == 0:
        low, high = rules["prices"]
        hours = 24 if day % 2 else 96
        said.append(push(site, day + 1, [
            low + (high - low) * (slot * slot % 89) // 88 for slot in range(hours)]))
    if rules and day % 5 == 0:
        for name in sorted(rules["days"]):
            said.append(push(site, day + 1, name))
    for text in said:
        for letter in text:
            sums.add(ord(letter))


def run(path, first):
    site = Site(load(path))
    site.clock_set = True
    sums = Sums()
    for day in range(first, first + 21):
        for number in range(1440):
            site.flows.import_ws = number * 7919 % 30_000_000
            site.flows.seconds = 60
            heap_lock()
            minute(site, day, number * 60, sums)
            heap_unlock()
            if number == 600:  # UTC: the evening of China, the morning of California
                evening(site, site.now.local_day, sums)
    print(sums.said, sums.slots, site.prices.version, list(site.prices.levels))


run(sys.argv[1], int(sys.argv[2]))
