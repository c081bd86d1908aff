"""The mean of days like the one of the response.

Covers China's five days, Beijing's five highest of ten, 10-of-10 (CAISO, MISO), NYISO's five
highest of ten and PJM's four highest of five; where they differ is data.
"""

import datetime
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from cloud_bridge import fields
from cloud_bridge.fields import DocumentError, Field
from cloud_bridge.response.baselines import Baseline, Sample
from cloud_bridge.response.calendar import TYPES, Calendar
from cloud_bridge.response.curve import Curve, Response

_OF_MEAN, _OF_HIGHEST = "mean", "highest"


def _groups(value: Any) -> tuple[tuple[str, ...], ...] | None:
    fits = isinstance(value, list) and value and all(
        isinstance(group, list) and group and set(group) <= set(TYPES) for group in value)
    return tuple(tuple(group) for group in value) if fits else None


FIELDS = {
    "count": fields.whole(1, 60),  # days that are looked for
    "keep": fields.whole(1, 60).or_else(None),  # the highest of them, by the mean of the response
    "at_least": fields.whole(1, 60).or_else(None),  # fewer days are no baseline; otherwise `count`
    "look_back": fields.whole(1, 400),  # calendar days
    "skip": fields.whole(0, 30).or_else(0),  # calendar days right before the response
    # Days are alike within a group; a day that is in none is compared with the first group.
    "alike": Field("lists of " + " ".join(TYPES), _groups),
    # A day whose mean is below this share of the mean of those found, or of the highest of all
    # candidates, is replaced by an older one.
    "least_share": fields.AMOUNT.or_else(None),
    "least_of": fields.one_of((_OF_MEAN, _OF_HIGHEST)).or_else(_OF_MEAN),
}


class _Candidate(NamedTuple):
    day: datetime.date
    mean_w: Fraction


def work_out(curve: Curve, response: Response, minutes: list[int], keys: Mapping[str, Any],
             calendar: Calendar) -> Baseline:
    """See the package. A day counts if all its values at `minutes` and at the judged points are
    known and it had no response."""
    judged = response.points(curve)
    told: dict[datetime.date, Sample] = {}
    candidates = []
    for day in _looked_at(response.day, keys):
        left_out = _unlike(day, response.day, keys["alike"], calendar) \
            or _missing(curve, day, sorted({*judged, *minutes}))
        mean_w = curve.mean(day, judged)
        told[day] = Sample(day, left_out, mean_w)
        if not left_out and mean_w is not None:
            candidates.append(_Candidate(day, mean_w))

    def drop(candidate: _Candidate, why: str) -> None:
        told[candidate.day] = Sample(candidate.day, why, candidate.mean_w)

    taken = _high_enough(candidates, keys, drop)
    if len(taken) < (keys["at_least"] or keys["count"]):
        raise DocumentError(f"baseline: found {len(taken)} days like {response.day} in "
                            f"{keys['look_back']} days, expected "
                            f"{keys['at_least'] or keys['count']}")
    kept = _highest(taken, keys["keep"] or len(taken), drop)
    last = min(one.day for one in taken)  # who is older was not looked at
    values = {minute: _mean(curve, kept, minute) for minute in minutes}
    return Baseline(values, f"mean of {len(kept)} days" + (
        f", the highest of {len(taken)}" if len(kept) < len(taken) else ""),
        tuple(sample for day, sample in told.items() if day >= last))


def _looked_at(day: datetime.date, keys: Mapping[str, Any]) -> Iterator[datetime.date]:
    for back in range(1 + keys["skip"], 1 + keys["look_back"]):
        yield day - datetime.timedelta(back)


def _unlike(day: datetime.date, event: datetime.date, groups: tuple[tuple[str, ...], ...],
            calendar: Calendar) -> str:
    if day in calendar.responses:
        return "a response that day"
    wanted = next((group for group in groups if calendar.type(event) in group), groups[0])
    return "" if calendar.type(day) in wanted else f"a {calendar.type(day)}"


def _missing(curve: Curve, day: datetime.date, minutes: list[int]) -> str:
    missing = sum(curve.at(day, minute) is None for minute in minutes)
    return f"{missing} of {len(minutes)} values missing" if missing else ""


def _high_enough(candidates: list[_Candidate], keys: Mapping[str, Any],
                 drop: Callable[[_Candidate, str], None]) -> list[_Candidate]:
    """The newest `count` that are not far below the others."""
    share, count = keys["least_share"], keys["count"]
    if share is None:
        return candidates[:count]
    highest_w = max((one.mean_w for one in candidates), default=Fraction(0))
    left = list(candidates)
    while True:
        taken = left[:count]
        if not taken:
            return taken
        of_w = highest_w if keys["least_of"] == _OF_HIGHEST else \
            sum((one.mean_w for one in taken), Fraction(0)) / len(taken)
        low = next((one for one in taken if one.mean_w < share * of_w), None)
        if low is None:
            return taken
        drop(low, f"{kw(low.mean_w)} kW, below {float(share):.0%} of {kw(of_w)} kW")
        left.remove(low)


def _highest(taken: list[_Candidate], keep: int, drop: Callable[[_Candidate, str], None]
             ) -> list[_Candidate]:
    by_mean = sorted(taken, key=lambda one: (-one.mean_w, -one.day.toordinal()))
    for low in by_mean[keep:]:
        drop(low, f"not among the {keep} highest")
    return by_mean[:keep]


def _mean(curve: Curve, days: list[_Candidate], minute: int) -> Fraction:
    values = [value for one in days if (value := curve.at(one.day, minute)) is not None]
    return sum(values, Fraction(0)) / len(values)


def kw(power_w: Fraction) -> str:
    """A power for people, kW to the watt."""
    return f"{float(power_w) / 1000:,.3f}"
