"""The usual rule of the Chinese platforms: all points on the right side of the baseline's extreme,
and 0.8 of the reply in the mean. All or nothing.

As coded in DemandResponseBack 82857a3, StrategyUtils.java and EvaluTaskJob.java (Anhui, Mengdong).
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from cloud_bridge import fields
from cloud_bridge.response.baselines.days import kw
from cloud_bridge.response.curve import SHAVE, Response
from cloud_bridge.response.judges import Point, Verdict, mean_cut_w

FIELDS = {
    "floor": fields.AMOUNT,  # share of the reply that counts, e.g. "0.8",
    "cap": fields.AMOUNT,  # and that is paid at most, e.g. "1.2"
    "least_min": fields.whole(0, 1440).or_else(0),  # how long a response lasts at least
}


def judge(response: Response, points: Sequence[Point], keys: Mapping[str, Any]) -> Verdict:
    """See the package."""
    shave = response.kind == SHAVE
    side = max if shave else min
    extreme_w = side(point.baseline_w for point in points)
    failed = {point.minute: f"not {'below' if shave else 'above'} the baseline's "
                            f"{'highest' if shave else 'lowest'}, {kw(extreme_w)} kW"
              for point in points if not (point.actual_w < extreme_w if shave
                                          else point.actual_w > extreme_w)}
    why = tuple(shortfalls(response, points, keys))
    return verdict(response, points, keys, why, failed)


def shortfalls(response: Response, points: Sequence[Point], keys: Mapping[str, Any]
               ) -> Iterator[str]:
    """What the mean and the duration lack, in words; rule 1 asks the same."""
    least_w = keys["floor"] * response.reply_w
    mean_w = mean_cut_w(points)
    if mean_w <= 0:
        yield f"the mean of what was delivered is {kw(mean_w)} kW, not above 0"
    elif mean_w < least_w:
        yield (f"the mean of what was delivered is {kw(mean_w)} kW, "
               f"below {float(keys['floor'])} of the reply, {kw(least_w)} kW")
    if response.minutes < keys["least_min"]:
        yield f"it lasts {response.minutes} min, less than {keys['least_min']} min"


def verdict(response: Response, points: Sequence[Point], keys: Mapping[str, Any],
            why: tuple[str, ...], failed: Mapping[int, str]) -> Verdict:
    """All that is delivered up to the cap, or nothing."""
    mean_w = mean_cut_w(points)
    effective = not why and not failed
    paid_w = min(mean_w, keys["cap"] * response.reply_w) if effective else Fraction(0)
    return Verdict(effective, mean_w, paid_w, why, failed)
