"""What each charger is offered a phase, mA (0: it pauses), and what that comes to.

An offer is a promise that a vehicle may use at any moment, so the promises must fit into what there
is room for, whatever is drawn. No offer lies between 0 and the least at which a vehicle charges.
"""

from array import array

from edge.compat import const

_PHASE = const(0)  # places in a charger as the image lists it; 1: its priority
_MIN_MA = const(2)
_MAX_MA = const(3)
_SAFE_MA = const(4)
_SURPLUS = const(7)

_SUM = const(0)  # places of what is told for each limit: the sum, three phases, the sun's surplus
_SUN = const(4)
_NODES = const(5)

_FREE = const(0)  # why an offer is what it is: places in WORDS
_CHARGES = const(1)
_WAITS = const(2)
_SILENT = const(4)
WORDS = ("no-vehicle", "charges", "waits", "rests", "silent")

_LONG_S = const(1_000_000)
_ROUND = const(8)  # beats in which each charger has had its turn to be looked at
_HALVE_S = const(900)  # what was had counts half after so long
_SLACK_MA = const(2000)  # below its offer by so much a vehicle takes less than it may
_KEEP_MA = const(1000)  # what it is left above what it takes
_USES_MA = const(500)  # so near its offer it uses all of it
_IDLE_W = const(500)
_MOST_W = const(1_000_000)


class Offers:
    """`listed` are the chargers of the image, most important first, `keys` those of
    edge/rules/charging.py; `phased`: phases have limits. `room_w` is what may be promised at each
    limit: to be written by whoever knows (edge/charging/room.py)."""

    def __init__(self, keys: dict, listed: list, phased: bool):
        n = len(listed)
        self.listed = listed
        self.phased = phased
        self.now_s = 0  # seconds of all beats so far
        self.ma = array("i", [0] * n)
        self.most_ma = array("i", [0] * n)  # that makes sense; below its least it cannot charge
        self.sunny = 0  # offers to those who charge with the sun alone
        self.why = bytearray(n)
        self.since_s = array("i", [-_LONG_S] * n)  # when it was started or paused
        self.had = array("i", [0] * n)  # lately: A s, fading
        self.idle = bytearray(n)  # it draws nothing of its offer
        self.least_w = array("i", [0] * _NODES)  # what is drawn where that is known: at least,
        self.most_w = array("i", [0] * _NODES)  # and at most
        self.promised_w = array("i", [0] * _NODES)
        self.room_w = array("i", [0] * _NODES)
        self.chargers: list = []  # their roles
        self._each_w = (array("i", [0] * n), array("i", [0] * n), array("i", [0] * n))
        self._ways = bytearray([1] * n)  # on which that was counted
        self._moved_s = array("i", [-_LONG_S] * n)  # when its offer changed
        self._seen_w = array("i", [0] * n)  # what it drew when it was looked at
        self.steady = False  # nobody draws otherwise than what has been counted
        self._looked_s = array("i", [0] * n)
        self._slack_s = array("i", [0] * n)  # for how long it has taken less than it may
        self._need_ma = array("i", [_LONG_S] * n)  # more it does not take
        self._next = self._now_ms = 0
        self._at_once = (n + _ROUND - 1) // _ROUND
        self._halved_s = 0
        self._voltage_v = keys["voltage_v"]
        self._age_max_ms = keys["age_max_ms"]
        self._settle_s = keys["settle_s"]
        self._idle_s = keys["idle_s"]
        self._margin_w = keys["margin_w"]

    def look(self, now_ms: int, span_s: int):
        """Begin a beat: look at a part of the chargers, so that a beat is short: one that draws
        otherwise than before, and those whose turn it is. All have had theirs after _ROUND beats.
        """
        self._now_ms = now_ms
        self.now_s += span_s
        self.steady = True
        for k in range(len(self.listed)):
            charger = self.chargers[k]
            charger.setpoint_ms = now_ms
            moved_w = charger.drawn_w - self._seen_w[k]
            if moved_w > _IDLE_W or moved_w < -_IDLE_W:
                if self.steady:
                    self._look(k)
                self.steady = False
        for _ in range(self._at_once):
            self._look(self._next)
            self._next += 1
            if self._next == len(self.listed):
                self._next = 0
                if self.now_s - self._halved_s >= _HALVE_S:
                    self._halved_s = self.now_s
                    for k in range(len(self.listed)):
                        self.had[k] //= 2

    def _look(self, k: int):
        """What is drawn and promised at one. Without a vehicle it is offered nothing; while it says
        nothing it is offered its safe limit, and so much is kept free for it."""
        charger = self.chargers[k]
        span_s = self.now_s - self._looked_s[k]
        self._looked_s[k] = self.now_s
        self._seen_w[k] = charger.drawn_w
        if not charger.fresh(self._now_ms, self._age_max_ms):
            self._set(k, self.listed[k][_SAFE_MA], _SILENT)
            self._count(k, 0, 0, self.watts(k, self.ma[k]))
            return
        why = self.why[k]
        if not charger.plugged:
            if why != _FREE:
                self._set(k, 0, _FREE)
                self.since_s[k] = self.now_s - _LONG_S  # the next one need not rest
                self._need_ma[k] = _LONG_S
                self.idle[k] = 0
        elif not why or why == _SILENT:
            self.why[k] = _CHARGES if self.ma[k] else _WAITS
        elif self.ma[k]:
            self._learn(k, charger, span_s)
        self._limit(k, charger)
        self._draw(k, charger.drawn_w)

    def _limit(self, k: int, charger):
        """Find the most that a charger may be offered."""
        one = self.listed[k]
        most_ma = one[_MAX_MA]
        if charger.charger_max_ma < most_ma:
            most_ma = charger.charger_max_ma
        if self._need_ma[k] < most_ma:
            most_ma = self._need_ma[k]
        self.most_ma[k] = most_ma
        if self.ma[k] > most_ma:
            self.change(k, most_ma if most_ma >= one[_MIN_MA] else 0)

    def _draw(self, k: int, drawn_w: int):
        """Count what a charger draws: while it follows an offer, anything between."""
        offer_w = self.watts(k, self.ma[k])
        if self.now_s - self._moved_s[k] >= self._settle_s:
            self._count(k, drawn_w, drawn_w, offer_w if offer_w > drawn_w else drawn_w)
        elif offer_w > drawn_w:
            self._count(k, drawn_w, offer_w, offer_w)
        else:
            self._count(k, offer_w, drawn_w, offer_w)

    def _count(self, k: int, least_w: int, most_w: int, promised_w: int):
        """Put into the sums what a charger comes to now, in the place of what it came to before."""
        leasts_w, mosts_w, promises_w = self._each_w
        if least_w == leasts_w[k] and most_w == mosts_w[k] and promised_w == promises_w[k] \
                and self._ways[k] == self.chargers[k].ways:
            return
        if self.phased:
            self._on_phases(k, -1)
        self.least_w[_SUM] += least_w - leasts_w[k]
        self.most_w[_SUM] += most_w - mosts_w[k]
        self.promised_w[_SUM] += promised_w - promises_w[k]
        leasts_w[k] = least_w
        mosts_w[k] = most_w
        promises_w[k] = promised_w
        self.promised_w[_SUN] = self.promised_w[_SUM]
        self._ways[k] = self.chargers[k].ways
        if self.phased:
            self._on_phases(k, 1)

    def _on_phases(self, k: int, sign: int):
        """Add what a charger came to last to the phases it is on; a vehicle of one phase may be on
        any."""
        leasts_w, mosts_w, promises_w = self._each_w
        ways = self._ways[k]
        for phase in range(1, 4):
            if self.is_on(k, phase):
                self.least_w[phase] += sign * (leasts_w[k] // ways)
                self.most_w[phase] += sign * (mosts_w[k] // ways)
                self.promised_w[phase] += sign * (promises_w[k] // ways)

    def _learn(self, k: int, charger, span_s: int):
        """Find what a vehicle takes, and remember what it has had in the last span_s."""
        offer_ma = self.ma[k]
        drawn_ma = charger.drawn_w * 1000 // (self._voltage_v * charger.ways)
        self.had[k] += drawn_ma * span_s // 1000
        if charger.drawn_w > _IDLE_W:
            self.idle[k] = 0
        if drawn_ma + _USES_MA >= offer_ma:
            self._need_ma[k] = _LONG_S
        if drawn_ma + _SLACK_MA >= offer_ma:
            self._slack_s[k] = 0
        elif self.now_s - self._moved_s[k] >= self._settle_s:
            self._slack_s[k] += span_s
            if self._slack_s[k] >= self._idle_s:
                if charger.drawn_w <= _IDLE_W:
                    self.idle[k] = 1
                drawn_ma += _KEEP_MA
                least_ma = self.listed[k][_MIN_MA]
                self._need_ma[k] = drawn_ma if drawn_ma > least_ma else least_ma

    def change(self, k: int, ma: int):
        """Offer something else, and tell what that leaves or takes of the room."""
        self._set(k, ma, _CHARGES if ma else _WAITS)
        self._draw(k, self.chargers[k].drawn_w)

    def rest(self):
        """Nobody knows what the site draws: none more than its safe limit."""
        for k in range(len(self.listed)):
            safe_ma = self.listed[k][_SAFE_MA]
            if self.ma[k] > safe_ma:
                self.change(k, safe_ma)

    def spare_ma(self, k: int, freed_w) -> int:
        """How much more a phase leaves the margin free at every limit of a charger, once `freed_w`
        has been freed there."""
        room_w, promised_w, one = self.room_w, self.promised_w, self.listed[k]
        spare_w = room_w[_SUM]
        if one[_SURPLUS] and room_w[_SUN] < spare_w:
            spare_w = room_w[_SUN]
        spare_w += freed_w[_SUM] - promised_w[_SUM] - self._margin_w
        spare_w //= self.chargers[k].ways
        if self.phased:
            for phase in range(1, 4):
                w = room_w[phase] + freed_w[phase] - promised_w[phase] - self._margin_w // 3
                if self.is_on(k, phase) and w < spare_w:
                    spare_w = w
        if spare_w > _MOST_W:  # inside 31 bits
            spare_w = _MOST_W
        return spare_w * 1000 // self._voltage_v if spare_w > 0 else 0

    def is_on(self, k: int, node: int) -> bool:
        """Whether lowering a charger helps at a limit."""
        one = self.listed[k]
        if node == _SUN:
            return one[_SURPLUS] != 0
        return node == _SUM or one[_PHASE] == 0 or one[_PHASE] == node

    def above_ma(self, k: int) -> int:
        """What it is offered above its least; none while it is silent."""
        if not self.ma[k] or self.why[k] == _SILENT:
            return 0
        return self.ma[k] - self.listed[k][_MIN_MA]

    def watts(self, k: int, ma: int) -> int:
        """What so much a phase is."""
        return ma * self._voltage_v // 1000 * self.chargers[k].ways

    def at(self, k: int, node: int, ma: int) -> int:
        """What so much a phase is at one limit, W."""
        w = self.watts(k, ma)
        return w // self.chargers[k].ways if 0 < node < _SUN else w

    def add(self, nodes_w, k: int, ma: int):
        """Add so much a phase of a charger to the sum and to the phases that it is on."""
        w = self.watts(k, ma)
        nodes_w[_SUM] += w
        if self.phased:
            w //= self.chargers[k].ways
            for phase in range(1, 4):
                if self.is_on(k, phase):
                    nodes_w[phase] += w

    def _set(self, k: int, ma: int, why: int):
        if ma != self.ma[k]:
            if not ma or not self.ma[k]:
                self.since_s[k] = self.now_s
                if self.listed[k][_SURPLUS]:
                    self.sunny += 1 if ma else -1
            self.ma[k] = self.chargers[k].setpoint_w = ma
            self._moved_s[k] = self.now_s
        self.why[k] = why
