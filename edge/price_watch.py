"""Marks every row of a day whose prices were to be pushed and did not come.

The day then has the profile that the calendar names, for the account and to plan by: it is the best
guess there is. Loaded where the tariff expects prices for every day.
"""

from edge.compat import const

_UNPUSHED = const(8192)  # edge.snapshot.UNPUSHED, folded into the bytecode


class PriceWatch:
    """Local time as `clock` tells it, and with it whether the prices of the day were put."""

    def __init__(self, clock, prices):
        self.clock, self.prices = clock, prices

    def tell(self, now):
        """As LocalTime.tell."""
        self.clock.tell(now)
        now.flags &= ~_UNPUSHED
        if not self.prices.pushed(now.local_day):
            now.flags |= _UNPUSHED
