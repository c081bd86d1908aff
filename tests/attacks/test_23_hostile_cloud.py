"""The cloud is somebody else's, with every key in hand: the battery stays inside its limits."""

import random

import pytest

from edge.blocks import RamBlocks
from edge.command import _RECORD_BYTES, Commands
from edge.keep import Keep
from tests.attacks.commanded import KEYS, NAME, ROOT, Outbox, command
from tests.core.loop import Loop
from tests.core.park import DAY, image

VERBS = {"limit-import": [(0, 900_000)], "limit-export": [(0, 900_000)],
         "limit-charge": [(0, 900_000)], "limit-discharge": [(0, 900_000)], "floor": [(0, 1000)],
         "setpoint": [(-900_000, 900_000), (0, 1)], "stop": [], "release": []}
DAY_S = 86_400
IMPORT_W, FLOOR_PM, CEILING_PM = 700_000, 100, 900


@pytest.mark.parametrize("over_demand", [0, 1])
def test_a_day_in_the_hands_of_a_hostile_cloud(over_demand):
    """Two hours of emptying the battery, two of filling it and two of anything, again and again: a
    command every ten seconds in the mean, most at the worst value there is, and a load that leaps.
    At no beat beyond what gate and park allow, and no fault."""
    dice = random.Random(23 + over_demand)
    loop = Loop(image(rules={"command": {"over_demand": over_demand}}))
    loop.battery = loop.plant.battery = type(loop.battery)(400_000, 200_000, 200_000, soc_pm=500)
    loop.discharge_max_w = 200_000
    site = loop.park.site
    commands = Commands(site, KEYS, NAME, ROOT, Keep(RamBlocks(), _RECORD_BYTES), Outbox())
    gate, load_w, last_w, counter = loop.made["gate"], 300_000, 0, 0
    violations, bound, socs = [], 0, set()
    for beat in range(DAY_S):
        if dice.random() < 0.1:
            counter += 1
            aim = beat // 7200 % 3
            verb = dice.choice(list(VERBS)) if aim == 2 else dice.choice(("setpoint", "release"))
            args = [dice.choice((low, high, dice.randint(low, high))) for low, high in VERBS[verb]]
            if verb == "setpoint" and aim < 2:
                args = [900_000 if aim == 0 else -900_000, 1]
            message = command(verb, *args, counter=counter, ttl_s=dice.randint(1, 900),
                              issued=DAY * DAY_S + loop.second)
            commands.receive(message, 0, len(message), loop.second * 1000)
        if dice.random() < 0.01:
            load_w = dice.randint(-150_000, 690_000)
        loop.step(load_w)
        w, row = loop.commands[-1], loop.park.row
        soc_pm = loop.battery.soc_now_pm
        socs.add(soc_pm)
        bound += site.rule_names.index("command") in (row["lo_by"], row["hi_by"])
        grid_w = row["net_w"] - w
        wrong = [name for name, is_so in {
            "nameplate": not -gate["charge_max_w"] <= w <= gate["discharge_max_w"],
            "step": abs(w) > (abs(last_w) if w * last_w > 0 else 0) + gate["step_max_w"],
            "import": w < 0 and grid_w > IMPORT_W, "export": w > 0 and grid_w < 0,
            "store": not FLOOR_PM <= soc_pm <= CEILING_PM,
            "gate": row["verdict"] != 0}.items() if is_so]
        violations += [(loop.second, name, w, row) for name in wrong]
        last_w = w
    assert violations[:3] == []
    assert counter > 8000
    assert commands.accepted > 0.9 * counter
    assert bound > 10_000, "it did what it was asked for"
    assert max(socs) - min(socs) > 600, "and the store was driven to and fro"
