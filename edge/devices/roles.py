"""What the beat sees of the devices: a grid meter, a battery, a PV plant.

A driver (or, on a rig without wires, the plant itself) hands over one signal at a time through
`take`; the beat asks each role to `show` the newest value and its age. A value that no device of
that kind can have is refused and never stamped, so that it grows old instead of being believed.
Powers W, positive into the busbar; energies Wh as they stand in the device's register.
"""

from edge.compat import const
from edge.snapshot import NEVER_MS
from edge.trail import Trail

_POWER_MAX_W = const(8_000_000)  # beyond this the beat's 31-bit arithmetic is not proven
_FORGET_MS = const(100_000_000)  # stamps must be dropped well before the tick period ends
_TICKS = const((1 << 30) - 1)
_FUTURE = const(1 << 29)  # an age beyond half the period is a stamp a little ahead of the beat


def odd_age_ms(age_ms: int) -> int:
    """What to make of an age beyond a day: a stamp a little ahead of the beat wraps around and
    counts as new, anything else as never read."""
    return 0 if age_ms > _FUTURE else NEVER_MS


def plausible_w(w: int) -> bool:
    """Whether a power is one the beat can compute with."""
    return -_POWER_MAX_W <= w <= _POWER_MAX_W


class GridMeter:
    """The meter at the point of common coupling: import positive."""

    SIGNALS = ("grid_w", "import_wh", "export_wh")
    NEEDS = ("grid_w",)

    def __init__(self):
        self.grid_w = 0
        self.stamp_ms = 0
        self.seen = False
        self.trail = Trail()
        self.import_wh = self.export_wh = -1  # -1: the register was never read

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal == "grid_w":
            if not plausible_w(value):
                return False
            self.grid_w = value
            self.stamp_ms = stamp_ms
            self.seen = True
            self.trail.push(stamp_ms, value)
        elif value < 0:
            return False
        elif signal == "import_wh":
            self.import_wh = value
        elif signal == "export_wh":
            self.export_wh = value
        else:
            return False
        return True

    def show(self, now, now_ms: int):
        """Copy the newest reading into the snapshot."""
        now.grid_w = self.grid_w
        age_ms = NEVER_MS
        if self.seen:
            age_ms = now_ms - self.stamp_ms & _TICKS
            if age_ms > _FORGET_MS:
                age_ms = odd_age_ms(age_ms)
                self.seen = age_ms == 0
        now.grid_age_ms = age_ms


class Storage:
    """One battery: its power converter and its battery management system, read or written.

    `setpoint_w` is a lease: a driver may keep it alive for `lease_ms` after `setpoint_ms`.
    """

    SIGNALS = ("store_w", "soc_pm", "charge_max_w", "discharge_max_w", "charge_wh",
               "discharge_wh", "ready")
    NEEDS = ("store_w", "soc_pm")

    def __init__(self, charge_max_w: int, discharge_max_w: int, lease_ms: int):
        self.store_w = 0
        self.stamp_ms = 0
        self.seen = False
        self.trail = Trail()
        self.soc_pm = 0
        self.soc_stamp_ms = 0
        self.soc_seen = False
        self.rated_charge_w = self.charge_max_w = charge_max_w
        self.rated_discharge_w = self.discharge_max_w = discharge_max_w
        self.charge_wh = self.discharge_wh = -1
        self.ready = True
        self.setpoint_w = 0
        self.setpoint_ms = 0
        self.lease_ms = lease_ms

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal == "store_w":
            if not plausible_w(value):
                return False
            self.store_w = value
            self.stamp_ms = stamp_ms
            self.seen = True
            self.trail.push(stamp_ms, value)
        elif signal == "soc_pm":
            if not 0 <= value <= 1000:
                return False
            self.soc_pm = value
            self.soc_stamp_ms = stamp_ms
            self.soc_seen = True
        elif value < 0:
            return False
        elif signal == "charge_max_w":
            self.charge_max_w = self.rated_charge_w if value > self.rated_charge_w else value
        elif signal == "discharge_max_w":
            limit_w = self.rated_discharge_w
            self.discharge_max_w = limit_w if value > limit_w else value
        elif signal == "charge_wh":
            self.charge_wh = value
        elif signal == "discharge_wh":
            self.discharge_wh = value
        elif signal == "ready":
            self.ready = value != 0
        else:
            return False
        return True

    def show(self, now, now_ms: int):
        """Copy the newest readings into the snapshot."""
        now.store_w = self.store_w
        age_ms = NEVER_MS
        if self.seen:
            age_ms = now_ms - self.stamp_ms & _TICKS
            if age_ms > _FORGET_MS:
                age_ms = odd_age_ms(age_ms)
                self.seen = age_ms == 0
        now.store_age_ms = age_ms
        now.soc_pm = self.soc_pm
        age_ms = NEVER_MS
        if self.soc_seen:
            age_ms = now_ms - self.soc_stamp_ms & _TICKS
            if age_ms > _FORGET_MS:
                age_ms = odd_age_ms(age_ms)
                self.soc_seen = age_ms == 0
        now.soc_age_ms = age_ms
        now.charge_max_w = self.charge_max_w
        now.discharge_max_w = self.discharge_max_w
        now.ready = self.ready


class Pv:
    """A PV plant: generation positive."""

    SIGNALS = ("pv_w", "pv_wh")
    NEEDS = ("pv_w",)

    def __init__(self):
        self.pv_w = 0
        self.stamp_ms = 0
        self.seen = False
        self.pv_wh = -1

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal == "pv_w":
            if not plausible_w(value):
                return False
            self.pv_w = value
            self.stamp_ms = stamp_ms
            self.seen = True
        elif signal == "pv_wh" and value >= 0:
            self.pv_wh = value
        else:
            return False
        return True

    def show(self, now, now_ms: int):
        """Copy the newest reading into the snapshot."""
        now.pv_w = self.pv_w
        age_ms = NEVER_MS
        if self.seen:
            age_ms = now_ms - self.stamp_ms & _TICKS
            if age_ms > _FORGET_MS:
                age_ms = odd_age_ms(age_ms)
                self.seen = age_ms == 0
        now.pv_age_ms = age_ms
