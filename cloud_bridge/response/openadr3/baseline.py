"""A change against what is usual, as targets at the meter: the baseline of a programme, from the
load in the store."""

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from cloud_bridge.response import calendar, programme, settle
from cloud_bridge.response.adjust import NONE
from cloud_bridge.response.asking import from_store
from cloud_bridge.response.curve import FILL, SHAVE, Response
from cloud_bridge.response.targets import Interval, targets

_AGAIN_S = 900  # so often it is worked out anew, until the event begins


class Baseline:
    """Of a programme's rules for one gateway. DocumentError; OSError."""

    def __init__(self, rules: str, gateway: str, store: str, index: Path | None,
                 now: Callable[[], int]) -> None:
        self._rules = programme.load(rules)
        self._gateway, self._store, self._index, self._now = gateway, store, index, now
        self._known: dict[tuple[int, int, int], tuple[int, Sequence[Interval]]] = {}

    @property
    def hush_min(self) -> int:
        """For how long before an event the load must not be raised."""
        adjust = self._rules.adjust
        return 0 if adjust.kind == NONE else adjust.from_min

    def __call__(self, start_utc: int, end_utc: int, more_w: int) -> Sequence[Interval]:
        """What to hold from start to end for so much more load than usual, or less. DocumentError:
        there is no baseline for it."""
        asked = (start_utc, end_utc, more_w)
        made_utc, found = self._known.get(asked, (0, ()))
        now_utc = self._now()
        if not found or (made_utc <= now_utc - _AGAIN_S and now_utc < start_utc):
            found = self._work_out(start_utc, end_utc, more_w)
            self._known = {one: kept for one, kept in self._known.items() if one[1] > now_utc}
            self._known[asked] = (now_utc, found)
        return found

    def _work_out(self, start_utc: int, end_utc: int, more_w: int) -> Sequence[Interval]:
        rules = self._rules
        zone = ZoneInfo(rules.zone)
        start = datetime.datetime.fromtimestamp(start_utc, zone)
        minute = start.hour * 60 + start.minute
        response = Response(start.date(), minute, minute + (end_utc - start_utc) // 60,
                            abs(more_w), FILL if more_w > 0 else SHAVE)
        curve = from_store(rules, self._gateway, response.day, self._store, self._index)
        settle.check(rules, curve, response)
        return targets(rules, curve, response, calendar.load(rules.holidays, frozenset()))
