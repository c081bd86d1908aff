"""Who gets more, a step at a time.

By priority: whoever waits is started before anybody's offer grows, and the more important has all
it can take before a less important one has more than its least. Equals alike: the lowest offer
grows first, and who waits takes the turn of who has had most lately, once that one has had its
`min_on_s`. An idle vehicle takes nobody's.
"""

from array import array

from edge.charging.cut import yields
from edge.compat import const

_PHASE = const(0)  # as in edge/charging/offers.py
_PRIORITY = const(1)
_MIN_MA = const(2)
_MIN_ON_S = const(5)
_MIN_OFF_S = const(6)
_SURPLUS = const(7)
_NODES = const(5)
_FINE_MA = const(500)  # smaller steps are not worth a write
_FREE = const(0)
_WAITS = const(2)
_RESTS = const(3)
_SILENT = const(4)
_LONG_S = const(1_000_000)


class Growth:
    """Grows the promises of `offers` (edge/charging/offers.py)."""

    def __init__(self, offers):
        self._offers = offers
        self._none_w = array("i", [0] * _NODES)
        self._freed_w = array("i", [0] * _NODES)
        self._held = False  # room is being made

    def start(self, step_ma: int):
        """Start one who waits, or make room for one."""
        offers = self._offers
        self._held = True
        first = 0
        while first < len(offers.listed):
            last = self._last_alike(first)
            k = self._next(first, last)
            if k >= 0:
                least_ma = offers.listed[k][_MIN_MA]
                if offers.spare_ma(k, self._none_w) >= least_ma:
                    offers.change(k, least_ma)
                    return
                if not offers.idle[k] and self._make_room(k, first, last, step_ma):
                    return
            first = last + 1
        self._held = False

    def rise(self, step_ma: int):
        """Raise the lowest offers, unless room is being made."""
        offers = self._offers
        first = 0
        while first < len(offers.listed) and not self._held:
            last = self._last_alike(first)
            if self._raise(first, last, step_ma):
                return
            first = last + 1

    def _next(self, first: int, last: int) -> int:
        """Who of equals is started next, -1: nobody may be."""
        offers = self._offers
        found = -1
        for k in range(first, last + 1):
            if not offers.ma[k] and offers.why[k] != _FREE and offers.why[k] != _SILENT:
                one = offers.listed[k]
                rested = offers.now_s - offers.since_s[k] >= one[_MIN_OFF_S]
                offers.why[k] = _WAITS if rested else _RESTS
                if rested and offers.most_ma[k] >= one[_MIN_MA] \
                        and (found < 0 or yields(offers, found, k)):
                    found = k
        return found

    def _make_room(self, k: int, first: int, last: int, step_ma: int) -> bool:
        """Take a step from those who count no more than one that waits, where that will do in the
        end; else let one of them pause."""
        offers, freed_w = self._offers, self._freed_w
        for node in range(_NODES):
            freed_w[node] = 0
        for other in range(first, len(offers.listed)):
            if self._share(k, other):
                offers.add(freed_w, other, offers.above_ma(other))
        if offers.spare_ma(k, freed_w) >= offers.listed[k][_MIN_MA]:
            for other in range(first, len(offers.listed)):
                if self._share(k, other):
                    self._give(other, step_ma)
            return True
        found = -1
        for other in range(len(offers.listed) - 1, first - 1, -1):
            if offers.ma[other] and offers.why[other] != _SILENT and self._share(k, other) \
                    and offers.now_s - offers.since_s[other] >= offers.listed[other][_MIN_ON_S] \
                    and (other > last or yields(offers, other, k)) \
                    and (found < 0 or (found <= last and yields(offers, other, found))):
                found = other
        if found >= 0:
            offers.change(found, 0)
        return found >= 0

    def _raise(self, first: int, last: int, step_ma: int) -> bool:
        """Raise the lowest offers of equals by a step; where that does not fit, take one from a
        less important charger, or from an equal that has more."""
        offers = self._offers
        lowest_ma = _LONG_S
        for k in range(first, last + 1):
            if self._may_grow(k) and offers.ma[k] < lowest_ma:
                lowest_ma = offers.ma[k]
        raised = False
        for k in range(first, last + 1):
            if self._may_grow(k) and offers.ma[k] < lowest_ma + _FINE_MA:
                by_ma = offers.most_ma[k] - offers.ma[k]
                if by_ma > step_ma:
                    by_ma = step_ma
                spare_ma = offers.spare_ma(k, self._none_w)
                if by_ma > spare_ma:
                    by_ma = spare_ma
                if by_ma >= _FINE_MA or by_ma == offers.most_ma[k] - offers.ma[k]:
                    offers.change(k, offers.ma[k] + by_ma)
                    raised = True
                elif not raised and self._take(k, first, last, step_ma):
                    return True
        return raised

    def _take(self, k: int, first: int, last: int, step_ma: int) -> bool:
        """Take a step for k from somebody who has more than is due."""
        offers = self._offers
        for other in range(len(offers.listed) - 1, first - 1, -1):
            if other != k and self._share(k, other) and offers.above_ma(other) > 0:
                by_ma = step_ma
                if other <= last and by_ma > (offers.ma[other] - offers.ma[k]) // 2:
                    by_ma = (offers.ma[other] - offers.ma[k]) // 2
                if by_ma >= _FINE_MA:
                    self._give(other, by_ma)
                    return True
        return False

    def _give(self, other: int, step_ma: int):
        above_ma = self._offers.above_ma(other)
        if above_ma > 0:
            by_ma = step_ma if step_ma < above_ma else above_ma
            self._offers.change(other, self._offers.ma[other] - by_ma)

    def _may_grow(self, k: int) -> bool:
        offers = self._offers
        return offers.ma[k] > 0 and offers.why[k] != _SILENT and offers.ma[k] < offers.most_ma[k]

    def _share(self, k: int, other: int) -> bool:
        """Whether what one leaves is the other's to have; who waits for the sun displaces nobody
        who does not."""
        offers = self._offers
        if offers.listed[k][_SURPLUS] > offers.listed[other][_SURPLUS]:
            return False
        phase = offers.listed[k][_PHASE]
        another = offers.listed[other][_PHASE]
        return not offers.phased or phase == another or not phase or not another

    def _last_alike(self, k: int) -> int:
        listed = self._offers.listed
        while k + 1 < len(listed) and listed[k + 1][_PRIORITY] == listed[k][_PRIORITY]:
            k += 1
        return k
