"""What is known this beat, and how old it is."""

from array import array

from edge.compat import const
from edge.trail import Trail

NEVER_MS = const(1 << 28)  # the age of what was never read
_FORGET_MS = const(100_000_000)  # stamps must be dropped well before the tick period ends
_FUTURE = const(1 << 29)  # an age beyond half the period is a stamp a little ahead of the beat
_TICKS = const((1 << 30) - 1)

# Bits of the flags: which readings are fresh, and what follows from it.
GRID_FRESH = const(1)
STORE_FRESH = const(2)
SOC_FRESH = const(4)
PV_FRESH = const(8)
TRUSTED = const(16)
READY = const(32)
FAULT = const(64)
CLOCK_OK = const(128)
UNPRICED = const(4096)  # the tariff is not valid today: its last prices go on, nothing is traded
UNPUSHED = const(8192)  # today's prices were to be pushed and did not come: the calendar's go on

_LASTING = const(12480)  # FAULT, CLOCK_OK, UNPRICED and UNPUSHED are told elsewhere
_NET_MAX_W = const(8_000_000)  # as each reading; a minute of it and of a battery fits 31 bits
_PAIR = const(3)  # grid and battery power fresh: the load can be told
_FIELDS = const(35)  # as many as edge.journal.FIELDS
_NEEDED = const(39)  # and the state of charge, and the converter ready: it may be used


class Snapshot:
    """All that a rule may know. Power is positive INTO the busbar; units are the last word.

    The roles (edge/devices/roles.py) write their readings into it as they come, each with the
    stamp of its moment; `settle` begins a beat by telling how old they are and what to trust.
    `ages` is the site's table of how old a reading may be before it is not trusted, and
    `release_s` how long everything must have been fresh before the safe state is left.
    """

    def __init__(self, ages: dict, beat_s: int):
        self.grid_w = self.store_w = self.pv_w = self.soc_pm = 0
        self.grid_ms = self.store_ms = self.pv_ms = self.soc_ms = 0  # stamps
        self.known = 0  # bits as in flags: which were ever read, and READY
        self.grid_age_ms = self.store_age_ms = self.soc_age_ms = NEVER_MS
        self.charge_max_w = self.discharge_max_w = 0
        self.ready = False
        self.flags = 0
        self.row = array("i", [0] * _FIELDS)  # the journal's row of the running beat
        self.low_w = self.high_w = 0  # between which the load lay when both were last read
        self.net_w = 0  # the load: what the grid would carry with the battery idle
        self.command_w = 0  # the last command that went out
        self.verdict = 0  # what the gate said of it
        # What the demand window allows (edge/ledger/demand.py):
        self.target_w = 0  # demand target in force
        self.hold_w = 0  # mean import that may be held until the window's end to meet it
        self.gap_w = 0  # how much less it is when the next minute is looked at, too
        self.spread_w = 0  # what the last window, repeated, asks: evenly over the rest
        self.as_now = True  # the present load is the better guess: it ends, or none was before it
        self.left_s = 900  # until the window's end
        self.end_w = 0  # sliding: what the window ending with this minute may carry
        self.second = 0  # UTC, of the day
        self.span_s = self.beat_s = beat_s  # how long the beat just ended really was, and should
        self.day = 0  # UTC, since 2000-01-01
        self.local_day = self.local_second = 0  # as of the running minute
        self.month = 0  # local, counted from 2000-01
        self.price_e4 = 0  # import price now, 1e-4 currency per kWh
        self.grid = Trail()
        self.store = Trail()
        self.settle = _settle(self, ages)

    def pair(self):
        """Tell the load from the newest readings: two powers of one moment, the older reading and
        what the other instrument showed around it. Between two readings a battery may have
        stepped at any moment, so all that is known is a range, low_w to high_w."""
        late_ms = self.store_ms - self.grid_ms & _TICKS
        if late_ms == 0:
            low_w = high_w = self.grid_w + self.store_w
        elif late_ms < _FUTURE:  # the battery was read later
            newer = self.store
            newer.look(self.grid_ms)
            low_w = self.grid_w + newer.low_w
            high_w = self.grid_w + newer.high_w
        else:
            newer = self.grid
            newer.look(self.store_ms)
            low_w = self.store_w + newer.low_w
            high_w = self.store_w + newer.high_w
        self.low_w = held_w(low_w)
        self.high_w = held_w(high_w)

    def odd_age_ms(self, bit: int, age_ms: int) -> int:
        """What to make of an age past its limit. A stamp a little ahead of the beat wraps around
        and counts as new; a reading a day old is forgotten before its stamp can look new again."""
        if self.known & bit:
            if age_ms > _FUTURE:
                return 0
            if age_ms <= _FORGET_MS:
                return age_ms
            self.known &= ~bit
        return NEVER_MS


def held_w(w: int) -> int:
    """A load the beat can compute with: two readings that cannot both be right stay inside."""
    if w > _NET_MAX_W:
        return _NET_MAX_W
    return w if w > -_NET_MAX_W else -_NET_MAX_W


def _settle(now, ages: dict):
    """Bind the function that ends the reading of a beat; see edge/rules/__init__.py for how."""
    calm_s = 0

    def settle(now_ms: int, now=now, row=now.row, odd_age_ms=now.odd_age_ms,
               grid_max_ms=ages["grid_ms"], store_max_ms=ages["store_ms"],
               soc_max_ms=ages["soc_ms"], pv_max_ms=ages["pv_ms"],
               release_s=ages["release_s"], beat_s=now.beat_s):
        """Weigh the readings: how old, what to trust, and the load at one common moment."""
        nonlocal calm_s
        # What was ever read is taken for fresh until its age says otherwise. Four times the same,
        # because a call each would cost as much as all of them.
        flags = now.flags & _LASTING | now.known
        age_ms = now_ms - now.grid_ms & _TICKS
        if age_ms > grid_max_ms or not flags & GRID_FRESH:
            age_ms = odd_age_ms(GRID_FRESH, age_ms)
            if age_ms > grid_max_ms:
                flags &= ~GRID_FRESH
        row[5] = now.grid_age_ms = age_ms
        age_ms = now_ms - now.store_ms & _TICKS
        if age_ms > store_max_ms or not flags & STORE_FRESH:
            age_ms = odd_age_ms(STORE_FRESH, age_ms)
            if age_ms > store_max_ms:
                flags &= ~STORE_FRESH
        row[9] = now.store_age_ms = age_ms
        age_ms = now_ms - now.soc_ms & _TICKS
        if age_ms > soc_max_ms or not flags & SOC_FRESH:
            age_ms = odd_age_ms(SOC_FRESH, age_ms)
            if age_ms > soc_max_ms:
                flags &= ~SOC_FRESH
        row[11] = now.soc_age_ms = age_ms
        age_ms = now_ms - now.pv_ms & _TICKS
        if age_ms > pv_max_ms or not flags & PV_FRESH:
            age_ms = odd_age_ms(PV_FRESH, age_ms)
            if age_ms > pv_max_ms:
                flags &= ~PV_FRESH
        row[7] = age_ms
        if flags & _NEEDED != _NEEDED:
            calm_s = 0
        elif calm_s >= release_s:
            flags |= TRUSTED
        else:
            calm_s += beat_s
        row[2] = now_ms
        now.flags = flags
        if flags & _PAIR != _PAIR:
            return
        net_w = now.net_w  # the load has changed no more than the readings prove
        if net_w < now.low_w:
            net_w = now.low_w
        elif net_w > now.high_w:
            net_w = now.high_w
        row[14] = now.net_w = net_w

    return settle
