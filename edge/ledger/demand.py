"""The utility's demand window: what it has used, and what it still allows.

Demand is the mean import over 15 minutes, in fixed blocks or sliding every minute. Energy is kept
in W*min, because 15 minutes of W*s leave 31 bits above 1.2 MW.
"""

from array import array

from edge.compat import const

_WINDOW_S = const(900)
_MINUTES = const(15)
_KEPT = const(30)  # minutes of history: this window and the one before
_BASE = const(5)  # minutes over which the base load is the smallest mean
_MOST = const(266_666)  # W*min a second: 16 MW
_LOOK_S = const(60)  # near its end a window is judged together with its next minute


class DemandWindow:
    """Import so far, and what the battery must do so that the window ends at a target.

    `sliding` = 1 for a window that ends every minute, 0 for blocks aligned to the quarter-hour.
    `flows` are the energies of the running minute.
    """

    def __init__(self, sliding: int, flows):
        self.sliding = sliding
        self._flows = flows
        self._import = array("i", [0] * _MINUTES)  # mean import of each minute, W
        self._net = array("i", [0] * _KEPT)  # mean net load of each minute, W
        self._minute = 0  # index of the last full minute
        self.known = 0  # full minutes of history, up to _KEPT
        self._used_wmin = 0  # import of the full minutes of the window that matters
        self._base = array("i", [0] * _KEPT)  # net load of each minute without its spikes, W
        self._ahead_wmin = 0  # spikes of a window ago that are still to be repeated
        self._full_minutes = 0  # minutes of that window which are over
        self._base_w = 0  # base load now
        self._tight_wmin = self._tight_minutes = 0  # sliding: the tightest of the windows
        self._end_wmin = 0  # sliding: import of the window that ends with this minute
        self._bound = False  # sliding: the window that matters was chosen this minute
        self.ended = False  # a quarter-hour ended with the last full minute
        self.demand_w = 0  # mean import of the last full window
        self.net_mean_w = 0  # mean net load of the last quarter-hour
        self.peak_w = 0  # highest demand of the month

    def restart(self, second: int, import_w: int):
        """After a start or a jump of the clock to `second` of the day the window's past is
        unknown: take the present import for it, and forget the minutes before."""
        self.known = 0
        self._full_minutes = second % _WINDOW_S // 60
        self._used_wmin = import_w * self._full_minutes
        for minute in range(_MINUTES):
            self._import[minute] = import_w
        self._bound = False
        self.ended = False

    def new_month(self):
        """The billing month is over: its peak no longer counts."""
        self.peak_w = 0

    def close_minute(self, second: int):
        """A minute is over; `second` of the day has just begun."""
        flows = self._flows
        last = self._minute
        minute = (last + 1) % _KEPT
        self._minute = minute
        if flows.seconds:
            self._import[minute % _MINUTES] = flows.import_ws // flows.seconds
            self._net[minute] = flows.net_ws() // flows.seconds
        else:  # nothing was measured: the last minute is taken to go on
            self._import[minute % _MINUTES] = self._import[last % _MINUTES]
            self._net[minute] = self._net[last]
        if self.known < _KEPT:
            self.known += 1
        if self.sliding:
            self._bound = False
        else:
            self._full_minutes += 1
            self._used_wmin += self._import[minute % _MINUTES]
        self._base_w = self._level(minute)
        self.ended = second % _WINDOW_S < 60
        if self.ended:
            self._close_quarter()
        if not self.sliding:
            if self._full_minutes < _BASE:  # the bases of the last window may still have risen
                self._ahead_wmin = self._spikes_wmin(_MINUTES - self._full_minutes)
            else:
                self._ahead_wmin -= self._spike_w(0)
        elif self.known >= _MINUTES:
            self._close_window(self._sum(self._import))

    def _close_quarter(self):
        total_wmin = self._sum(self._net)
        self.net_mean_w = total_wmin // _MINUTES
        if not self.sliding:
            if self.known >= _MINUTES:
                self._close_window(self._used_wmin)
            self._used_wmin = 0
            self._full_minutes = 0

    def _close_window(self, import_wmin: int):
        self.demand_w = import_wmin // _MINUTES
        if self.demand_w > self.peak_w:
            self.peak_w = self.demand_w

    def _sum(self, ring) -> int:
        """W*min of the last fifteen minutes of a ring."""
        place = self._minute % len(ring)
        total = 0
        for _ in range(_MINUTES):
            total += ring[place]
            place -= 1  # below 0 it counts from the ring's end
        return total

    def _level(self, last: int) -> int:
        """The smallest of the last five minute means. It is also the least that the base of those
        five can be, so that only what is shorter than five minutes counts as a spike, and a load
        that has shifted is neither missed nor counted twice."""
        net, base = self._net, self._base
        base_w = net[last]
        for back in range(last - _BASE + 1, last):  # below 0 it counts from the ring's end
            if net[back] < base_w:
                base_w = net[back]
        base[last] = base_w
        for back in range(last - _BASE + 1, last):
            if base[back] < base_w:
                base[back] = base_w
        return base_w

    def _spike_w(self, left: int) -> int:
        """What the minute a window before the one `left` (1 .. 15) minutes ahead (1: the running
        one) had above its base."""
        minute = self._minute - _MINUTES + left  # below 0 it counts from the ring's end
        return self._net[minute] - self._base[minute]

    def _spikes_wmin(self, left: int) -> int:
        """The spikes of the same minutes a window ago, for `left` minutes from now on."""
        total = 0
        for minute in range(left):
            total += self._spike_w(minute + 1)
        return total

    def weigh(self, target_w: int, now) -> bool:
        """Tell `now` what the rest of the window still allows, and what it will be asked for; True
        when it ends within a minute."""
        if self.sliding and not self._bound:
            self._bind(target_w)
        second = now.second % 60
        left_s = _WINDOW_S - self._full_minutes * 60 - second
        ending = left_s <= _LOOK_S
        running_wmin = self._flows.import_ws // 60
        room = target_w * _MINUTES - self._used_wmin - running_wmin
        hold_w = _mean_w(room, left_s)
        gap_w = 0
        if ending:
            gap_w = hold_w - _mean_w(room + target_w * (_LOOK_S - left_s) // 60, _LOOK_S)
        learned = self.known >= _MINUTES + _BASE
        if learned:
            ahead = self._ahead_wmin - self._spike_w(1) * second // 60
            base_w = self._base_w if self._base_w < now.net_w else now.net_w
            now.spread_w = _mean_w(ahead, left_s) + base_w - hold_w
        if self.sliding:
            left_s = _WINDOW_S - self._tight_minutes * 60 - second
            ending = left_s <= _LOOK_S
            hold_w = _mean_w(target_w * _MINUTES - self._tight_wmin - running_wmin, left_s)
            gap_w = 0  # the windows that follow are under way
            now.end_w = _mean_w(
                target_w * _MINUTES - self._end_wmin - running_wmin, 60 - second)
        now.target_w = target_w
        now.hold_w = hold_w
        now.gap_w = gap_w if gap_w > 0 else 0
        now.left_s = left_s
        now.as_now = ending or not learned
        return ending

    def _bind(self, target_w: int):
        """Of the fifteen sliding windows under way, find the one that will be hardest to hold if
        the last one repeats, and the tightest one, which is the hardest if the load stays."""
        self._bound = True
        used = self._sum(self._import)
        ahead = 0
        worst_w = -(1 << 29)
        tightest_w = 1 << 29
        for left in range(1, _MINUTES + 1):
            used -= self._import[(self._minute + left) % _MINUTES]
            if left == 1:
                self._end_wmin = used
            ahead += self._spike_w(left)
            need_w = (used + ahead - target_w * _MINUTES) // left + self._base_w
            if need_w > worst_w:
                worst_w = need_w
                self._used_wmin = used
                self._ahead_wmin = ahead
                self._full_minutes = _MINUTES - left
            hold_w = (target_w * _MINUTES - used) // left
            if hold_w < tightest_w:
                tightest_w = hold_w
                self._tight_wmin = used
                self._tight_minutes = _MINUTES - left

    def so_far_w(self) -> int:
        """Import of the window so far, spread over all of it, W."""
        return (self._used_wmin + self._flows.import_ws // 60) // _MINUTES


def _mean_w(wmin: int, seconds: int) -> int:
    """W*min spread over `seconds`, W, without leaving 31 bits on the way; beyond +-16 MW, which
    no site here can reach, it is as good as without bound."""
    per_s = wmin // seconds
    if per_s > _MOST:
        return _MOST * 60
    if per_s < -_MOST:
        return -_MOST * 60
    return per_s * 60 + wmin % seconds * 60 // seconds
