"""Planning with announced loads, and what a wrong announcement may cost at most.

Beside the plan stands a twin: the ordinary planner on a battery that only exists in numbers, living
through the same loads and hearing no announcement. So it is known, slot for slot, what the grid
would have carried and what would be in store. The announced plan may leave it by two bounds only:

    the store may fall short of the twin's by `sure` of a full one, `sure` being how far the word
    for the next slot is believed;
    the grid may carry no more than the twin's highest import of the month, or this slot's,
    + `raise` + what the store falls short of the twin's, were it missing in this one slot.

So, whoever announces what, the month's peak is at most `raise` + 4 an hour * `sure` * full store
above the peak without announcements, and never above the load. See tests/plan/test_foresight.py.
"""

from array import array

from edge.compat import const
from edge.plan.announced import REACH, Announced
from edge.plan.hold import Hold
from edge.plan.lived import after, power

_SLOTS = const(96)
_DAYS = const(1)  # remembered days that are asked for what follows the announced slots
_BEYOND = const(24)  # slots of them that count
_STRAY = const(16)  # part of the store that the twin may be ahead by before it is not followed
_IDLE = const(0)  # phases
_TWIN = const(1)
_BEGIN = const(2)
_ASK = const(3)
_HOLD = const(4)
_AIM = const(5)


class Foresight:
    """As Planner; `twin` is the planner that hears nothing, `announced` what it does not hear,
    `raise_w` the width of the second bound."""

    def __init__(self, twin, announced, raise_w: int):
        self.twin, self.announced = twin, announced
        self.scale, self.memory, self.target = twin.scale, twin.memory, twin.target
        self.shaves, self.trade = twin.shaves, twin.trade
        self.raised = raise_w // self.scale.quantum_w
        self._loads = array("h", bytes(2 * (REACH + _BEYOND)))  # from the next slot on
        self._hold = Hold(self.scale, self._loads)
        self._day = self._slot = self._net = self._store = 0
        self._known = self._past = self._asked = 0
        self._goal = self._month_peak_w = self._month = 0
        self.apart = False  # since the month's first word the twin lives alone, before it as we do
        self.twin_store = 0  # units
        self.twin_peak = 0  # quanta, of the month
        self._phase = _IDLE
        self.busy = False
        self.target_w, self.wish_w, self.recharge_w = twin.target_w, twin.wish_w, twin.recharge_w

    def slot(self, day: int, slot: int, load_w: int, month_peak_w: int, month: int):
        """As Planner.slot."""
        scale, memory = self.scale, self.memory
        net = scale.power(load_w)
        past = memory.like(day, day)
        self.announced.passed(
            day, slot, net, memory.loads[memory.at(past, slot)] if past >= 0 else 0)
        if self.apart:
            out = self._twin_power(net)
            if net - out > self.twin_peak:
                self.twin_peak = net - out
            self.twin_store = after(scale, self.twin_store, out)
        if month != self._month:
            self._month, self.apart = month, False
            self.twin_peak = month_peak_w // scale.quantum_w
        self._day = day
        self._slot = slot + 1
        if slot == _SLOTS - 1:
            self._day, self._slot = day + 1, 0
        self._month_peak_w = month_peak_w
        self.trade = self.twin.trade
        if self.apart:
            month_peak_w = self.twin_peak * scale.quantum_w
        self.twin.slot(day, slot, load_w, month_peak_w, month)
        self._phase = _TWIN
        self.busy = True

    def step(self, net_w: int, store_wh: int):
        """As Planner.step."""
        phase = self._phase
        if phase == _TWIN:
            if not self.apart:
                self.twin_store = self.scale.energy(store_wh)
                self.twin_peak = self._month_peak_w // self.scale.quantum_w
            self.twin.step(net_w, self.twin_store // 4000 * self.scale.quantum_w if self.apart
                      else store_wh)
            if not self.twin.busy:
                self._phase = _BEGIN
        elif phase == _HOLD:
            if self._hold.step():
                if self._goal < self._hold.target:
                    self._goal = self._hold.target
                self._phase = _ASK
        elif phase == _ASK:
            self._ask()
        elif phase == _AIM:
            self._aim()
        elif phase == _BEGIN:
            self._begin(self.scale.power(net_w), self.scale.energy(store_wh))
        self.busy = self._phase != _IDLE

    def _begin(self, net: int, store: int):
        """Choose what to start from: what is billed already, or the twin's target where nothing is
        known that it does not know."""
        self._net, self._store = net, store
        self._known = known = self.announced.known()
        if known:
            self.apart = True
        self._past, self._asked = self._day, 0
        self._phase = _ASK
        goal_w = self.twin.target_w
        if not self.twin.shaves or (
                known == 0 and self.twin_store - store < self.scale.full // _STRAY):
            self._phase = _AIM
        elif known:
            goal_w = self._month_peak_w
        self._goal = goal_w // self.scale.quantum_w

    def _ask(self):
        """Ask one more remembered day what target it would need after the announced slots."""
        memory, loads, known = self.memory, self._loads, self._known
        self._past = past = memory.like(self._day, self._past)
        if past < 0 or self._asked == _DAYS:
            if self._asked == 0:  # nobody to ask
                self._goal = self.twin.target_w // self.scale.quantum_w
                for i in range(known):
                    loads[i] = self.announced.load(self._day, self._slot + 1 + i, 0)
            self._phase = _AIM
            return
        self._asked += 1
        count = known + _BEYOND
        highest, first = self._net, self._slot + 1
        place, size = memory.at(past, first), len(memory.loads)
        for i in range(count):
            load = memory.loads[place]
            if i < known:
                load = self.announced.load(self._day, first + i, load)
                if load > highest:
                    highest = load
            loads[i] = load
            place += 1
            if place == size:
                place = 0
        if highest > self._goal:
            self._hold.begin(self._net, 0, count, self._store)
            self._hold.target = highest  # which holds; the answer is searched for below it
            self._phase = _HOLD

    def _aim(self):
        """Go as far from the twin's target as the word is believed, within the two bounds."""
        self.recharge_w = self.twin.recharge_w
        self._phase = _IDLE
        if not self.apart:
            self.target_w = self.twin.target_w
            self.wish_w = self.twin.wish_w
            return
        scale, goal = self.scale, self._goal
        net, store = self._net, self._store
        sure_pm = self.announced.sure_pm()
        if self._known:
            plain = self.twin.target_w // scale.quantum_w
            goal = plain + (goal - plain) * sure_pm // 1000
        twin_out = self._twin_power(net)
        ahead = (store - self.twin_store) // scale.out_pm  # of the twin, as power in one slot
        most = ahead + scale.full // 1000 * sure_pm // scale.out_pm
        most = twin_out + (most if most > 0 else 0)  # that may be drawn now
        peak = net - twin_out if net - twin_out > self.twin_peak else self.twin_peak
        peak += self.raised - (ahead if ahead < 0 else 0)
        if goal > peak:
            goal = peak
        if goal < net - most:
            goal = net - most
        self.target_w = goal * scale.quantum_w
        if self.target_w < self._month_peak_w:
            self.target_w = self._month_peak_w
        trade = self.twin.trade
        if trade:
            wish = self._wish(trade, self.target_w // scale.quantum_w)
            self.wish_w = (wish if wish < most else most) * scale.quantum_w

    def _wish(self, trade, goal: int) -> int:
        """The wish. For the announced slots the reserve is what they need, each taken as much
        higher as the trade takes what it remembers: else it sells what the next hour's goal
        would have needed, and the peak creeps up."""
        scale, loads = self.scale, self._loads
        slot, known = self._slot, self._known
        if known == 0:
            return trade.wish(slot, self._net, self._store, goal)
        need = trade.reserve[(slot + known) % _SLOTS] * trade.part
        while known > 0:
            over = loads[known - 1]
            if over > 0:
                over = over * trade.raised_pm // 1000
            over -= goal
            if over > 0:
                need += (over if over < scale.discharge else scale.discharge) * scale.out_pm
                if need > scale.full:
                    need = scale.full
            else:
                need += (over if over > -scale.charge else -scale.charge) * scale.into_pm
                if need < 0:
                    need = 0
            known -= 1
        reserve, lift = trade.reserve[slot], trade.lift[slot]
        trade.reserve[slot], trade.lift[slot] = need // trade.part, 0
        wish = trade.wish(slot, self._net, self._store, goal)
        trade.reserve[slot], trade.lift[slot] = reserve, lift
        return wish

    def _twin_power(self, net: int) -> int:
        """What the twin's battery does in a slot of this load, quanta, discharge +."""
        twin, quantum_w = self.twin, self.scale.quantum_w
        return power(self.scale, self.twin_store, net, twin.target_w // quantum_w,
                     twin.wish_w // quantum_w, twin.recharge_w // quantum_w)


def plan(planner, keys: dict, site):
    """The planner with foresight; `site.announce` takes announcements (Announced.announce)."""
    announced = Announced(planner.scale, keys["schedule"])
    site.announce = announced.announce
    site.announced = announced
    return Foresight(planner, announced, keys["raise_w"])
