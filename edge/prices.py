"""What a kilowatt-hour costs, by a tariff whose days are all alike.

Prices go by level, because a planner needs little arrays: `levels` are the distinct import prices,
rising, at most 16, in 1e-4 currency a kWh. A slot is a quarter-hour of a local day (days since
2000-01-01), 0 .. 191: from 96 on it is one of the day after. `version` counts what was pushed.

Outside the days for which a tariff is valid its prices go on to be accounted, marked in every row;
all slots have one level then, because nobody has vouched for prices to trade on.
"""


class Prices:
    """`day`: the price of each quarter-hour; `valid`: first and last day of the tariff."""

    def __init__(self, day, valid=(0, 1 << 20)):
        self.day = day
        self.valid = valid
        self.levels = sorted(set(day))
        self.version = 0

    def level(self, day: int, slot: int) -> int:
        """Which of the levels holds."""
        first, last = self.valid
        if not first <= day + slot // 96 <= last:  # covers, without the price of a call
            return len(self.levels) // 2
        return self.levels.index(self.day[slot % 96])

    def covers(self, day: int) -> bool:
        """Whether the tariff is valid on a day."""
        return self.valid[0] <= day <= self.valid[1]

    def price_e4(self, day: int, slot: int) -> int:
        """What a kWh imported costs."""
        return self.day[slot % 96]
