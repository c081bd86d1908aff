"""The load right before the response: the 15-minute point before control (Jiangsu 2015, real-time
response; chinasmartgrid.com.cn 20151019/609866-3)."""

from collections.abc import Mapping
from typing import Any

from cloud_bridge.fields import DocumentError, Field
from cloud_bridge.response.baselines import Baseline
from cloud_bridge.response.calendar import Calendar
from cloud_bridge.response.curve import Curve, Response, clock

FIELDS: dict[str, Field] = {}


def work_out(curve: Curve, response: Response, minutes: list[int], keys: Mapping[str, Any],
             calendar: Calendar) -> Baseline:
    """See the package. The point lies one interval before the first that is judged."""
    before = response.start - curve.minutes
    value = curve.at(response.day, before)
    if value is None:
        raise DocumentError(f"baseline: found nothing at {clock(before)}, expected the load before "
                            "the response")
    return Baseline(dict.fromkeys(minutes, value), f"the load at {clock(before)}")
