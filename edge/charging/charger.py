"""One charger of electric vehicles: what it draws, what it may draw, and the limit it is told.

As in edge/devices/roles.py a driver hands over one signal at a time through `take`. Currents mA a
phase, powers W, and here what is drawn is positive.
"""

from array import array

from edge.compat import const

_MOST_MA = const(300_000)  # beyond these the beat's 31-bit arithmetic is not proven
_MOST_W = const(1_000_000)
_CARRIES_MA = const(1000)  # a phase with less is taken to carry none,
_CHARGES_MA = const(4000)  # where another one has so much: a vehicle that ends lets go unevenly
_FUTURE = const(1 << 29)  # as in edge/snapshot.py
_TICKS = const((1 << 30) - 1)


class Charger:
    """It hangs on `phase` 1 .. 3 alone, or on all of them (0); `keys` are those of
    edge/rules/charging.py. `setpoint_w` is the limit a phase in mA, 0 to pause; like a battery's it
    is a lease: a driver may keep it alive for `lease_ms` after `setpoint_ms`."""

    SIGNALS = ("charger_w", "i_l1_ma", "i_l2_ma", "i_l3_ma", "plugged", "charger_max_ma",
               "import_wh")
    NEEDS = ("plugged",)

    def __init__(self, phase: int, keys: dict):
        self.setpoint_w = self.setpoint_ms = 0
        self.lease_ms = keys["lease_ms"]
        self.asks: list = [1]  # what `plugged` reads while a car asks for current
        self.plugged = False
        self.charger_max_ma = _MOST_MA
        self.import_wh = -1  # of its register; -1: never read
        self.drawn_w = 0  # as its power or its currents say
        self.i_ma = array("i", [0] * 3)
        self.known = False  # whether power or currents were ever read
        self.ms = 0  # when they were
        self.ways = 1 if phase else 3  # phases that carry its current
        self._all_ways = self.ways
        self._measured = False  # it has a power of its own
        self._voltage_v = keys["voltage_v"]

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal == "charger_w":
            if not -_MOST_W <= value <= _MOST_W:
                return False
            self._measured = True
            self.drawn_w = -value if value < 0 else 0
        elif signal == "plugged":
            self.plugged = value in self.asks
            if not self.plugged:
                self.ways = self._all_ways  # the next vehicle may be on all phases
            return True
        elif value < 0:
            return False
        elif signal == "import_wh":
            self.import_wh = value
            return True
        elif value > _MOST_MA:
            return False
        elif signal == "charger_max_ma":
            self.charger_max_ma = value
            return True
        elif signal in self.SIGNALS:
            self._current(self.SIGNALS.index(signal) - 1, value)
        else:
            return False
        self.ms = stamp_ms
        self.known = True
        return True

    def fresh(self, now_ms: int, max_ms: int) -> bool:
        """Whether what it draws was read no more than max_ms ago; counts the phases it is on,
        which are its vehicle's as long as that stays."""
        i_ma = self.i_ma
        if i_ma[0] > _CHARGES_MA or i_ma[1] > _CHARGES_MA or i_ma[2] > _CHARGES_MA:
            ways = (i_ma[0] > _CARRIES_MA) + (i_ma[1] > _CARRIES_MA) + (i_ma[2] > _CARRIES_MA)
            self.ways = ways if ways < self._all_ways else self._all_ways
        age_ms = now_ms - self.ms & _TICKS
        if self.known and max_ms < age_ms < _FUTURE:
            self.known = False  # ticks come round: what was stale never looks new again
        return self.known

    def _current(self, k: int, ma: int):
        i_ma = self.i_ma
        i_ma[k] = ma
        if not self._measured:
            self.drawn_w = (i_ma[0] + i_ma[1] + i_ma[2]) * self._voltage_v // 1000


class Chargers:
    """All of a site's, most important first; a driver takes its own from the list."""

    SIGNALS = ()
    NEEDS = ()

    def __init__(self, chargers: list):
        self.chargers = chargers
