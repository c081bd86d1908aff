"""What to do with the battery beyond the peak: buy cheap, use dear, keep what a peak may need.

Two things are told of every slot of the day, by walking backward from the next refill. The price:
how much of the store is worth more than using it now, or than buying it now, on the mean of up to
eight remembered days of the same type. And the reserve: what the worst of these days needs in store
to stay at the demand target, each taken a little higher than it was and each slot as high as its
neighbours, for what nobody foresees. The plan holds for a day, or until the target moves; while it
is made again the one before stands in. Then a wish is a look-up.
"""

from array import array

from edge.compat import const
from edge.plan.worth import Worth

_SLOTS = const(96)  # as in edge/plan/memory.py
_DAYS = const(8)
_DAYS_STEP = const(2)  # walked in one step
_AHEAD = const(32)  # slots; the walk begins at the first refill beyond
_MARGIN_PM = const(250)  # at most are the loads raised,
_MARGIN_NUM = const(3)  # by three quarters of demand price over price spread
_MARGIN_DEN = const(4)
_FADE_PM = const(950)  # what is left of a deviation one slot later
_LIFT = const(8)  # of a slot, to count in
_MISSED = const(4)  # kW that one kWh missing in a quarter-hour adds to the peak
_MISSED_MAX = const(100_000_000)  # money a kWh
_PARTS = const(250)  # of the store, so that a byte can tell how full it is
_READY = const(0)  # phases of the thinking
_ASK = const(1)
_RESERVE = const(2)
_PRICE = const(3)
_NOTE = const(4)


class Trade:
    """Plan with `begin` and `step` when it is `due`, `busy` until it is made; `wish` may be asked
    at any time."""

    def __init__(self, scale, memory, prices, demand_price: int):
        self.scale = scale
        self.memory = memory
        self.prices = prices
        self._loads = memory.loads
        self.worth = Worth(scale, prices, _missed(demand_price, max(prices)))
        self._raised_pm = 1000 + _margin_pm(demand_price, max(prices) - min(prices))
        self._refill = _end_of_cheapest(prices)
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
        self._day = self._slot = self._goal = self._past = 0
        self._days = self._next = 0  # how many, and which to walk next
        self._time = self._ahead = self._gone = 0  # slot of the day; slots to walk, and walked
        self._total = self._worst = self._worst_lift = 0  # over the days walked
        self._phase = _READY
        self.busy = False

    def due(self, slot: int, goal: int) -> bool:
        """Whether the plan ends with this slot, or was made for another goal."""
        return goal != self._goal or (self._refill - slot) % _SLOTS == _AHEAD - 1

    def begin(self, day: int, slot: int, goal: int):
        """Plan from this slot on; `goal` is what the import will be held to."""
        self._day, self._slot, self._goal = day, slot, goal
        ahead = (self._refill - slot) % _SLOTS
        self._ahead = ahead if ahead >= _AHEAD else ahead + _SLOTS
        self._past, self._days, self._phase = day, 0, _ASK
        self.busy = True

    def step(self) -> bool:
        """Think for one beat; True when all is planned."""
        phase = self._phase
        if phase == _RESERVE:
            self._walk()
        elif phase == _PRICE:
            self._price()
        elif phase == _NOTE:
            self._note()
        elif phase == _ASK:
            self._ask()
        self.busy = self._phase != _READY
        return not self.busy

    def _ask(self):
        """Add one more remembered day; begin to walk when there is none."""
        days, past = self._days, -1
        if days < _DAYS:
            past = self.memory.like(self._day, self._past)
        if past >= 0:
            place = self.memory.at(past, self._slot) + self._ahead
            if place + 1 >= len(self._loads):
                place -= len(self._loads)
            self._places[days] = place
            self._needs[days] = self._lifts[days] = 0
            self._past, self._days = past, days + 1
        elif days == 0:
            self._phase = _READY
        else:
            self._time, self._gone = self._refill, 0
            self.worth.begin(self._refill)
            self._next = self._total = self._worst = 0
            self._worst_lift = 0
            self._phase = _RESERVE

    def _walk(self):
        """Walk some of the days one slot back."""
        loads, places = self._loads, self._places
        needs, lifts = self._needs, self._lifts
        goal, raised_pm, full = self._goal, self._raised_pm, self.scale.full
        charge, discharge = -self.scale.charge, self.scale.discharge
        day = self._next
        end = day + _DAYS_STEP
        if end >= self._days:
            end = self._days
            self._phase = _PRICE
        while day < end:
            place = places[day]  # below 0 counts from the ring's end
            load, other = loads[place], loads[place + 1]
            self._total += load
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
            if need > self._worst:
                self._worst, self._worst_lift = need, lift
            day += 1
        self._next = day

    def _price(self):
        """Walk the price one slot back, on the mean of the days."""
        slot = self._time
        self._expected[slot] = expected = self._total // self._days
        self.worth.back(expected, slot, self._goal)
        self._time = slot - 1 if slot else _SLOTS - 1
        self._phase = _NOTE

    def _note(self):
        """Write down what is known of the slot that the walk has come to."""
        gone = self._gone + 1
        if gone >= _AHEAD:  # the last slots belong to the plan that follows
            slot, part, worth = self._time, self.part, self.worth
            dearer = worth.dearer(0, worth.buy[slot] + 1)
            self._fill[slot] = dearer // part
            dearer += worth.dearer(worth.buy[slot] + 1, worth.use[slot])
            self._keep[slot] = dearer // part
            self.reserve[slot] = self._worst // part
            self.lift[slot] = self._worst_lift
        self._next = self._total = self._worst = 0
        self._worst_lift = 0
        self._gone = gone
        self._phase = _RESERVE if gone < self._ahead else _READY

    def wish(self, slot: int, net: int, store: int, goal: int) -> int:
        """Battery power wanted in the slot that begins with load `net`, quanta, discharge +:
        what the goal asks for, and the trade beyond it."""
        scale, part = self.scale, self.part
        must = net - goal if net > goal else 0
        store -= must * scale.out_pm
        deviation = net - self._expected[slot]
        if deviation > scale.discharge:
            deviation = scale.discharge
        elif deviation < 0:  # may come back
            deviation = (deviation if deviation > -scale.discharge else -scale.discharge) // 2
        # Half of the deviation is believed to go on.
        reserve = self.reserve[slot] * part
        reserve += deviation * self.lift[slot] * (scale.out_pm // (2 * _LIFT))
        if reserve > scale.full:
            reserve = scale.full
        floor = self._keep[slot] * part
        if floor < reserve:
            floor = reserve
        if net > 0 and store > floor:
            use = must + (store - floor) // scale.out_pm
            if use > net:
                use = net
            return use if use < scale.discharge else scale.discharge
        if must > 0:
            return 0
        ceiling = self._fill[slot] * part
        if ceiling < reserve // 2:  # half of it at any price, the rest when it is cheap
            ceiling = reserve // 2
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
    for i in range(2 * _SLOTS):
        run = run + 1 if prices[i % _SLOTS] == lowest else 0
        if longest < run <= _SLOTS:
            longest, end = run, i % _SLOTS
    return end
