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

FAULT = const(7)  # no gate was reached: the beat could not be finished
PASSED = const(0)
STALE = const(1)
_NAMEPLATE = const(2)
_STATE_OF_CHARGE = const(3)
_IMPORT = const(4)
_EXPORT = const(5)
_STEP = const(6)

WORDS = ("passed", "stale reading", "nameplate", "state of charge", "import limit",
         "export limit", "step limit", "internal fault")


class Gate:
    """Nameplate numbers of one site, as entered from the cabinet doors; powers W, all >= 0."""

    def __init__(self, plate: dict):
        self.allow_w = _allow_w(plate)


def _allow_w(plate: dict):
    """The gate's one function; its numbers are bound as defaults, see edge/rules/__init__.py."""
    last_w = 0

    def allow_w(w: int, now, charge_w=plate["charge_max_w"], discharge_w=plate["discharge_max_w"],
                floor_pm=plate["soc_floor_pm"], ceiling_pm=plate["soc_ceiling_pm"],
                import_w=plate["import_max_w"], export_w=plate["export_max_w"],
                age_ms=plate["age_max_ms"], soc_age_ms=plate["soc_age_max_ms"],
                step_w=plate["step_max_w"]) -> int:
        """The command that may go out instead of w; now.verdict says what cut it last."""
        nonlocal last_w
        verdict = PASSED
        if w != 0:
            net_w = now.grid_w + now.store_w  # what the coupling point carries without battery
            if (now.grid_age_ms > age_ms or now.store_age_ms > age_ms
                    or now.soc_age_ms > soc_age_ms or not now.ready):
                verdict = STALE
                w = 0
            elif w > 0:
                if now.soc_pm <= floor_pm:
                    verdict = _STATE_OF_CHARGE
                    w = 0
                if w > discharge_w:
                    verdict = _NAMEPLATE
                    w = discharge_w
                if w > net_w + export_w:
                    verdict = _EXPORT
                    w = net_w + export_w
                    if w < 0:
                        w = 0
                most_w = step_w
                if last_w > 0:
                    most_w += last_w
                if w > most_w:
                    verdict = _STEP
                    w = most_w
            else:
                if now.soc_pm >= ceiling_pm:
                    verdict = _STATE_OF_CHARGE
                    w = 0
                if w < -charge_w:
                    verdict = _NAMEPLATE
                    w = -charge_w
                if w < net_w - import_w:
                    verdict = _IMPORT
                    w = net_w - import_w
                    if w > 0:
                        w = 0
                most_w = step_w
                if last_w < 0:
                    most_w -= last_w
                if w < -most_w:
                    verdict = _STEP
                    w = -most_w
        now.verdict = verdict
        last_w = w
        return w

    return allow_w
