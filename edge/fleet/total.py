"""Several batteries as one: what the snapshot, the load and the ledger are told.

- A battery's power counts while its reading is fresh. Then the battery counts as a load like any
  other: whatever it does, the grid meter sees it.
- A battery that is stale, not ready or not to be believed is out. The age of the whole is that of
  the oldest reading in use, so the others go on. It comes back by itself, after the release time.
- The state of charge of the whole is the mean by capacity. One that is out counts with what it held
  last, so that a short silence is not news to the planner; after HOLD_S it counts as empty, because
  what nobody can draw is no energy.
"""

from edge.compat import const
from edge.fleet.unit import HOLD_S, PARTS
from edge.snapshot import READY, SOC_FRESH, STORE_FRESH, held_w

_FUTURE = const(1 << 29)
_TICKS = const((1 << 30) - 1)


def bind_pair(now, units: list):
    """What Snapshot.pair is for one battery: the load at the moment of the oldest reading, from
    what every other instrument showed around it."""

    def pair(now=now, units=units, grid=now.grid):
        moment_ms = now.grid_ms
        for unit in units:
            if unit.measured and moment_ms - unit.store_ms & _TICKS < _FUTURE:
                moment_ms = unit.store_ms
        if moment_ms == now.grid_ms:
            low_w = high_w = now.grid_w
        else:
            grid.look(moment_ms)
            low_w, high_w = grid.low_w, grid.high_w
        for unit in units:
            if unit.measured:
                if unit.store_ms == moment_ms:
                    low_w += unit.store_w
                    high_w += unit.store_w
                else:
                    trail = unit.trail
                    trail.look(moment_ms)
                    low_w += trail.low_w
                    high_w += trail.high_w
        now.low_w = held_w(low_w)
        now.high_w = held_w(high_w)

    return pair


def bind_settle(now, units: list, flows, again):
    """What Snapshot.settle is for one battery, which still does the rest. `again` tells the load
    anew."""
    measured = 0  # how many of the last beat's powers counted, as a sum of their places

    def settle(now_ms: int, now=now, units=units, flows=flows, row=now.row, settle=now.settle,
               again=again, held_w=held_w):
        """Weigh every battery's readings, and add up what is to be trusted."""
        nonlocal measured
        out_w = in_w = charge_w = discharge_w = soc = counted = 0
        store_age_ms = soc_age_ms = 0
        place = 1
        usable = False
        for unit in units:
            unit.settle(now_ms)
            if unit.measured:
                counted += place
                if unit.store_age_ms > store_age_ms:
                    store_age_ms = unit.store_age_ms
                if unit.store_w > 0:
                    out_w += unit.store_w
                else:
                    in_w -= unit.store_w
            place += place
            if unit.usable:
                usable = True
                if unit.soc_age_ms > soc_age_ms:
                    soc_age_ms = unit.soc_age_ms
                charge_w -= unit.lo_w
                discharge_w += unit.hi_w
            soc += unit.part * (unit.soc_pm if unit.out_s < HOLD_S else unit.floor_pm)
        if counted:
            now.store_ms = now_ms - store_age_ms & _TICKS
            now.known |= STORE_FRESH
        if usable:
            now.soc_ms = now_ms - soc_age_ms & _TICKS
            now.known |= SOC_FRESH | READY
        else:
            now.known &= ~READY
        now.ready = usable
        row[8] = now.store_w = held_w(out_w - in_w)
        row[10] = now.soc_pm = soc // PARTS
        row[12] = now.charge_max_w = charge_w
        row[13] = now.discharge_max_w = discharge_w
        flows.cross_w = held_w(in_w if in_w < out_w else out_w)
        if counted != measured:  # the load was told with other batteries than these
            measured = counted
            again()
        settle(now_ms)

    return settle


def bind_post(flows):
    """What `flows.post` is for one battery, with charge and discharge gross of every battery, where
    their sum knows one direction only."""
    flows.cross_w = 0  # what some give and others take at the same time

    def post(span_s: int, flows=flows, post=flows.post):
        before_s = flows.seconds
        post(span_s)
        ws = flows.cross_w * (flows.seconds - before_s)
        if ws:
            flows.charge_ws += ws
            flows.discharge_ws += ws

    return post
