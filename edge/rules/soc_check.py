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
    it is charged. The count follows the reading slowly, for losses, for a meter that is not exact,
    and for a battery management system that has corrected itself."""
    battery = site.battery
    ws_per_pm = battery["capacity_wh"] * 36 // 10
    lost_pm = 1000 - _root(battery["efficiency_pm"] * 1000)  # in one conversion
    tolerance_pm = keys["tolerance_pm"]
    count_pm = -1  # nothing was read yet
    rest_ws = 0  # stored, of the per mille that is not yet full
    settled = 0
    doubted = False

    def narrow(now, by=by, exactly=site.envelope.exactly, ws_per_pm=ws_per_pm, lost_pm=lost_pm,
               tolerance_pm=tolerance_pm, settle_pm=keys["settle_pm_per_h"]):
        nonlocal count_pm, rest_ws, settled, doubted
        if now.flags & _STORE_AND_SOC != _STORE_AND_SOC:  # another rule's matter; begin anew when
            count_pm = -1  # both are read again
            return
        if count_pm < 0:
            count_pm = now.soc_pm
        w = now.store_w
        loss_w = w // 8 * lost_pm // 125  # in this order it stays inside 31 bits
        w = w + loss_w if w > 0 else w - loss_w
        rest_ws -= w * now.span_s
        moved_pm = rest_ws // ws_per_pm
        rest_ws -= moved_pm * ws_per_pm
        apart_pm = count_pm + moved_pm - now.soc_pm
        settled += settle_pm * now.span_s
        if settled >= _PM_S:
            step_pm = settled // _PM_S
            settled -= step_pm * _PM_S
            if apart_pm > step_pm:
                apart_pm -= step_pm
            elif apart_pm < -step_pm:
                apart_pm += step_pm
            else:
                apart_pm = 0
        count_pm = now.soc_pm + apart_pm
        if apart_pm < 0:
            apart_pm = -apart_pm
        doubted = apart_pm > (tolerance_pm // 2 if doubted else tolerance_pm)
        if doubted:
            exactly(0, by)

    return narrow


def _root(square: int) -> int:
    """The whole part of a square root."""
    root = 0
    while (root + 1) * (root + 1) <= square:
        root += 1
    return root
