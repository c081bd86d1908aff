"""The stricter rule of the Chinese platforms: the extreme itself has to fall by the reply, and the
mean by 0.8 of it. All or nothing. Source as rule 2; for a fill it is mirrored: no source says that.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cloud_bridge.response.baselines.days import kw
from cloud_bridge.response.curve import SHAVE, Response
from cloud_bridge.response.judges import Point, Verdict
from cloud_bridge.response.judges.cn_rule_2 import FIELDS, shortfalls, verdict

__all__ = ["FIELDS", "judge"]


def judge(response: Response, points: Sequence[Point], keys: Mapping[str, Any]) -> Verdict:
    """See the package."""
    side = max if response.kind == SHAVE else min
    target_w = side(point.baseline_w for point in points) - (
        response.reply_w if response.kind == SHAVE else -response.reply_w)
    failed = {point.minute: f"beyond {kw(target_w)} kW, the baseline's extreme less the reply"
              for point in points if response.cut_w(target_w, point.actual_w) < 0}
    return verdict(response, points, keys, tuple(shortfalls(response, points, keys)), failed)
