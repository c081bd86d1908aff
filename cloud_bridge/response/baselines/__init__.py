"""Baselines: what a site would have used. One file a method, found by its name.

A method has FIELDS, what a programme's table [baseline] says beside its `method`, and
`work_out(curve, response, minutes, keys, calendar) -> Baseline`: the baseline at `minutes` of the
response's day. It raises DocumentError where there is no baseline.
"""

import datetime
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple


class Sample(NamedTuple):
    """A day that was looked at. `left_out`: why it does not count; "": it does. `mean_w`: over the
    times of the response, as far as it is known."""

    day: datetime.date
    left_out: str
    mean_w: Fraction | None


class Baseline(NamedTuple):
    """`values`: minute of the day -> W, before any adjustment; `words`: how it came about."""

    values: Mapping[int, Fraction]
    words: str
    samples: tuple[Sample, ...] = ()
