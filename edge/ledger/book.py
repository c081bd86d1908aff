"""The carbon ledger of a site: a quarter-hour's minutes and registers in, one leaf out.

The beat only notes each minute's energies (`minutes`). When a quarter-hour has ended and its
registers are read, `close` begins the work and `step` does it, a slice a call, off the beat: first
each register is taken, then each minute's flows are traced, because what is made and used in one
minute meets; then the quarter-hour's flows go through store and views, the store is settled and
the leaf coded. So a leaf holds all that its carbon follows from, and whoever has the leaves works
it out again (cloud_bridge/evidence/replay.py). A quarter-hour of which more than five minutes are
missing, or that ends a row of them without registers, is a gap: one step, poured instead of shared
(edge/ledger/apportion.py), one leaf for its whole span.
"""

from edge.compat import const
from edge.ledger.leaf import (
    EXCHANGED,
    GAIN,
    GAP,
    IMBALANCE,
    OPENED,
    OVERCOUNT,
    SITE,
    SITE_NUMBERS,
    TENANTS,
    Leaf,
    origins,
)
from edge.ledger.matrix import LOAD, STORE, Matrix
from edge.ledger.minutes import MINUTES, Minutes
from edge.ledger.pool import Pool
from edge.ledger.registers import READ, REPLACED
from edge.ledger.tenants import Tenants
from edge.ledger.views import View

_OWN = const(7)  # meters of the site itself; tenants follow
_MINUTES_PER_H = const(60)
_STEPS_MIN = const(10)
_CHUNK = const(4)  # meters a slice

_READ = const(0)  # phases of the work
_SPREAD = const(1)
_MATRIX = const(2)
_SHARE = const(3)
_POOL = const(4)
_TRACE = const(5)
_VIEWS = const(6)
_CARBON = const(7)
_SETTLE = const(8)
_TELL = const(9)
_CODE = const(10)


class Book:
    """`meters`: the site's MeterRegister or None, in the order of METERS (edge/ledger/leaf.py);
    `sub_meters`: those of the tenants; `factors`: of each view, see edge/ledger/views.py;
    `slack_wh`: resolution of the state of charge; `minutes`: where the beat writes. Unless `busy`,
    `leaves` hold the last quarter-hour: a leaf, and behind it one of the tenants, where there are
    any. Before `close`, while not busy, `views[i].factors` and `factor_id` (8 bytes) may be set to
    those in force in that quarter-hour. `quarter` is the last one closed, `before` the hash of the
    newest leaf."""

    def __init__(self, meters, sub_meters, factors, slack_wh: int, minutes=None):
        self.registers = list(meters) + list(sub_meters)
        self._slack_wh = slack_wh
        n = len(self.registers)
        self.minutes = minutes or Minutes(n)
        self.matrix = Matrix()
        self.pool = Pool()
        self.views = [View(row) for row in factors]
        self.tenants = Tenants(n - _OWN, len(self.views))
        self.factor_id = bytes(8)
        self.before = bytes(32)
        self.mask = 0
        for i in range(_OWN):
            if meters[i]:
                self.mask |= 1 << i
        self.leaves = [Leaf(SITE, SITE_NUMBERS + 5 * len(self.views))]
        if n > _OWN:
            self.leaves.append(Leaf(TENANTS, (4 + len(self.views)) * (n - _OWN + 2)))
        self._origins = origins(self.mask)
        self.quarter = -1  # the last one closed
        self._span = self._passed = self._steps = self._time = self._flags = self._unread = 0
        self._store_wh = -1
        self._readings = ()
        self._told: list = []
        self._opening = 0  # flag of the first leaf after `open`
        self._work = (self._read, self._spread, self._flow, self._share, self._store, self._trace,
                      self._view, self._carbon, self._settle, self._tell, self._code)  # of a phase
        self._phase = _READ
        self._at = self._minute = self._leaf = 0
        self.busy = False

    def open(self, quarter: int, readings):
        """Begin the account with the end of `quarter` (since 2000-01-01 UTC) and the readings of
        all registers (counts; below 0: not read)."""
        self.quarter, self._opening = quarter, OPENED
        for i in range(len(self.registers)):
            if self.registers[i]:
                self.registers[i].take(readings[i], 1, 0)

    def close(self, quarter: int, readings, store_wh: int, time: int, passed: int = 0) -> bool:
        """`quarter` has ended: with these `readings` (counts, kept until the work is done; below
        0: not read), with store_wh in the battery (below 0: unknown) and a clock of quality
        `time`. All quarters since the last call end with it; `passed` of them really passed, where
        the clock was put back and tells of fewer. False when it cannot be booked: the work on the
        last one is not done, it is not newer, or the book was never opened."""
        if self.busy or not 0 <= self.quarter < quarter:
            return False
        self._span = quarter - self.quarter
        self.quarter = quarter
        self._readings, self._store_wh, self._time = readings, store_wh, time
        self._passed = passed if passed > self._span else self._span
        self._flags, self._unread, self._opening = self._opening, 0, 0
        self._steps = self.minutes.count(quarter)
        if self._span > 1 or self._steps < _STEPS_MIN:
            self._flags |= GAP
        self.matrix.clear()
        self.pool.clear()
        self.tenants.clear()
        for view in self.views:
            view.clear()
        self._minute = 0
        self._to(_READ)
        self.busy = True
        return True

    def _to(self, phase: int):
        self._phase, self._at = phase, 0

    def step(self):
        """Do one slice of the work; only while busy."""
        self._work[self._phase]()

    def _read(self):
        """Take one register, and get its energy ready to be spread over the minutes."""
        i = self._at
        register = self.registers[i]
        if register:
            sum_w = self.minutes.sum_w(self.quarter, i)
            wh = register.take(self._readings[i], self._passed, sum_w // _MINUTES_PER_H)
            if register.state != READ and i < _OWN:
                self._unread |= 1 << i
                if register.state == REPLACED:
                    self._flags |= EXCHANGED
            self.minutes.take(i, wh, sum_w, self._steps)
        self._at += 1
        if self._at == len(self.registers):
            self._to(_MATRIX if self._flags & GAP else _SPREAD)

    def _spread(self):
        """What a minute has of the energies, a few meters at a time."""
        minutes, quarter, minute = self.minutes, self.quarter, self._minute
        if not minutes.has(quarter, minute):
            self._end_step()
            return
        at = self._at
        end = at + _CHUNK if at + _CHUNK < minutes.meters else minutes.meters
        minutes.spread(quarter, minute, at, end)
        self._at = end
        if end == minutes.meters:
            self._to(_MATRIX)

    def _flow(self):
        energy = self.minutes.energy
        if not self.matrix.step(energy[:5], energy[5:_OWN], not self._flags & GAP):
            self._flags |= IMBALANCE
        self._to(_SHARE)

    def _share(self):
        """The tenants' parts of the minute's load, and on to the next minute."""
        tenants = self.tenants
        if tenants.n:
            tenants.asked[:] = self.minutes.energy[_OWN:]
            flows = self.matrix.flows
            if not tenants.step(sum([flows[3 * i + LOAD] for i in range(5)])):
                self._flags |= OVERCOUNT
        self._end_step()

    def _end_step(self):
        self._minute += 1
        self._to(_POOL if self._flags & GAP or self._minute == MINUTES else _SPREAD)

    def _store(self):
        self.pool.step(self.matrix.total)
        self._to(_TRACE if self.pool.drawn_wh else _VIEWS)

    def _trace(self):
        self.pool.trace(self.matrix.total)
        self._to(_VIEWS)

    def _view(self):
        view = self.views[self._at // 2]
        if self._at % 2:
            view.draw(self.matrix.total, self.pool)
        else:
            view.step(self.matrix.total)
        self._at += 1
        if self._at == 2 * len(self.views):
            self._to(_CARBON if self.tenants.n else _SETTLE)

    def _carbon(self):
        """The tenants' parts of the load's carbon, in one view after the other."""
        if self.tenants.carbon(self._at, self.views[self._at].load):
            self._at += 1
            if self._at == len(self.views):
                self._to(_SETTLE)

    def _settle(self):
        """What the battery says it holds: for the pool, then in each view."""
        if self._at == 0:
            lost, gained = self.pool.drift(self._store_wh, self._slack_wh)
            self.pool.settle(lost, gained)
        else:
            self.views[self._at - 1].settle(self.pool)
        self._at += 1
        if self._at > len(self.views):
            self._to(_TELL)

    def _tell(self):
        """Put together the numbers of the leaves, in the order that edge/ledger/leaf.py names: of
        the site, of its views, of the tenants."""
        if self._at == 0:
            self._told = self._tell_site()
            self._at = 1
        elif self._at == 1:
            for view in self.views:
                self._told += [view.load, view.export, view.loss, view.inventory, view.adjusted]
            self.leaves[0].begin(self._told)
            self._at = 2
        else:
            if self.tenants.n:
                self.leaves[1].begin(self._tell_tenants())
            self._leaf = 0
            self._to(_CODE)

    def _tell_site(self) -> list:
        total, pool, known = self.matrix.total, self.pool, self._origins
        if pool.gained:
            self._flags |= GAIN
        told = [self.quarter, self._span, self._steps, self._time, self._flags, self._unread,
                self.mask]
        told += [register.wh for register in self.registers[:_OWN] if register]
        told += self.matrix.owed
        for i in known:
            if i != STORE:
                told += total[3 * i:3 * i + 3]
        if self.mask >> STORE & 1:
            for i in known:
                told += [pool.traced[3 * i], pool.traced[3 * i + 2]]
            told.append(total[3 * STORE + 1])
            told += [pool.origin[i] for i in known]
            told += [pool.lost, pool.gained]
        return told

    def _tell_tenants(self) -> list:
        tenants = self.tenants
        told = [self.quarter, tenants.n, len(self.views)]
        for i in range(tenants.n + 1):
            if i < tenants.n:
                register = self.registers[_OWN + i]
                told += [register.wh, register.state, tenants.owed[i]]
            told.append(tenants.wh[i])
            told += [ug[i] for ug in tenants.ug]
        return told

    def _code(self):
        leaf = self.leaves[self._leaf]
        if leaf.step(self.factor_id, self.before):
            self.before = leaf.digest
            self._leaf += 1
            if self._leaf == len(self.leaves):
                self.busy = False
