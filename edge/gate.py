"""The last, independent check of every command.

It shares no code and no numbers with the rules: its nameplate comes from its own section of the
site file, it judges the raw readings itself, and it believes no flag computed above it. What it
promises, for any command and any reading:
  - a reading too old, or a converter not ready: 0 W;
  - never beyond the nameplate; an empty battery is not discharged, a full one not charged;
  - charging never lifts import above its limit, discharging never lifts export above its own;
  - the magnitude grows by at most `step_w` a beat; falling back towards 0 W is always allowed;
  - a command inside all limits passes unchanged.
"""

from edge.compat import const

PASSED = const(0)
STALE = const(1)
NAMEPLATE = const(2)
STATE_OF_CHARGE = const(3)
IMPORT = const(4)
EXPORT = const(5)
STEP = const(6)

WORDS = ("passed", "stale reading", "nameplate", "state of charge", "import limit",
         "export limit", "step limit", "internal fault")


class Gate:
    """Nameplate numbers of one site, as entered from the cabinet doors; powers W, all >= 0."""

    def __init__(self, plate: dict):
        self.charge_w = plate["charge_max_w"]
        self.discharge_w = plate["discharge_max_w"]
        self.floor_pm = plate["soc_floor_pm"]
        self.ceiling_pm = plate["soc_ceiling_pm"]
        self.import_w = plate["import_max_w"]
        self.export_w = plate["export_max_w"]
        self.age_ms = plate["age_max_ms"]
        self.soc_age_ms = plate["soc_age_max_ms"]
        self.step_w = plate["step_max_w"]
        self.last_w = 0
        self.verdict = PASSED

    def allow_w(self, w: int, now) -> int:
        """The command that may go out instead of w; `verdict` says what cut it last."""
        verdict = PASSED
        last_w = self.last_w
        if w != 0:
            net_w = now.grid_w + now.store_w  # what the coupling point carries without battery
            if (now.grid_age_ms > self.age_ms or now.store_age_ms > self.age_ms
                    or now.soc_age_ms > self.soc_age_ms or not now.ready):
                verdict = STALE
                w = 0
            elif w > 0:
                if now.soc_pm <= self.floor_pm:
                    verdict = STATE_OF_CHARGE
                    w = 0
                if w > self.discharge_w:
                    verdict = NAMEPLATE
                    w = self.discharge_w
                if w > net_w + self.export_w:
                    verdict = EXPORT
                    w = net_w + self.export_w
                    if w < 0:
                        w = 0
                most_w = self.step_w
                if last_w > 0:
                    most_w += last_w
                if w > most_w:
                    verdict = STEP
                    w = most_w
            else:
                if now.soc_pm >= self.ceiling_pm:
                    verdict = STATE_OF_CHARGE
                    w = 0
                if w < -self.charge_w:
                    verdict = NAMEPLATE
                    w = -self.charge_w
                if w < net_w - self.import_w:
                    verdict = IMPORT
                    w = net_w - self.import_w
                    if w > 0:
                        w = 0
                most_w = self.step_w
                if last_w < 0:
                    most_w -= last_w
                if w < -most_w:
                    verdict = STEP
                    w = -most_w
        self.verdict = verdict
        self.last_w = w
        return w
