"""The mean of some hours before and after the response on its own day: PJM's Same Day (3+2).

Its published example, a response in hours ending 13 to 17, takes hours ending 9 to 11 and 19 to 20
(rtowww.com/23098).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from cloud_bridge import fields
from cloud_bridge.fields import DocumentError
from cloud_bridge.response.baselines import Baseline
from cloud_bridge.response.calendar import Calendar
from cloud_bridge.response.curve import Curve, Response, clock

_MINUTES = fields.whole(0, 1440)
FIELDS = {"before_min": _MINUTES, "after_min": _MINUTES, "apart_min": _MINUTES}


def work_out(curve: Curve, response: Response, minutes: list[int], keys: Mapping[str, Any],
             calendar: Calendar) -> Baseline:
    """See the package."""
    apart, step = keys["apart_min"], curve.minutes
    before = range(response.start - apart - keys["before_min"], response.start - apart, step)
    after = range(response.end + apart, response.end + apart + keys["after_min"], step)
    values = []
    for minute in (*before, *after):
        value = curve.at(response.day, minute)
        if value is None:
            raise DocumentError(f"baseline: found nothing at {clock(minute)}, expected all of "
                                f"{clock(before.start)} .. {clock(before.stop)} and "
                                f"{clock(after.start)} .. {clock(after.stop)}")
        values.append(value)
    if not values:
        raise DocumentError("baseline: found no time before or after the response")
    mean = sum(values, Fraction(0)) / len(values)
    return Baseline(dict.fromkeys(minutes, mean), f"mean of {clock(before.start)} .. "
                    f"{clock(before.stop)} and {clock(after.start)} .. {clock(after.stop)}")
