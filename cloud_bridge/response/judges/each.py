"""Every interval by itself: what was delivered in it counts, whatever the others are."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from cloud_bridge import fields
from cloud_bridge.response.curve import Response
from cloud_bridge.response.judges import Point, Verdict, mean_cut_w

# Share of the reply that is paid at most in an interval; none: all. Below 0 nothing is taken back.
FIELDS = {"cap": fields.AMOUNT.or_else(None)}


def judge(response: Response, points: Sequence[Point], keys: Mapping[str, Any]) -> Verdict:
    """See the package."""
    most_w = None if keys["cap"] is None else keys["cap"] * response.reply_w
    paid = [max(point.cut_w, Fraction(0)) for point in points]
    paid = paid if most_w is None else [min(w, most_w) for w in paid]
    return Verdict(True, mean_cut_w(points), sum(paid, Fraction(0)) / len(paid))
