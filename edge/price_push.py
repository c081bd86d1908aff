"""Prices that are pushed for a day the evening before: a day profile of the tariff by its name
(critical peak), or prices of its own (real time).

What is refused changes nothing. What is taken holds for its one day, through a restart, too, where
the board keeps it (edge/price_store.py). Where nothing comes the day has the profile that the
calendar names; a tariff that expects prices every day marks the rows of such a day. A day that has
begun is never touched, so that no account is ever restated.

Pushed prices are accounted exactly. To plan with, all prices, pushed or standing, share 16 levels,
chosen anew with each push so that the farthest price is as near to its level as can be: exactly on
it where there are no more than 16 prices, else no further away than a 32nd of their whole range.
"""

from edge.compat import const
from edge.snapshot import CLOCK_OK

_SLOTS = const(96)


def push(site, day: int, what) -> str:
    """Let local `day` have another profile, by its name, or prices of its own: 24 or 96 whole
    numbers, 1e-4 currency a kWh. "" means that it will; else the reason why not. A later push for
    the same day takes the place of the former. Not for the beat.

    `push` of the image: `days`, number of a profile by its name; `until_s` of the day before;
    `prices`, the lowest and the highest, or none; `daily`, 1 where they come for every day.
    OSError: it is taken, but a restart would lose it."""
    calendar = site.prices
    if not hasattr(calendar, "days") or "push" not in calendar.days:
        return "the tariff knows no pushed prices"
    wrong = _late(day, calendar, site.now) or take(calendar, day, what)
    if not wrong and calendar.keep:
        calendar.keep(day, what)
    return wrong


def take(calendar, day: int, what) -> str:
    """As push, whenever: what was taken in time may be taken again."""
    rules = calendar.days["push"]
    if isinstance(what, str):
        if what not in rules["days"]:
            return "found profile %s, expected one that may be pushed" % what
        calendar.put(day, rules["days"][what])
        return ""
    wrong = _odd(what, rules["prices"])
    if not wrong:
        exact, each = calendar.exact[day & 1], _SLOTS // len(what)
        for slot in range(_SLOTS):
            exact[slot] = what[slot // each]
        _relevel(calendar)
        calendar.put(day, calendar.standing + (day & 1))
    return wrong


def _late(day: int, calendar, now) -> str:
    """Why the prices of a day cannot be pushed now, "" when they can."""
    days = calendar.days
    until_s = days["push"]["until_s"]
    if not now.flags & CLOCK_OK:
        return "the clock is not set"
    if day <= now.local_day:
        return "found day %d, which has begun or is over, expected day %d" % (
            day, now.local_day + 1)
    if day > now.local_day + 1:
        return "found day %d, expected the next one, day %d" % (day, now.local_day + 1)
    if day < days["first"] or day > days["last"]:
        return "found day %d, outside the tariff's validity" % day
    if now.local_second >= until_s:
        return "too late: expected by %02d:%02d of the day before" % (
            until_s // 3600, until_s % 3600 // 60)
    return ""


def _odd(prices, limits: list) -> str:
    """What is wrong with pushed prices, "" when nothing is."""
    if not limits:
        return "found prices, expected the name of a profile"
    if not isinstance(prices, (list, tuple)) or len(prices) not in (24, _SLOTS):
        return "found no list of prices, expected one of 24 or 96"
    low, high = limits
    for at in range(len(prices)):
        price = prices[at]
        if type(price) is not int:
            return "price %d of %d is not a whole number" % (at + 1, len(prices))
        if price < low or price > high:
            return "price %d of %d: found %d, expected %d .. %d" % (
                at + 1, len(prices), price, low, high)
    return ""


def _relevel(calendar):
    """Choose the levels anew, and tell of each price which one it is."""
    prices = list(calendar.standing_e4)
    for exact in calendar.exact:
        prices += list(exact)
    prices.sort()
    levels = calendar.levels
    low, high = 0, prices[-1] - prices[0]  # how much one level may have to cover
    while low < high:
        width = (low + high) // 2
        if _cover(prices, width, None) <= len(levels):
            high = width
        else:
            low = width + 1
    for level in range(_cover(prices, high, levels), len(levels)):
        levels[level] = levels[level - 1] + 1
    for at in range(calendar.standing, len(calendar.profiles)):
        near, exact = calendar.profiles[at], calendar.exact[at - calendar.standing]
        for slot in range(_SLOTS):
            near[slot] = _nearest(levels, exact[slot])
    for at in range(len(calendar.near)):
        calendar.near[at] = _nearest(levels, calendar.standing_e4[at])


def _cover(prices: list, width: int, levels) -> int:
    """How many levels it takes when each covers `width`; with `levels`, set them."""
    count = 0
    at = 0
    while at < len(prices):
        first = at
        while at < len(prices) and prices[at] <= prices[first] + width:
            at += 1
        if levels is not None:
            levels[count] = (prices[first] + prices[at - 1]) // 2
        count += 1
    return count


def _nearest(levels, price: int) -> int:
    best = 0
    while best + 1 < len(levels) and price - levels[best] > levels[best + 1] - price:
        best += 1
    return best
