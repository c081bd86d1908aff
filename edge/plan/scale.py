"""The battery in the planner's own units, chosen so that a sum never leaves 31 bits.

Power is counted in quanta of about a thousandth of the battery's power, energy in thousandths of
"one quantum for one slot of 15 minutes". A slot at power p then moves p * into_pm or p * out_pm
units: the losses cost one multiplication and no division.
"""

from edge.compat import const

TOP = const(32767)  # largest power in quanta: what array('h') holds
_FULL_BITS = const(29)


class Scale:
    """Fixed once: `quantum_w`, `charge` and `discharge` (quanta), `full` (units of energy)."""

    def __init__(self, store_wh: int, charge_max_w: int, discharge_max_w: int,
                 efficiency_pm: int, load_max_w: int):
        largest_w = max(charge_max_w, discharge_max_w)
        self.quantum_w = max(1, largest_w // 1000, -(-load_max_w // TOP),
                             store_wh * 4000 >> _FULL_BITS)
        self.charge = charge_max_w // self.quantum_w
        self.discharge = discharge_max_w // self.quantum_w
        self.full = max(1, store_wh * 4 // self.quantum_w) * 1000
        way_pm = 1  # one conversion: the square root of the round trip
        while (way_pm + 1) * (way_pm + 1) <= efficiency_pm * 1000:
            way_pm += 1
        self.into_pm = way_pm
        self.out_pm = 1_000_000 // way_pm

    def power(self, watts: int) -> int:
        """The nearest number of quanta, held within +/-32767."""
        return max(-TOP, min(TOP, (watts + self.quantum_w // 2) // self.quantum_w))

    def energy(self, wh: int) -> int:
        """Units of energy, held within 0 .. full."""
        return max(0, min(self.full, wh * 4 // self.quantum_w * 1000))
