"""What the ledger's own meters show on a simulated plant: those of lines and of tenants.

Each tenant draws an equal part of the load, and so does what has no meter. A direct line brings
nothing, because the plant has none; a generator's brings what it gives.
"""

from __future__ import annotations

from boards.ledger import LINES
from hil.island import IslandPlant
from hil.plants import Plant


def power_w(plant: Plant, line: str, tenants: int) -> int:
    """The power at one of them now, one of so many `tenants`."""
    if line not in LINES:
        return plant.load_w // (tenants + 1)
    if line == "generator" and isinstance(plant, IslandPlant) and plant.diesel:
        return plant.diesel.power_w
    return 0


def counted_ws(plant: Plant, line: str, tenants: int) -> int:
    """What its register has counted, W*s."""
    if line not in LINES:
        return plant.load_ws // (tenants + 1)
    return plant.gen_ws if line == "generator" and isinstance(plant, IslandPlant) else 0
