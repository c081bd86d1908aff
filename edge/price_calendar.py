"""What a kilowatt-hour costs, by a tariff with several day profiles. As edge/prices.py, in whose
place it is loaded.

The host has unrolled seasons, day types and holidays (boards/tariff_image.py): weeks of seven
profiles, each holding until the next one, and single dates that are different. A gateway looks up.
Outside the days for which the tariff is known prices go on as in the nearest week that is, marked
in every row, and all slots have one level: there is nothing to trade on.
"""

from array import array

from edge.compat import const

_SLOTS = const(96)
_LEVELS = const(16)  # at most
_NEVER = const(-(1 << 20))  # no day


class Prices:
    """Levels and slots as in edge/prices.py. `tariff["days"]` of the site image: `levels`;
    `profiles`, runs [end, level] each; `weeks` [first day, profile of Saturday, ... Friday] and
    `dates` [day, profile], rising; `first` and `last` day; `push` where prices may be pushed
    (edge/price_push.py)."""

    def __init__(self, image: dict, site):
        tariff = image["tariff"]
        self.days = days = tariff["days"]
        self.standing_e4 = days["levels"]  # the prices of the standing profiles
        self.levels = array("i", self.standing_e4)
        self.near = bytearray(range(len(self.levels)))  # of each the level that stands for it
        self.version = 0  # counts what was pushed
        self.profiles = [unroll(runs) for runs in days["profiles"]]
        self.standing = len(self.profiles)  # how many; the others are of pushed prices,
        self.exact = []  # which stand here
        self._known_day = array("i", [_NEVER, _NEVER])  # of even and odd days the last one asked,
        self._known = bytearray(2)  # and its profile
        self._put_day = array("i", [_NEVER, _NEVER])  # and the last one put
        self._put = bytearray(2)
        if "push" in days and days["push"]["prices"]:
            for _ in range(2):  # of an even and an odd day: one runs, the other is the next
                self.profiles.append(bytearray(_SLOTS))
                self.exact.append(array("i", self.standing_e4[:1] * _SLOTS))
            while len(self.levels) < _LEVELS:  # their number never changes
                self.levels.append(self.levels[-1] + 1)
        self.day = [self.standing_e4[level] for level in self.profiles[days["weeks"][-1][-1]]]
        self.keep = None  # whatever keeps a push over a restart
        if "billing" in tariff:
            __import__("edge.billing").billing.bind(tariff["billing"], self, site)
        if "push" in days and days["push"]["daily"]:
            site.clock = __import__("edge.price_watch").price_watch.PriceWatch(site.clock, self)

    def level(self, day: int, slot: int) -> int:
        """Which of the levels holds; or once prices were pushed, which is nearest."""
        if slot >= _SLOTS:
            slot -= _SLOTS
            day += 1
        if not self.days["first"] <= day <= self.days["last"]:  # covers, without a call's price
            return len(self.levels) // 2
        profile = self.profile(day)
        level = self.profiles[profile][slot]
        return self.near[level] if profile < self.standing else level

    def covers(self, day: int) -> bool:
        """Whether the tariff is known for a day."""
        return self.days["first"] <= day <= self.days["last"]

    def price_e4(self, day: int, slot: int) -> int:
        """What a kWh imported costs, exactly."""
        if slot >= _SLOTS:
            slot -= _SLOTS
            day += 1
        profile = self.profile(day)
        if profile >= self.standing:
            return self.exact[profile - self.standing][slot]
        return self.standing_e4[self.profiles[profile][slot]]

    def profile(self, day: int) -> int:
        """Number of the profile that a day has."""
        side = day & 1
        if self._known_day[side] != day:
            self._known[side] = self._find(day)
            self._known_day[side] = day
        return self._known[side]

    def pushed(self, day: int) -> bool:
        """Whether a day was put."""
        return self._put_day[day & 1] == day

    def put(self, day: int, profile: int):
        """Let a day have a profile, whatever the calendar says."""
        side = day & 1
        self._put_day[side] = self._known_day[side] = day
        self._put[side] = self._known[side] = profile
        self.version += 1

    def _find(self, day: int) -> int:
        if self.pushed(day):
            return self._put[day & 1]
        return self.standing_profile(day)

    def standing_profile(self, day: int) -> int:
        """Number of the profile that the calendar names for a day."""
        for date in self.days["dates"]:
            if date[0] == day:
                return date[1]
        found = self.days["weeks"][0]
        for week in self.days["weeks"]:
            if week[0] <= day:
                found = week
        return found[1 + day % 7]


def unroll(runs: list) -> bytearray:
    """One byte a slot, from runs [end, value]."""
    slots = bytearray()
    for end, value in runs:
        slots += bytes([value]) * (end - len(slots))
    return slots
