"""Prices that are pushed for a day the evening before: a day profile of the tariff by its name
(critical peak), or prices of its own (real time).

What is refused changes nothing. What is taken holds for its one day, and is gone when the gateway
starts again: then, and where nothing comes, the day has the profile that the calendar names. A day
that has begun is never touched, so that no account is ever restated.

Pushed prices are accounted exactly. To plan with, each goes by the nearest of the tariff's levels;
the host sets these so close (boards/tariff_image.py) that none is further away than `off_e4` of the
image, half the widest gap between two levels.
"""

from edge.compat import const
from edge.snapshot import CLOCK_OK

_SLOTS = const(96)


def push(site, day: int, what) -> str:
    """Let local `day` have another profile, by its name, or prices of its own: 24 or 96 whole
    numbers, 1e-4 currency a kWh. "" means that it will; else the reason why not. A later push for
    the same day takes the place of the former. Not for the beat.

    `push` of the image: `days`, number of a profile by its name; `until_s` of the day before;
    `prices`, the lowest and the highest, or none."""
    calendar = site.prices
    if not hasattr(calendar, "days") or "push" not in calendar.days:
        return "the tariff knows no pushed prices"
    rules = calendar.days["push"]
    wrong = _late(day, calendar, site.now)
    if wrong:
        return wrong
    if isinstance(what, str):
        if what not in rules["days"]:
            return "found profile %s, expected one that may be pushed" % what
        calendar.put(day, rules["days"][what])
        return ""
    wrong = _odd(what, rules["prices"])
    if not wrong:
        number = calendar.standing + (day & 1)
        _fill(what, calendar.exact[day & 1], calendar.profiles[number], calendar.levels)
        calendar.put(day, number)
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


def _fill(prices, exact, near, levels):
    """Note the prices of 96 slots, exactly and by the nearest level."""
    each = _SLOTS // len(prices)
    for slot in range(_SLOTS):
        exact[slot] = price = prices[slot // each]
        best = 0
        while best + 1 < len(levels) and price - levels[best] > levels[best + 1] - price:
            best += 1
        near[slot] = best
