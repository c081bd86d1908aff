"""How much a gateway thinks in a day: the foundry's factory days, four weeks of them remembered."""

from __future__ import annotations

from typing import Any

from boards import local_time
from boards.site import load
from hil import dut, feed
from hil.bench_tree import SITE
from hil.emulate import Emulator, image_of, plant_of
from hil.emulation import FACTORY_START, ROOF_W

_BEAT_S = 60
_DAYS = 35  # 28 to remember, and a week that is counted


def slices_a_day() -> float:
    """Slices of the planner's thinking in a day, mean of a week."""
    image = image_of(load(SITE), _BEAT_S)
    device = dut.InProcess(image)
    planner: Any = device.site.planner
    think, count = planner.step, 0

    def counted(net_w: int, store_wh: int) -> None:
        nonlocal count
        count += 1
        think(net_w, store_wh)

    moment = local_time.parse(FACTORY_START.isoformat(), (0, 0), image["offsets"])
    emulator = Emulator(device, plant_of(image), feed.factory(FACTORY_START, _BEAT_S, _DAYS),
                        feed.roof(FACTORY_START, _BEAT_S, _DAYS, ROOF_W), moment, _BEAT_S)
    for day in range(_DAYS):
        if day == _DAYS - 7:
            planner.step = counted
        for _ in range(feed.QUARTERS):
            emulator.quarter()
    return round(count / 7, 1)
