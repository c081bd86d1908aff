"""What to do with the battery beyond the peak: buy cheap, use dear, keep what a peak may need.

Two things are told of every slot of the day, by walking backward from the next refill. The price:
how much of the store is worth more than using it now, or than buying it now, on the mean of up to
eight remembered days of the same type. And the reserve: what the worst of these days needs in store
to stay at the demand target, or at what the month will likely be held to where that is higher, each
taken a little higher than it was and each slot as high as its neighbours, for what nobody foresees.
The plan holds for a day, or until the target moves; while it is made again the one before stands
in. Then a wish is a look-up.
"""

from array import array

from edge.compat import const
from edge.plan.worth import Worth

_SLOTS = const(96)  # as in edge/plan/memory.py
_DAYS = const(8)
_AHEAD = const(32)  # slots; the walk begins at the first refill beyond
_LOOK = const(24)  # slots whose price is asked in one step
_LAST = const(191)  # slot whose price can be known: the end of the next day
_RATIO_MAX = const(250)  # of demand price over price spread: beyond, the peak is all that counts
_RATIO = const(2000)  # square of the one up to which the month's likely peak is trusted whole
_FADE_PM = const(950)  # what is left of a deviation one slot later
_LIFT = const(8)  # of a slot, to count in
_MISSED = const(4)  # kW that one kWh missing in a quarter-hour adds to the peak
_MISSED_MAX = const(100_000_000)  # money a kWh
_PARTS = const(250)  # of the store, so that a byte can tell how full it is
_READY = const(0)  # phases of the thinking
_FIND = const(1)
_ASK = const(2)
_WALK = const(3)


class Trade:
    """Plan with `begin` and `step` when it is `due`, `busy` until it is made; `wish` may be asked
    at any time. `prices`: see edge/prices.py."""

    def __init__(self, scale, memory, prices, demand_price: int):
        self.scale = scale
        self.memory = memory
        self.prices = prices
        self._demand_price = demand_price
        self._missed = min(_MISSED_MAX, demand_price * _MISSED)
        # A battery's tenths of an hour, times 19: what the margin of 3.2 % was chosen with.
        self._hours = 19 * max(1, scale.full // max(1, 400 * scale.discharge))
        self.worth = Worth(scale, len(prices.levels))
        # The plan. At the end of each slot of a day: do not use the store below `_keep`, do not
        # buy above `_fill`, both until a day is known full, to be ready; what the worst day needs,
        # and how many slots more of any deviation from what is expected, in eighths.
        self._keep = bytearray([_PARTS] * _SLOTS)
        self._fill = bytearray([_PARTS] * _SLOTS)
        self.reserve = bytearray(_SLOTS)
        self.lift = bytearray(_SLOTS)
        self._expected = array("h", bytes(2 * _SLOTS))
        self.part = scale.full // _PARTS
        # The walk: of each day its place in the ring, what it needs there, and its lift.
        self._places = array("h", bytes(2 * _DAYS))
        self._needs = array("i", bytes(4 * _DAYS))
        self._lifts = bytearray(_DAYS)
        self.raised_pm = 1000
        self._day = self._slot = self._goal = self._ceiling = self._days = 0
        self._refill = -1  # slot after whose end the store is as good as refilled
        self._at = self._level = 0  # slot that the search or the walk has come to, and its level
        self._run = self._longest = self._lowest = self._cheapest = self._dearest = 0
        self._version = -1  # of the prices
        self._phase = _READY
        self.busy = False

    def due(self, slot: int, goal: int) -> bool:
        """Whether the plan ends with this slot, or was made for another goal, or other prices."""
        return (goal != self._goal or (self._refill - slot) % _SLOTS == _AHEAD - 1
                or self._version != self.prices.version)

    def begin(self, day: int, slot: int, goal: int, likely: int):
        """Plan from this slot on; `goal` is what the import is held to now, `likely` what the month
        will be held to."""
        self._day = day
        self._slot = slot
        self._goal = goal
        self._ceiling = likely
        self._version = self.prices.version
        if self.memory.like(day, day) < 0:  # nothing is known of such a day
            return
        self._at = slot
        self._level = -1
        self._phase = _FIND
        self._run = self._longest = self._dearest = 0
        self._lowest = self._cheapest = len(self.prices.levels)
        self.busy = True

    def step(self) -> bool:
        """Think for one beat; True when all is planned."""
        phase = self._phase
        if phase == _WALK:
            self._walk()
        elif phase == _FIND:
            self._find()
        elif phase == _ASK:
            self._ask()
        self.busy = self._phase != _READY
        return not self.busy

    def _find(self):
        """Look for the next refill: the end of the longest run of the lowest price that is far
        enough ahead; and for what there is to earn until then."""
        at = self._at
        last = min(self._slot + _SLOTS + _AHEAD - 1, _LAST)
        end = min(at + _LOOK, last)
        while at < end:
            at += 1
            level = self.prices.level(self._day, at)
            self._run = self._run + 1 if level == self._level else 1
            self._level = level
            if level < self._cheapest:
                self._cheapest = level
            if level > self._dearest:
                self._dearest = level
            if at - self._slot >= _AHEAD:
                if level < self._lowest:
                    self._lowest = level
                    self._longest = 0
                if level == self._lowest and self._run > self._longest:
                    self._longest = self._run
                    self._refill = at
        self._at = at
        if at == last:
            self._phase = _ASK

    def _ask(self):
        """Weigh the peak against the trade; find the remembered days, and begin to walk."""
        levels, memory = self.prices.levels, self.memory
        past, days = self._day, 0
        self.worth.tell(levels, self._missed)
        spread = levels[self._dearest] - levels[self._cheapest]
        ratio = min(_RATIO_MAX, self._demand_price // max(1, spread))
        # How much higher than remembered the load may turn out. The reserve is worth the more, the
        # more a kW of peak costs over what trading a kWh earns; and the shorter the battery lasts,
        # the more of a peak one missing kWh uncovers.
        ratio *= ratio
        self.raised_pm = 1000 + ratio * 5 // self._hours
        # A peak that the month will see anyway needs no reserve; where the peak is nearly all that
        # counts, nobody is that sure.
        more = max(0, self._ceiling - self._goal)
        self._ceiling = self._goal + more * _RATIO // max(_RATIO, ratio)
        while days < _DAYS:
            past = memory.like(self._day, past)
            if past < 0:
                break
            place = memory.at(past, self._refill)
            self._places[days] = place if place + 1 < len(memory.loads) else -1
            self._needs[days] = self._lifts[days] = 0
            days += 1
        self._days = days
        self._at = self._refill
        self._level = self.prices.level(self._day, self._refill)
        self.worth.begin(self._level)
        self._phase = _WALK

    def _walk(self):
        """Walk all one slot back: the reserve on each of the days, the price on their mean."""
        loads, places = self.memory.loads, self._places
        needs, lifts = self._needs, self._lifts
        goal, raised_pm, full = self._ceiling, self.raised_pm, self.scale.full
        charge, discharge = -self.scale.charge, self.scale.discharge
        total = worst = worst_lift = day = 0
        while day < self._days:
            place = places[day]  # below 0 counts from the ring's end
            load, other = loads[place], loads[place + 1]
            total += load
            if other > load:
                load = other
            place -= 1
            places[day] = place
            other = loads[place]
            if other > load:
                load = other
            if load > 0:
                load = load * raised_pm // 1000
            over, need, lift = load - goal, needs[day], lifts[day]
            lift = lift * _FADE_PM // 1000
            if over > 0:
                if over < discharge:
                    lift += _LIFT
                else:
                    over = discharge
                need += over * self.scale.out_pm
                if need > full:
                    need = full
            else:
                if over > charge:
                    lift += _LIFT
                else:
                    over = charge
                need += over * self.scale.into_pm
                if need <= 0:
                    need = lift = 0
            needs[day] = need
            lifts[day] = lift
            if need > worst:
                worst, worst_lift = need, lift
            day += 1
        at = self._at
        self._expected[at % _SLOTS] = expected = total // day
        self.worth.back(expected, self._level, goal)
        self._at = at = at - 1
        self._level = self.prices.level(self._day, at)
        if self._refill - at >= _AHEAD - 1:  # the slots behind belong to the plan that follows
            self._note(at % _SLOTS, worst, worst_lift)
        if at == self._slot:
            self._phase = _READY

    def _note(self, slot: int, worst: int, lift: int):
        """Write down what is known of the slot that the walk has come to."""
        part, worth = self.part, self.worth
        buy, use = worth.buy[self._level], worth.use[self._level]
        dearer = worth.dearer(0, buy + 1)
        self._fill[slot] = dearer // part
        dearer += worth.dearer(buy + 1, use)
        self._keep[slot] = dearer // part
        self.reserve[slot] = worst // part
        self.lift[slot] = lift

    def wish(self, slot: int, net: int, store: int, goal: int) -> int:
        """Battery power wanted in the slot that begins with load `net`, quanta, discharge +:
        what the goal asks for, and the trade beyond it."""
        scale, part = self.scale, self.part
        must = max(0, net - goal)
        store -= must * scale.out_pm
        deviation = net - self._expected[slot]
        deviation = max(-scale.discharge, min(scale.discharge, deviation))
        # Half of the deviation is believed to go on.
        reserve = self.reserve[slot] * part
        reserve += deviation * self.lift[slot] * (scale.out_pm // (2 * _LIFT))
        reserve = min(reserve, scale.full)
        floor = max(reserve, self._keep[slot] * part)
        if net > 0 and store > floor:
            return min(must + (store - floor) // scale.out_pm, net, scale.discharge)
        if must > 0:
            return 0
        # Half of the reserve at any price, the rest when it is cheap; the sun's surplus is free.
        buy = (max(self._fill[slot] * part, reserve // 2) - store) // scale.into_pm
        return -max(0, min(max(buy, -net), goal - net, scale.charge))
