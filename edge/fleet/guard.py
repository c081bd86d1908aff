"""The last, independent check of every battery's setpoint.

The site's gate (edge/gate.py) has said what all of them together may do; this spends it, battery by
battery. It shares no code and no numbers with what it checks: each nameplate has its own section of
the site file. What it promises, whatever was wished and read:
  - together never more than the gate allowed, and no battery against its direction;
  - a battery with a reading too old, or not ready: 0 W;
  - never beyond its nameplate; an empty one is not discharged, a full one not charged;
  - its magnitude grows by at most its own step a beat, that of all together by the gate's step;
    falling back towards 0 W is always allowed;
  - wishes inside all limits pass unchanged.
"""

from edge.compat import const

_STALE = const(1)  # the gate's verdicts, see edge/gate.py
_NAMEPLATE = const(2)
_STATE_OF_CHARGE = const(3)
_IMPORT = const(4)
_EXPORT = const(5)
_STEP = const(6)


class Plate:
    """One converter's nameplate numbers, W and per mille, all >= 0, and its last setpoint."""

    def __init__(self, unit, keys: dict):
        self.unit = unit
        self.charge_w, self.discharge_w = keys["charge_max_w"], keys["discharge_max_w"]
        self.floor_pm, self.ceiling_pm = keys["soc_floor_pm"], keys["soc_ceiling_pm"]
        self.step_w = keys["step_max_w"]
        self.last_w = 0


class Guard:
    """`allow_w(site_w, now_ms)` makes a setpoint of every unit's `wish_w` and returns their sum."""

    def __init__(self, units: list, fleet: list, gate: dict):
        plates = [Plate(units[k], fleet[k]["gate"]) for k in range(len(units))]
        self.allow_w = _allow_w(plates, units[0].now, gate)


def _allow_w(plates: list, now, gate: dict):
    """Bind the guard's one function; see edge/rules/__init__.py for how."""
    last_w = 0

    def allow_w(site_w: int, now_ms: int, plates=plates, now=now, age_ms=gate["age_max_ms"],
                soc_age_ms=gate["soc_age_max_ms"], step_w=gate["step_max_w"]) -> int:
        """What leaves; now.verdict says what was cut last, the gate's own where nothing was."""
        nonlocal last_w
        left_w = site_w
        if site_w > 0:
            most_w = step_w + last_w if last_w > 0 else step_w
            if site_w > most_w:
                left_w = most_w
        elif site_w < 0:
            most_w = last_w - step_w if last_w < 0 else -step_w
            if site_w < most_w:
                left_w = most_w
        sum_w = 0
        for plate in plates:
            unit = plate.unit
            w = unit.wish_w
            if w:
                verdict = 0
                before_w = plate.last_w
                if (unit.store_age_ms > age_ms or unit.soc_age_ms > soc_age_ms
                        or not unit.ready):
                    verdict = _STALE
                    w = 0
                elif w > 0:
                    most_w = plate.step_w + before_w if before_w > 0 else plate.step_w
                    if w > most_w:
                        verdict = _STEP
                        w = most_w
                    if w > plate.discharge_w:
                        verdict = _NAMEPLATE
                        w = plate.discharge_w
                    if unit.soc_pm <= plate.floor_pm:
                        verdict = _STATE_OF_CHARGE
                        w = 0
                    if w > left_w:
                        verdict = _EXPORT
                        w = left_w if left_w > 0 else 0
                else:
                    most_w = before_w - plate.step_w if before_w < 0 else -plate.step_w
                    if w < most_w:
                        verdict = _STEP
                        w = most_w
                    if w < -plate.charge_w:
                        verdict = _NAMEPLATE
                        w = -plate.charge_w
                    if unit.soc_pm >= plate.ceiling_pm:
                        verdict = _STATE_OF_CHARGE
                        w = 0
                    if w < left_w:
                        verdict = _IMPORT
                        w = left_w if left_w < 0 else 0
                if verdict:
                    now.verdict = verdict
            plate.last_w = unit.setpoint_w = w
            unit.setpoint_ms = now_ms
            left_w -= w
            sum_w += w
        last_w = sum_w
        return sum_w

    return allow_w
