"""Believe no grid meter that contradicts the battery's own steps, or the first law."""

from edge.compat import const

ORDER = const(21)
FIELDS = (
    ("step_w", "W", 0, 8_000_000, 0, "a step of the battery that the meter must show; 0 = a fifth "
     "of what it can discharge"),
    ("tolerance_w", "W", 0, 8_000_000, 20_000, "how far below nothing a load may seem to be"),
    ("unmetered_w", "W", 0, 8_000_000, 0, "the most that generation without a meter may give"),
    ("grid_max_w", "W", 1, 8_000_000, 8_000_000, "more than the connection can carry, either way: "
     "no such reading is taken"),
    ("hold_s", "s", 10, 86_400, 300, "rest for so long unless the meter shows a step meanwhile; a "
     "fifth of it after the first that it did not show, which may be chance"),
    ("fallback_w", "W", -8_000_000, 8_000_000, 0, "battery power meanwhile; 0 is the safe choice"),
)
_BOTH_FRESH = const(3)  # bits as in edge/snapshot.py: grid and battery power
_PV_FRESH = const(8)
_ODD_BEATS = const(2)  # with an impossible load
_AFTER_MS = const(500)  # a meter must have had so long to show what the battery has done
_EVENT_MS = const(6_000)  # in a longer time a load moves as much as a battery that follows it
_FUTURE = const(1 << 29)
_TICKS = const((1 << 30) - 1)


def rule(by: int, keys: dict, site):
    """A meter that does not show the battery's steps, shows them the wrong way round, or a load
    that gives power, is not believed: somebody speaks in its place, it stands still, or it is
    wired the other way. Coming to rest is a step itself: a meter that shows it is believed again
    at once."""
    doubts = Witness(keys, site.battery).doubts
    site.grid_meter.take = _within(site.grid_meter.take, keys["grid_max_w"])

    def narrow(now, by=by, exactly=site.envelope.exactly, doubts=doubts,
               fallback_w=keys["fallback_w"]):
        if doubts(now):
            exactly(fallback_w, by)

    return narrow


def _within(take, most_w: int):
    def within(signal: str, value: int, stamp_ms: int) -> bool:
        if signal == "grid_w" and not -most_w <= value <= most_w:
            return False
        return take(signal, value, stamp_ms)

    return within


class Witness:
    """Holds the grid meter against the battery's converter, a second instrument on the same
    busbar: where the load does not change, dP_grid = -dP_battery."""

    def __init__(self, keys: dict, battery: dict):
        self._step_w = keys["step_w"] or battery["discharge_max_w"] // 5
        charge_w, discharge_w = battery["charge_max_w"], battery["discharge_max_w"]
        self._most_w = (charge_w if charge_w > discharge_w else discharge_w) // 4 * 5
        self._least_w = -keys["tolerance_w"] - keys["unmetered_w"]
        self._hold_s = keys["hold_s"]
        self._left_s = 0  # of the rest
        self._suspect = False  # the last step was not shown either
        self._odd = 0  # beats in a row in which the load was impossible
        self._known = False  # whether there is anything to compare with
        self._moved = False
        self._moved_ms = 0
        self._last_w = 0
        self._store_w = self._low_w = self._high_w = 0  # when the battery last stood still: its
        self._from_ms = 0  # power, the load, and their moment

    def doubts(self, now) -> bool:
        """Take the readings of a beat; whether the meter is doubted."""
        left_s = self._left_s - now.span_s
        self._left_s = left_s if left_s > 0 else 0
        if now.flags & _BOTH_FRESH != _BOTH_FRESH:
            self._known = False  # another rule's matter; begin anew
            self._odd = 0
            return self._left_s > 0
        if self._is_odd(now):
            self._odd += 1
            if self._odd >= _ODD_BEATS:
                self._odd = _ODD_BEATS
                self._left_s = self._hold_s
        else:
            self._odd = 0
        self._compare(now)
        return self._left_s > 0

    def _is_odd(self, now) -> bool:
        """Whether the load would give power, or the battery beyond what it can."""
        if now.store_w > self._most_w or now.store_w < -self._most_w:
            return True
        if now.known & ~now.flags & _PV_FRESH:
            return False  # nobody knows what the sun gives
        return now.high_w + now.pv_w < self._least_w

    def _compare(self, now):
        """Look at the load once the battery has moved and stands still again."""
        store_w = now.store_w
        moved_w = store_w - self._last_w
        self._last_w = store_w
        moment_ms, newest_ms = now.grid_ms, now.store_ms
        if (newest_ms - moment_ms & _TICKS) >= _FUTURE:  # the load is of the older one's moment
            moment_ms, newest_ms = newest_ms, moment_ms
        if not self._known:  # nobody knows whether it stands still: as if it had just moved
            self._known = self._moved = True
            self._moved_ms = newest_ms
            self._from_ms = moment_ms - _EVENT_MS - 1 & _TICKS  # too long ago to be judged by
            return
        if moved_w * 8 > self._step_w or moved_w * -8 > self._step_w:
            self._moved = True
            self._moved_ms = now.store_ms
            return
        if self._moved:
            waited_ms = moment_ms - self._moved_ms & _TICKS
            if waited_ms < _AFTER_MS or waited_ms >= _FUTURE:
                return  # the meter may not have seen it yet
            self._moved = False
            if (moment_ms - self._from_ms & _TICKS) <= _EVENT_MS:
                self._judge(store_w - self._store_w, now.low_w - self._high_w,
                            now.high_w - self._low_w)
        self._store_w = store_w
        self._low_w = now.low_w
        self._high_w = now.high_w
        self._from_ms = moment_ms

    def _judge(self, step_w: int, least_w: int, most_w: int):
        """A step of the battery, and how far the load seems to have moved with it, at least and at
        most: what the meter does not show of the step."""
        if step_w < 0:
            step_w, least_w = -step_w, -most_w
        if step_w < self._step_w:
            return
        hidden = least_w > step_w // 4 * 3
        if not hidden:
            self._left_s = 0
        elif self._suspect:
            self._left_s = self._hold_s
        elif self._left_s < self._hold_s // 5:
            self._left_s = self._hold_s // 5
        self._suspect = hidden
