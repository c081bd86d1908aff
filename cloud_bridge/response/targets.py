"""What a gateway has to hold at the meter, point by point, so that a programme counts it.

Baselines move until the response begins (a same-day adjustment needs the hours before), so targets
may be worked out again, and sent as a newer revision of the event.
"""

from collections.abc import Mapping
from fractions import Fraction

from cloud_bridge.response.calendar import Calendar
from cloud_bridge.response.curve import SHAVE, Curve, Response
from cloud_bridge.response.judges import cn_rule_1, cn_rule_2
from cloud_bridge.response.programme import Programme
from edge.response import event

MARGIN = Fraction(102, 100)  # of the reply: the errors of meter and converter are in it
_BELOW = Fraction(99, 100)  # of the baseline's extreme, where a point has to be on its right side

Interval = tuple[int, int, int]  # minutes, kind, W: as in edge/response/event.py


def targets(programme: Programme, curve: Curve, response: Response, calendar: Calendar
            ) -> list[Interval]:
    """An interval for each stretch between judged points; the last one holds past the end, as the
    gateway does. DocumentError where there is no baseline."""
    judged = response.points(curve)
    method, keys = programme.baseline
    wanted = sorted({*judged, *programme.adjust.window(curve, response)})
    baseline = method.work_out(curve, response, wanted, keys, calendar)
    adjusted, _ = programme.adjust.apply(curve, response, baseline.values)
    held = {minute: _target_w(programme, response, adjusted, judged, minute) for minute in judged}
    starts = [minute for minute in judged if minute < response.end]
    intervals = []
    for minute, following in zip(starts, [*starts[1:], response.end], strict=True):
        ends = [held[at] for at in (minute, following) if at in held]
        tighter = min(ends) if response.kind == SHAVE else max(ends)
        intervals.append((following - minute, _kind(response), tighter))
    return intervals


def _kind(response: Response) -> int:
    return event.IMPORT_MAX if response.kind == SHAVE else event.IMPORT_MIN


def _target_w(programme: Programme, response: Response, baseline: Mapping[int, Fraction],
              judged: list[int], minute: int) -> int:
    """The reply and a margin off the point's own baseline, and what the rule asks of every point by
    itself."""
    way = 1 if response.kind == SHAVE else -1
    reply_w = response.reply_w * MARGIN * way
    extreme_w = (max if way > 0 else min)(baseline[at] for at in judged)
    bounds = [baseline[minute] - reply_w]
    if programme.judge[0] is cn_rule_1:
        bounds.append(extreme_w - reply_w)
    elif programme.judge[0] is cn_rule_2:
        bounds.append(extreme_w * _BELOW if way > 0 else extreme_w / _BELOW)
    w = min(bounds) if way > 0 else max(bounds)
    return max(0, int(w))  # an export limit is for somebody else to ask
