"""What the beat sees of the devices: a grid meter, a battery, a PV plant.

A driver (or, on a rig without wires, the plant itself) hands over one signal at a time through
`take`, and the role writes it into the site's snapshot (edge/snapshot.py). A value that no device
of that kind can have is refused and never stamped, so that it grows old instead of being believed.
Powers W, positive into the busbar; energies Wh as they stand in the device's register.
"""

from edge.compat import const

_GRID_FRESH = const(1)  # bits as in edge/snapshot.py, folded into the bytecode
_STORE_FRESH = const(2)
_SOC_FRESH = const(4)
_PV_FRESH = const(8)
_READY = const(32)
_GRID_W = const(4)  # fields of the journal's row, see edge/journal.py
_PV_W = const(6)
_STORE_W = const(8)
_SOC_PM = const(10)
_CHARGE_MAX_W = const(12)
_DISCHARGE_MAX_W = const(13)
_POWER_MAX_W = const(8_000_000)  # beyond this the beat's 31-bit arithmetic is not proven


def plausible_w(w: int) -> bool:
    """Whether a power is one the beat can compute with."""
    return -_POWER_MAX_W <= w <= _POWER_MAX_W


class GridMeter:
    """The meter at the point of common coupling: import positive."""

    SIGNALS = ("grid_w", "import_wh", "export_wh")
    NEEDS = ("grid_w",)

    def __init__(self, now):
        self.now = now
        self.import_wh = self.export_wh = -1  # -1: the register was never read

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal == "grid_w":
            if not plausible_w(value):
                return False
            now = self.now
            now.row[_GRID_W] = now.grid_w = value
            now.grid_ms = stamp_ms
            now.known |= _GRID_FRESH
            now.grid.push(stamp_ms, value)
            now.pair()
        elif value < 0:
            return False
        elif signal == "import_wh":
            self.import_wh = value
        elif signal == "export_wh":
            self.export_wh = value
        else:
            return False
        return True


class Storage:
    """One battery: its power converter and its battery management system, read or written.

    `setpoint_w` is a lease: a driver may keep it alive for `lease_ms` after `setpoint_ms`.
    """

    SIGNALS = ("store_w", "soc_pm", "charge_max_w", "discharge_max_w", "charge_wh",
               "discharge_wh", "ready")
    NEEDS = ("store_w", "soc_pm")

    def __init__(self, now, charge_max_w: int, discharge_max_w: int, lease_ms: int):
        self.now = now
        self.rated_charge_w = now.charge_max_w = now.row[_CHARGE_MAX_W] = charge_max_w
        self.rated_discharge_w = now.discharge_max_w = discharge_max_w
        now.row[_DISCHARGE_MAX_W] = discharge_max_w
        self.charge_wh = self.discharge_wh = -1
        now.ready = True
        now.known |= _READY
        self.setpoint_w = 0
        self.setpoint_ms = 0
        self.lease_ms = lease_ms

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        now = self.now
        if signal == "store_w":
            if not plausible_w(value):
                return False
            now.row[_STORE_W] = now.store_w = value
            now.store_ms = stamp_ms
            now.known |= _STORE_FRESH
            now.store.push(stamp_ms, value)
            now.pair()
        elif signal == "soc_pm":
            if not 0 <= value <= 1000:
                return False
            now.row[_SOC_PM] = now.soc_pm = value
            now.soc_ms = stamp_ms
            now.known |= _SOC_FRESH
        elif value < 0:
            return False
        elif signal == "charge_max_w":
            limit_w = self.rated_charge_w if value > self.rated_charge_w else value
            now.row[_CHARGE_MAX_W] = now.charge_max_w = limit_w
        elif signal == "discharge_max_w":
            limit_w = self.rated_discharge_w if value > self.rated_discharge_w else value
            now.row[_DISCHARGE_MAX_W] = now.discharge_max_w = limit_w
        elif signal == "charge_wh":
            self.charge_wh = value
        elif signal == "discharge_wh":
            self.discharge_wh = value
        elif signal == "ready":
            now.ready = value != 0
            now.known = now.known | _READY if value else now.known & ~_READY
        else:
            return False
        return True


class Pv:
    """A PV plant: generation positive."""

    SIGNALS = ("pv_w", "pv_wh")
    NEEDS = ("pv_w",)

    def __init__(self, now):
        self.now = now
        self.pv_wh = -1

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal == "pv_w":
            if not plausible_w(value):
                return False
            now = self.now
            now.row[_PV_W] = now.pv_w = value
            now.pv_ms = stamp_ms
            now.known |= _PV_FRESH
        elif signal == "pv_wh" and value >= 0:
            self.pv_wh = value
        else:
            return False
        return True
