"""A park whose window follows a meter, beat by beat with the heap locked: beat.py IMAGE.json, on
CPython and on MicroPython. Prints what window and peak are, once a minute.

The meter's clock is 437 s ahead and jumps by a quarter of an hour after an hour; the month ends.
"""

import json
import sys
from array import array

from edge.controller import Controller
from edge.site import Site
from hil import lockstep
from hil.inputs import names

DAY = 9677  # 2026-06-30
START_S = 86_400 - 28_800 - 5400  # an hour and a half before the site's midnight

with open(sys.argv[1]) as file:
    image = json.load(file)
site = Site(image)
site.clock_set = True
beat = lockstep.bind(image, site, Controller(site))
known = names(image)
meter = next(role for role in site.roles if "meter_clock_s" in role.SIGNALS)
inputs = array("i", [0] * len(known))
highest = energy = 0
for at_s in range(10_800):
    now_ms = 1_073_000_000 + at_s * 1000 & (1 << 30) - 1  # the ticks wrap within
    second = START_S + at_s
    load_w = 150_000 + at_s // 40 % 13 * 17_000
    shown_s = second + 437 + (900 if at_s > 3600 else 0)
    energy += load_w
    if shown_s % 900 == 0:
        highest, energy = max(highest, energy // 900), 0
    if at_s == 5400 - 437:
        highest = 0
    if at_s % 5 == 0:
        meter.heard_ms = now_ms
        stamp_ms = now_ms - 300 & (1 << 30) - 1
        meter.take("present_demand_w", energy // 900, stamp_ms)
        meter.take("meter_clock_s", shown_s % 86_400, stamp_ms)
        meter.take("max_demand_w", highest, stamp_ms)
        meter.take("max_demand_at", 1_000_000 + shown_s // 900 * 15, stamp_ms)
    for name, value in (("now_ms", now_ms), ("day", DAY + second // 86_400),
                        ("second", second % 86_400), ("grid_w", load_w), ("grid_ms", now_ms),
                        ("store_ms", now_ms), ("soc_pm", 500), ("soc_ms", now_ms), ("ready", 1),
                        ("charge_max_w", 200_000), ("discharge_max_w", 200_000)):
        inputs[known.index(name)] = value
    command_w = beat(inputs)
    if site.fault is not None:
        raise site.fault
    if at_s % 60 == 0:
        now = site.now
        print(at_s, site.window.demand_w, site.window.peak_w, now.left_s, now.hold_w, command_w)
found = {}
for tell in site.live:
    tell(found.__setitem__)
print(found["demand_window"], found["meter_peak_w"])
