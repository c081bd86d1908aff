"""Count the energy that passes, and believe no state of charge that contradicts it."""

from edge.compat import const

ORDER = const(20)
FIELDS = (
    ("tolerance_pm", "pm", 20, 500, 150, "how far reading and count may lie apart"),
    ("settle_pm_per_h", "pm/h", 0, 1000, 120, "how fast the count follows the reading"),
)
_STORE_AND_SOC = const(6)  # as in edge/snapshot.py: both fresh
_PM_S = const(3600)  # a per mille an hour, counted every second


def rule(by: int, keys: dict, site):
    """A battery that lies about its state of charge rests, like one that says nothing, until the
    count has come back to half the tolerance: it may be empty when a peak needs it, or full when
    it is charged."""
    doubts = Count(keys, site.battery).doubts

    def narrow(now, by=by, exactly=site.envelope.exactly, doubts=doubts):
        fresh = now.flags & _STORE_AND_SOC == _STORE_AND_SOC
        if doubts(fresh, now.store_w, now.soc_pm, now.span_s):
            exactly(0, by)

    return narrow


def bind_each(keys: dict, units: list, batteries: list, soc_max_ms: int):
    """What takes the rule's place with several batteries: one that lies is out from the next beat
    on, and the others go on."""
    counts = [Count(keys, battery).doubts for battery in batteries]

    def narrow(now, units=units, counts=counts, soc_max_ms=soc_max_ms):
        for k in range(len(units)):
            unit = units[k]
            fresh = unit.measured and unit.soc_age_ms <= soc_max_ms
            unit.doubted = counts[k](fresh, unit.store_w, unit.soc_pm, now.span_s)

    return narrow


class Count:
    """Counts a battery's energy. The count follows the reading slowly, for losses, for a meter that
    is not exact, and for a battery management system that has corrected itself."""

    def __init__(self, keys: dict, battery: dict):
        self._ws_per_pm = battery["capacity_wh"] * 36 // 10
        self._lost_pm = 1000 - _root(battery["efficiency_pm"] * 1000)  # in one conversion
        self._tolerance_pm = keys["tolerance_pm"]
        self._settle_pm = keys["settle_pm_per_h"]
        self._count_pm = -1  # nothing was read yet
        self._rest_ws = 0  # stored, of the per mille that is not yet full
        self._settled = 0
        self._doubted = False

    def doubts(self, fresh: bool, w: int, soc_pm: int, span_s: int) -> bool:
        """Take a beat of power w and the state of charge as it is read; whether it is doubted."""
        if not fresh:  # another rule's matter; begin anew when both are read again
            self._count_pm = -1
            return False
        if self._count_pm < 0:
            self._count_pm = soc_pm
        loss_w = w // 8 * self._lost_pm // 125  # in this order it stays inside 31 bits
        w = w + loss_w if w > 0 else w - loss_w
        rest_ws = self._rest_ws - w * span_s
        moved_pm = rest_ws // self._ws_per_pm
        self._rest_ws = rest_ws - moved_pm * self._ws_per_pm
        apart_pm = self._count_pm + moved_pm - soc_pm
        settled = self._settled + self._settle_pm * span_s
        if settled >= _PM_S:
            step_pm = settled // _PM_S
            settled -= step_pm * _PM_S
            if apart_pm > step_pm:
                apart_pm -= step_pm
            elif apart_pm < -step_pm:
                apart_pm += step_pm
            else:
                apart_pm = 0
        self._settled = settled
        self._count_pm = soc_pm + apart_pm
        if apart_pm < 0:
            apart_pm = -apart_pm
        limit_pm = self._tolerance_pm
        self._doubted = apart_pm > (limit_pm // 2 if self._doubted else limit_pm)
        return self._doubted


def _root(square: int) -> int:
    """The whole part of a square root."""
    root = 0
    while (root + 1) * (root + 1) <= square:
        root += 1
    return root
