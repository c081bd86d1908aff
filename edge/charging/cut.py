"""Who gives when the promises do not fit: at once, from the least important charger on.

Equals give in proportion to what they have above their least. When that does not do they pause, the
idle one first, then who has had most. A limit in danger keeps nobody's `min_on_s`; that the sun has
gone is no danger.
"""

from edge.compat import const

_PRIORITY = const(1)  # as in edge/charging/offers.py
_MIN_MA = const(2)
_MIN_ON_S = const(5)
_SUM = const(0)
_SUN = const(4)
_NODES = const(5)
_SILENT = const(4)


def yields(offers, k: int, other: int) -> bool:
    """Whether of two equals this is the one to pause."""
    if offers.idle[k] != offers.idle[other]:
        return offers.idle[k] != 0
    return offers.had[k] > offers.had[other]


def cut(offers) -> bool:
    """Lower promises until they fit at every limit, or nothing is left; whether any was."""
    was = False
    listed, promised_w, room_w = offers.listed, offers.promised_w, offers.room_w
    for node in range(_NODES):
        if promised_w[node] > room_w[node] and _matters(offers, node):
            last = len(listed) - 1
            while last >= 0 and promised_w[node] > room_w[node]:
                first = last
                while first and listed[first - 1][_PRIORITY] == listed[last][_PRIORITY]:
                    first -= 1
                if _lower(offers, node, first, last):
                    was = True
                if _pause(offers, node, first, last):
                    was = True
                last = first - 1
    return was


def _matters(offers, node: int) -> bool:
    """Whether there is such a limit, and anybody whom it may lower."""
    if node == _SUN:
        return offers.sunny > 0
    return offers.promised_w[node] > 0 and (node == _SUM or offers.phased)


def _had_its_time(offers, k: int) -> bool:
    return offers.now_s - offers.since_s[k] >= offers.listed[k][_MIN_ON_S]


def _lower(offers, node: int, first: int, last: int) -> bool:
    """Take from equals what they have above their least."""
    above_w = 0
    for k in range(first, last + 1):
        if offers.is_on(k, node):
            above_w += offers.at(k, node, offers.above_ma(k))
    if above_w <= 0:
        return False
    over_w = offers.promised_w[node] - offers.room_w[node]
    part_pm = 1000
    if over_w < above_w and above_w >= 1000:
        part_pm = over_w // (above_w // 1000) + 1
        if part_pm > 1000:
            part_pm = 1000
    for k in range(first, last + 1):
        above_ma = offers.above_ma(k)
        if above_ma > 0 and offers.is_on(k, node):
            left_ma = above_ma * (1000 - part_pm) // 1000
            offers.change(k, offers.listed[k][_MIN_MA] + left_ma)
    return True


def _pause(offers, node: int, first: int, last: int) -> bool:
    """Let equals pause until it fits."""
    was = False
    while offers.promised_w[node] > offers.room_w[node]:
        found = -1
        for k in range(first, last + 1):
            if offers.ma[k] and offers.why[k] != _SILENT and offers.is_on(k, node) \
                    and (node != _SUN or _had_its_time(offers, k)) \
                    and (found < 0 or yields(offers, k, found)):
                found = k
        if found < 0:
            break
        offers.change(found, 0)
        was = True
    return was
