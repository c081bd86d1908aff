"""The inputs of several batteries, after those of the first: for hil/lockstep.py and its users.

Apart from it, because a site with a single battery needs none of it, and because a MicroPython that
is measured should load no names that a gateway does not have. It keeps to what both Pythons have.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from typing import Any

_INPUTS = 14  # of lockstep.INPUTS
# What follows there for each further battery, in this order.
MORE = ("store_w", "store_ms", "soc_pm", "soc_ms", "charge_max_w", "discharge_max_w", "ready")
_FIRST = (5, 6, 7, 8, 11, 12, 13)  # where the first one's are


def width(batteries: int, phases: bool = False) -> int:
    """How many inputs a site with so many batteries has, with the loads of its phases or without;
    those come last."""
    return _INPUTS + len(MORE) * (batteries - 1) + (4 if phases else 0)


def places(battery: int) -> "tuple[int, ...]":
    """Where in the inputs the readings of a battery are, in the order of MORE."""
    first = _INPUTS + len(MORE) * (battery - 1)
    return _FIRST if battery == 0 else tuple(range(first, first + len(MORE)))


def hand_over(units: "Any", v: "array[int]") -> None:
    """Give the readings to every battery, as its drivers would."""
    for number in range(len(units)):
        unit = units[number]
        store_w, store_ms, soc_pm, soc_ms, charge_w, discharge_w, ready = places(number)
        if v[store_ms] >= 0:
            unit.take("store_w", v[store_w], v[store_ms])
            unit.take("ready", v[ready], v[store_ms])
        if v[soc_ms] >= 0:
            unit.take("soc_pm", v[soc_pm], v[soc_ms])
            unit.take("charge_max_w", v[charge_w], v[soc_ms])
            unit.take("discharge_max_w", v[discharge_w], v[soc_ms])
