"""One battery of several: what its converter and its BMS said, and what it can be asked for."""

from edge.compat import const
from edge.devices.roles import Storage, plausible_w
from edge.fleet.doubt import Doubt
from edge.snapshot import NEVER_MS
from edge.trail import Trail

PARTS = const(10_000)  # the capacity of all batteries together
HOLD_S = const(900)  # how long a battery that is out still counts with its last state of charge

_STORE = const(1)  # bits of `known`: what was ever read
_SOC = const(2)
_EDGE_PM = const(50)  # from here on to its bounds no more than a beat can still move
_FORGET_MS = const(100_000_000)  # as in edge/snapshot.py: a stamp is dropped before it looks young
_FUTURE = const(1 << 29)
_TICKS = const((1 << 30) - 1)


class Unit:
    """A role like `Storage`, with its own setpoint and lease; its readings stay with it.

    `settle(now_ms)` begins a beat: how old they are, whether its power can be counted on
    (`measured`), whether it is `usable` now and has been long enough to be asked for anything, from
    lo_w (charging, <= 0) to hi_w. Powers W, positive into the busbar.
    """

    SIGNALS = Storage.SIGNALS

    def __init__(self, now, keys: dict, ages: dict, reserve: dict, whole_wh: int, beat_s: int):
        self.now = now
        self.rated_charge_w = self.charge_max_w = keys["charge_max_w"]
        self.rated_discharge_w = self.discharge_max_w = keys["discharge_max_w"]
        self.lease_ms = keys["lease_ms"]
        capacity_wh = keys["capacity_wh"]
        part = capacity_wh * PARTS // whole_wh
        self.part = part if part else 1  # of all batteries' capacity
        self.duty_pm = keys["duty_pm"]
        work = self.part * self.duty_pm // 1000
        self.work = work if work else 1  # of all batteries' work, at the same state of charge
        self.floor_pm, self.ceiling_pm = reserve["floor_pm"], reserve["ceiling_pm"]
        self.setpoint_w = self.setpoint_ms = 0
        self.store_w = self.store_ms = self.soc_ms = 0
        self.soc_pm = self.floor_pm
        self.charge_wh = self.discharge_wh = -1
        self.ready = True
        self.known = 0
        self.trail = Trail()
        power_w = max(self.rated_charge_w, self.rated_discharge_w)
        self.doubt = Doubt(capacity_wh, power_w, ages["soc_ms"])
        # As of this beat:
        self.store_age_ms = self.soc_age_ms = NEVER_MS
        self.measured = self.usable = False
        self.doubted = False  # by the rule soc_check
        self.out_s = 0  # for how long it has not been usable, up to HOLD_S
        self.lo_w = self.hi_w = 0
        # What sharing out makes of it (edge/fleet/command.py):
        self.on = self.free = False
        self.least_w = self.most_w = self.weight = self.merit = self.wish_w = 0
        w_per_pm = capacity_wh * 36 // (10 * beat_s)  # moves one per mille in a beat
        self.settle = _settle(self, ages, beat_s, min(w_per_pm, 16_000_000))

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible, unbelievable or unknown."""
        if signal == "store_w":
            if not plausible_w(value):
                return False
            if self.known & _STORE:
                self.doubt.flow(self.store_w, stamp_ms - self.store_ms & _TICKS)
            self.store_w = value
            self.store_ms = stamp_ms
            self.known |= _STORE
            self.trail.push(stamp_ms, value)
            self.now.pair()
        elif signal == "soc_pm":
            if not 0 <= value <= 1000 or (self.known & _SOC and self.doubt.jumps(
                    value - self.soc_pm, stamp_ms - self.soc_ms & _TICKS)):
                return False
            self.doubt.judge(value)
            self.soc_pm = value
            self.soc_ms = stamp_ms
            self.known |= _SOC
        elif value < 0:
            return False
        elif signal == "charge_max_w":
            rated_w = self.rated_charge_w
            self.charge_max_w = rated_w if value > rated_w else value
        elif signal == "discharge_max_w":
            rated_w = self.rated_discharge_w
            self.discharge_max_w = rated_w if value > rated_w else value
        elif signal == "charge_wh":
            self.charge_wh = value
        elif signal == "discharge_wh":
            self.discharge_wh = value
        elif signal == "ready":
            self.ready = value != 0
        else:
            return False
        return True

    def odd_age_ms(self, bit: int, age_ms: int) -> int:
        """What to make of an age past its limit; see Snapshot.odd_age_ms."""
        if self.known & bit:
            if age_ms > _FUTURE:
                return 0
            if age_ms <= _FORGET_MS:
                return age_ms
            self.known &= ~bit
        return NEVER_MS


def _settle(unit, ages: dict, beat_s: int, w_per_pm: int):
    """Bind the function that begins a beat; see edge/rules/__init__.py for how."""
    calm_s = 0

    def settle(now_ms: int, unit=unit, doubt=unit.doubt, odd_age_ms=unit.odd_age_ms,
               store_max_ms=ages["store_ms"], soc_max_ms=ages["soc_ms"],
               release_s=ages["release_s"], beat_s=beat_s, w_per_pm=w_per_pm,
               floor_pm=unit.floor_pm, ceiling_pm=unit.ceiling_pm):
        """Weigh the readings: how old, what to trust, what the battery can be asked for."""
        nonlocal calm_s
        known = unit.known
        age_ms = now_ms - unit.store_ms & _TICKS
        if age_ms > store_max_ms or not known & _STORE:
            age_ms = odd_age_ms(_STORE, age_ms)
        unit.store_age_ms = age_ms
        unit.measured = measured = age_ms <= store_max_ms
        age_ms = now_ms - unit.soc_ms & _TICKS
        if age_ms > soc_max_ms or not known & _SOC:
            age_ms = odd_age_ms(_SOC, age_ms)
        unit.soc_age_ms = age_ms
        lo_w = hi_w = 0
        if measured and age_ms <= soc_max_ms and unit.ready \
                and not (doubt.lies or unit.doubted):
            unit.usable = True
            unit.out_s = 0
            if calm_s < release_s:
                calm_s += beat_s
            else:
                above_pm = unit.soc_pm - floor_pm
                if above_pm > 0:
                    hi_w = unit.discharge_max_w
                    if above_pm < _EDGE_PM and above_pm * w_per_pm < hi_w:
                        hi_w = above_pm * w_per_pm
                below_pm = ceiling_pm - unit.soc_pm
                if below_pm > 0:
                    lo_w = -unit.charge_max_w
                    if below_pm < _EDGE_PM and -below_pm * w_per_pm > lo_w:
                        lo_w = -below_pm * w_per_pm
        else:
            unit.usable = False
            calm_s = 0
            if unit.out_s < HOLD_S:
                unit.out_s += beat_s
        unit.lo_w = lo_w
        unit.hi_w = hi_w

    return settle
