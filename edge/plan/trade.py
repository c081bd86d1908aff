"""What to do with the battery beyond the peak: buy cheap, use dear, keep what a peak may need.

Up to eight remembered days of the same type say what a unit in store is worth at the end of a slot.
They are made a little worse than they were, the nearer the more like the last hour, and each slot
as high as its neighbours: that is the reserve for what nobody foresees. Then: use the store while
using is worth more than keeping, buy while buying costs less than it will be worth.

The thinking takes minutes, so it is done one slot ahead; the wish itself is then a look-up.
"""

from array import array

from edge.compat import const
from edge.plan.levels import LEVELS, Levels
from edge.plan.memory import SLOTS
from edge.plan.worth import Worth

_SCENARIOS = const(8)
_AHEAD = const(32)  # slots; the walk begins at the first refill beyond
_TREND_PM = const(800)  # of the last hour's deviation is believed,
_FADE_PM = const(950)  # and less of it for each slot ahead
_MARGIN_PM = const(250)  # at most are the loads raised, and
_MARGIN_NUM, _MARGIN_DEN = const(3), const(4)  # by this times demand price over price spread
_MISSED = const(4)  # kW that one kWh missing in a quarter-hour adds to the peak
_MISSED_MAX = const(100_000_000)  # money a kWh: the days' sum must stay below 2^30
_READY, _ASK, _WALK, _ADD = const(0), const(1), const(2), const(3)


class Trade:
    """Prepared for the next slot with `begin` and `step`; when it begins, `wish` tells at once."""

    def __init__(self, scale, memory, prices, demand_price: int):
        self.scale = scale
        self.memory = memory
        self.prices = prices
        self._loads = memory.loads
        self.worth = Worth(scale, prices, _missed(demand_price, max(prices)))
        self.levels = Levels()
        self._inflate_pm = 1000 + _margin_pm(demand_price, max(prices) - min(prices))
        self._refill = _end_of_cheapest(prices)
        self._fade = array("h", [0] * (_AHEAD + SLOTS + 2))
        believed = _TREND_PM * 8
        for ahead in range(len(self._fade)):
            self._fade[ahead] = believed
            believed = believed * _FADE_PM // 1000
        self._day = self._net = self._goal = 0
        self._slot = -1  # being prepared, or prepared
        self._past = self._answers = self._ahead = self._deviation = 0
        self._time = self._place = 0
        self._phase = _READY

    def begin(self, day: int, slot: int, net: int, goal: int):
        """Prepare for a slot that is still to come: `net` is the load of the one before it,
        `goal` what the import will be held to."""
        self._day, self._slot = day, slot
        self._net, self._goal = net, goal
        self._past, self._answers, self._phase = day, 0, _ASK
        self.levels.clear()

    def step(self) -> bool:
        """Think for one beat; True when all is prepared."""
        if self._phase == _WALK:
            self._walk()
        elif self._phase == _ADD:
            if self.levels.add(self.worth):
                self._phase = _ASK
        elif self._phase == _ASK:
            self._ask()
        return self._phase == _READY

    def _ask(self):
        """Begin with the next remembered day, if there is one."""
        past = -1
        if self._answers < _SCENARIOS:
            past = self.memory.like(self._day, self._past)
        if past < 0:
            self._phase = _READY
            return
        loads, slot = self._loads, self._slot
        here, there = self.memory.at(self._day, slot), self.memory.at(past, slot)
        self._past = past
        self._answers += 1
        deviation = self._net - loads[there - 1]  # places below 0 count from the ring's end
        for back in range(-4, -1):
            deviation += loads[here + back] - loads[there + back]
        self._deviation = deviation // 4
        ahead = (self._refill - slot) % SLOTS
        if ahead < _AHEAD:
            ahead += SLOTS
        self._ahead = ahead
        self._time = self._refill + 1
        self._place = there + ahead
        if self._place + 1 >= len(loads):
            self._place -= len(loads)
        self.worth.begin(self._refill)
        self._phase = _WALK

    def _walk(self):
        """One step backward: half an hour that begins on the hour or the half, or what is left."""
        loads, time, ahead = self._loads, self._time, self._ahead
        slots = 1 if time % 2 or ahead == 1 else 2
        ahead -= slots
        place = self._place - slots
        # of the slots place + 1 .. place + slots and their two neighbours the highest
        load = loads[place]
        if loads[place + 1] > load:
            load = loads[place + 1]
        if loads[place + 2] > load:
            load = loads[place + 2]
        if slots == 2 and loads[place + 3] > load:
            load = loads[place + 3]
        if load > 0:
            load = load * self._inflate_pm // 1000
        load += self._deviation * self._fade[ahead] // 8000
        time -= slots
        self.worth.back(load, time, self._goal, slots)
        self._time = time if time > 0 else SLOTS
        self._place = place
        self._ahead = ahead
        if ahead == 0:
            self._phase = _ADD

    def wish(self, slot: int, net: int, store: int, goal: int) -> int:
        """Battery power wanted in the slot that begins with load `net`, quanta, discharge +:
        what the goal asks for, and the trade beyond it. Nothing when it was not prepared for."""
        if self._phase != _READY or slot != self._slot:
            return 0
        scale, price = self.scale, self.prices[slot]
        height, must = scale.full // LEVELS, net - goal
        if must < 0:
            must = 0
        store -= must * scale.out_pm
        floor = self.levels.above(self.worth.use_value(price)) * height
        if net > 0 and store > floor:
            use = must + (store - floor) // scale.out_pm
            if use > net:
                use = net
            return use if use < scale.discharge else scale.discharge
        if must > 0:
            return 0
        ceiling = self.levels.above(self.worth.buy_value(price) - 1) * height
        if self.levels.days == 0:  # nothing is known: be ready
            ceiling = scale.full
        buy = (ceiling - store) // scale.into_pm
        if buy < -net:
            buy = -net  # the sun's surplus is free
        if buy > goal - net:
            buy = goal - net
        if buy > scale.charge:
            buy = scale.charge
        return -buy if buy > 0 else 0


def _margin_pm(demand_price: int, spread: int) -> int:
    """How much higher than remembered the load may turn out: the reserve is worth the more, the
    more a kW of peak costs over what trading a kWh earns."""
    if spread <= 0 or demand_price * _MARGIN_NUM >= _MARGIN_PM * _MARGIN_DEN * spread:
        return _MARGIN_PM
    return demand_price * _MARGIN_NUM // (_MARGIN_DEN * spread)


def _missed(demand_price: int, highest: int) -> int:
    """Price of a unit missing at the target: more than any energy, so that it comes first."""
    return min(_MISSED_MAX, max(demand_price * _MISSED, 2 * highest))


def _end_of_cheapest(prices) -> int:
    """Last slot of the day's longest run of the lowest price, which may pass midnight."""
    lowest = min(prices)
    longest = run = end = 0
    for i in range(2 * SLOTS):
        run = run + 1 if prices[i % SLOTS] == lowest else 0
        if longest < run <= SLOTS:
            longest, end = run, i % SLOTS
    return end
