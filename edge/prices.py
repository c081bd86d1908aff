"""What a kilowatt-hour costs, by a tariff whose days are all alike.

Prices go by level, because a planner needs little arrays: `levels` are the distinct import prices,
rising, at most 16, in 1e-4 currency a kWh. A slot is a quarter-hour of a local day (days since
2000-01-01), 0 .. 191: from 96 on it is one of the day after. `version` counts what was pushed.
"""


class Prices:
    """`day`: the price of each quarter-hour."""

    def __init__(self, day):
        self.day = day
        self.levels = sorted(set(day))
        self.version = 0

    def level(self, day: int, slot: int) -> int:
        """Which of the levels holds."""
        return self.levels.index(self.day[slot % 96])

    def price_e4(self, day: int, slot: int) -> int:
        """What a kWh imported costs."""
        return self.day[slot % 96]
