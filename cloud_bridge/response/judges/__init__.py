"""Rules by which a delivery counts. One file a rule, found by its name.

A rule has FIELDS, what a programme's table [judge] says beside its `rule`, and
`judge(response, points, keys) -> Verdict`; `points` are never empty.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple


class Point(NamedTuple):
    """One judged point: minute of the day, W."""

    minute: int
    baseline_w: Fraction
    actual_w: Fraction
    cut_w: Fraction  # see Response.cut_w


class Verdict(NamedTuple):
    """`delivered_w`: the mean of what was delivered. `confirmed_w`: what of it is paid, 0 where it
    does not count. `failed`: minute of a point -> why it alone voids the response; `why`: all else
    that does."""

    effective: bool
    delivered_w: Fraction
    confirmed_w: Fraction
    why: tuple[str, ...] = ()
    failed: Mapping[int, str] = {}


def mean_cut_w(points: Sequence[Point]) -> Fraction:
    """The mean of what was delivered."""
    return sum((point.cut_w for point in points), Fraction(0)) / len(points)
