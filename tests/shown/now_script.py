"""Prints what is so now in a few states of a site; runs on CPython and on MicroPython.

now_script.py IMAGE
"""

import json
import sys

from edge.controller import Controller
from edge.now import BYTES, Now
from edge.site import Site

with open(sys.argv[1]) as source:
    image = json.load(source)
site = Site(image)
site.clock_set = True
controller = Controller(site)
now = Now(site, image)
buf = bytearray(BYTES + 5)
for second in range(0, 40, 3):
    ms = 60_000 + 1000 * second
    if second > 5:
        site.grid_meter.take("grid_w", 400_000, ms - 300)
        site.storage.take("store_w", 50_000, ms - 400)
        site.storage.take("soc_pm", 500, ms - 2000)
        site.storage.take("ready", 1, ms)
        site.storage.take("charge_max_w", 100_000, ms)
        site.storage.take("discharge_max_w", 100_000, ms)
    if second > 20:
        site.pv.take("pv_w", 30_000, ms - 4)
    if second > 25:
        site.live = [lambda put: put("load_mg_per_kwh", 570_300)]
    controller.beat(ms, 9657, 36_000 + second)
    if second > 35:
        site.fault = ValueError()
    print(bytes(buf[:now.write(buf, 0, ms + 250)]).decode())
print(now.cut)
