"""The demand window on the time of the utility's own meter.

The minutes that the window is told of begin where the meter's do, counted in ticks, so that a step
of the gateway's clock does not move it. All else (prices, plan, accounts, journal) stays on the
gateway's clock: the window's flows are those of the site less what these held when the running
minute began. Until the meter's time is known, and when it is lost, the window is as without it.

A meter whose clock jumps cannot do much: the window follows by three seconds a minute; farther only
when three minutes say so, and once an hour: then it begins anew with the mean of what was measured.
"""

from edge.compat import const
from edge.ledger.flows import Flows
from edge.ledger.meter_peak import MeterPeak
from edge.ticks import ticks_add, ticks_diff

_MINUTE_MS = const(60_000)
_LAST = const(14)  # minute of a window
_QUARTER_S = const(900)
_FOLLOW_MS = const(3000)
_DOUBTS = const(3)
_SETTLED = const(60)
_NEAR_MS = const(10_000)  # of a minute's end: the window is weighed at every beat
_HALF_WS = const(530_000_000)  # two of it fit 31 bits: 8.8 MW for a minute
_WALL = const(0)  # as in edge/devices/billing_meter.py
_UNLIKE = const(1)


class Aligned:
    """Puts itself between a `site` and its window; `meter` is its BillingMeter, `most_w` what the
    connection carries. `placed`: by what, as BillingMeter.place says; `end_ms`: the tick at which
    the running minute ends, where the meter tells; `due`: whether `lock` shall be called."""

    def __init__(self, site, meter, most_w: int):
        window = self._window = site.window
        self._mine = site.flows  # what the window reads, filled before it looks
        self._flows = site.flows = Flows(site.now)
        self._now = site.now
        self._meter = meter
        self._peak = MeterPeak(window, meter, most_w)
        self._close, self._restart, self._weigh = window.close_minute, window.restart, window.weigh
        window.close_minute, window.restart = self.wall_minute, self.wall_restart
        window.weigh, window.new_month = self.weigh, self.new_month
        self.placed = _WALL
        self.end_ms = self.due = 0
        self._place = 0  # which minute of the window runs, 0 .. 14
        # Of the running minute, less what the site's flows held when it began:
        self._import_ws = self._net_ws = self._seconds = 0
        self._wall_wmin = self._wall_minutes = 0  # net load of the gateway's quarter-hour
        self._doubts = 0  # minutes in a row that say that the window lies elsewhere
        self._settled = _SETTLED  # minutes since it was moved
        self._month_ends = False  # with the running window

    # What the site calls, by its own clock.

    def wall_minute(self, second: int):
        """A minute of the gateway's clock is over."""
        window, flows = self._window, self._flows
        if flows.seconds:
            self._wall_wmin += flows.net_ws() // flows.seconds
            self._wall_minutes += 1
        ended = second % _QUARTER_S < 60
        self._hold()
        if self.placed == _WALL:
            self._end_minute(second)
            self._look_for_it()
            self._import_ws = self._net_ws = self._seconds = 0
            self._mine.clear()
        elif ended and self._wall_minutes:
            window.net_mean_w = self._wall_wmin // self._wall_minutes
        window.ended = ended
        if ended:
            self._wall_wmin = self._wall_minutes = 0

    def wall_restart(self, second: int, import_w: int):
        """The gateway's clock has jumped."""
        self._wall_wmin = self._wall_minutes = 0
        self._hold()
        if self.placed == _WALL:
            self._restart(second, import_w)
            self._import_ws = self._net_ws = self._seconds = 0
            self._mine.clear()
        self._window.ended = False

    def new_month(self):
        """A billing month begins by the gateway's clock; by the meter's with the window of which
        most lies in it."""
        if self.placed != _WALL and self._place > _LAST // 2:
            self._month_ends = True
        else:
            self._peak.begin_month()

    def weigh(self, target_w: int, now) -> bool:
        """As DemandWindow.weigh, by the second of the running minute."""
        self._fill()
        if self.placed == _WALL:
            return self._weigh(target_w, now)
        second = now.second
        left_ms = ticks_diff(self.end_ms, now.row[2])
        now.second = 59 - left_ms // 1000 if 0 < left_ms < _MINUTE_MS else 0
        ending = self._weigh(target_w, now)
        now.second = second
        return ending or left_ms < _NEAR_MS  # the next minute is another window

    # What the beat calls.

    def follow(self, now):
        """The running minute is over by the meter's time."""
        now_ms = now.row[2]
        if ticks_diff(now_ms, self.end_ms) >= _MINUTE_MS:  # the beat stood still
            self._move(now_ms, self._meter.place(now_ms))
            return
        self._place = (self._place + 1) % (_LAST + 1)
        self._fill()
        self._end_minute(self._place * 60)
        self._begin()
        if self._month_ends and self._place == 0:
            self._month_ends = False
            self._peak.begin_month()
        self.end_ms = ticks_add(self.end_ms, _MINUTE_MS)
        self._look(now_ms)

    def _look(self, now_ms: int):
        """Hold the minute's end against what the meter says now."""
        place = self._meter.place(now_ms)
        late_ms = 0
        if place > _UNLIKE:
            turns = self._meter.turns(place)
            late_ms = turns.apart(self.end_ms) if turns.period_ms == _MINUTE_MS else \
                turns.apart(ticks_add(self.end_ms, (_LAST - self._place) * _MINUTE_MS))
            if -_FOLLOW_MS <= late_ms <= _FOLLOW_MS:
                self._doubts = 0
                self.placed = place
                self.end_ms = ticks_add(self.end_ms, -late_ms)
                return
        self._doubts += 1
        if self._doubts >= _DOUBTS and self._settled >= _SETTLED:
            self._move(now_ms, place)

    def _look_for_it(self):
        """The meter's time may be known at last: then the window is moved with the next beat, which
        has less to do than one that closes a minute."""
        if self._settled >= _SETTLED and self._meter.place(self._now.row[2]) > _UNLIKE:
            self.due = 2

    def lock(self, now):
        """`due` beats from now the window follows the meter."""
        self.due -= 1
        place = self._meter.place(now.row[2])
        if not self.due and place > _UNLIKE:
            self._move(now.row[2], place)

    def _move(self, now_ms: int, place: int):
        """Let the window lie elsewhere from now on; its past is the mean of the last minutes."""
        self._doubts = self._settled = 0
        if self._month_ends:
            self._month_ends = False
            self._peak.begin_month()
        if place <= _UNLIKE:
            self.placed = _WALL
            self._place = self._now.second % _QUARTER_S // 60
        else:
            self.placed = place
            turns = self._meter.turns(place)
            left_ms = -turns.apart(now_ms)
            if left_ms <= 0:
                left_ms += turns.period_ms
            if turns.period_ms != _MINUTE_MS:
                self._place = _LAST - (left_ms - 1) // _MINUTE_MS
                left_ms -= (_LAST - self._place) * _MINUTE_MS
            self.end_ms = ticks_add(now_ms, left_ms)
        self._restart(self._place * 60, self._peak.mean_w(self._place))
        self._begin()

    # The window's own flows.

    def _hold(self):
        """The site's flows are about to be cleared: hold what they have of the running minute."""
        flows = self._flows
        self._fill()
        self._import_ws = self._mine.import_ws
        self._net_ws = self._mine.net_ws()
        self._seconds += flows.seconds

    def _begin(self):
        """A minute begins now, in the middle of the site's."""
        flows = self._flows
        self._import_ws = -flows.import_ws
        self._net_ws = -flows.net_ws()
        self._seconds = -flows.seconds
        self._fill()
        self._window.ended = False  # the gateway's quarter-hours are told of by `wall_minute`

    def _fill(self):
        """Give the window its running minute."""
        flows, mine = self._flows, self._mine
        mine.import_ws = _held(self._import_ws) + _held(flows.import_ws)
        mine.export_ws = mine.import_ws - _held(self._net_ws) - _held(flows.net_ws())
        mine.seconds = self._seconds + flows.seconds

    def _end_minute(self, second: int):
        """Close a minute of the window, and see what the meter says of the peak."""
        self._peak.note(self._mine)
        if self._settled < _SETTLED:
            self._settled += 1
        self._close(second)
        self._peak.tell()


def _held(ws: int) -> int:
    """What two of fit 31 bits together."""
    if ws > _HALF_WS:
        return _HALF_WS
    return ws if ws > -_HALF_WS else -_HALF_WS
