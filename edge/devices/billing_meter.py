"""What a utility's own meter says of the demand it will bill, and of when its window turns.

Loaded only where a site has the rule `billing_meter`. All is noted as it is read; the beat looks at
it once a minute (edge/ledger/aligned.py). The window's turn is known twice: by the meter's clock,
whose quarter-hours it keeps, and by its register of the present demand, which falls when a period
ends and begins anew (in a sliding window: changes with every slip). Where both contradict each
other the register is right, because it is what is billed.
"""

from edge.compat import const
from edge.ledger.turns import Turns
from edge.ticks import ticks_add

_BLOCK_MS = const(900_000)
_SLIP_MS = const(60_000)
_MINUTES = const(15)
_TRUST = const(3)  # observations that agree, before one source is believed
_OFF_MAX_MS = const(15_000)  # less certain is not known
_DEMAND_MAX_W = const(8_000_000)

# How the window is placed.
WALL = const(0)  # by the gateway's clock: nothing is known of the meter's
UNLIKE = const(1)  # so, too: the meter's window is another than the site file says
CLOCK = const(2)
REGISTER = const(3)
WORDS = ("wall", "unlike", "clock", "register")


class BillingMeter:
    """`sliding` as in the site file. `heard_ms` is set by the driver before it hands on a block: a
    value was taken between its stamp and then."""

    SIGNALS = ("present_demand_w", "max_demand_w", "max_demand_at", "meter_clock_s",
               "demand_period_min", "demand_slip_min",
               "import_t1_wh", "import_t2_wh", "import_t3_wh", "import_t4_wh",
               "export_t1_wh", "export_t2_wh", "export_t3_wh", "export_t4_wh",
               "v_l1_mv", "v_l2_mv", "v_l3_mv", "i_l1_ma", "i_l2_ma", "i_l3_ma", "f_mhz")
    NEEDS = ("present_demand_w", "max_demand_w", "max_demand_at", "meter_clock_s")

    def __init__(self, sliding: int):
        self.heard_ms = 0
        self.values: dict = {}  # the newest of each signal, for people
        self.by_clock = Turns(_SLIP_MS if sliding else _BLOCK_MS)
        self.by_register = Turns(_SLIP_MS if sliding else _BLOCK_MS)
        self.maximum_w = -1  # the month's highest demand, read twice alike; -1: not yet
        self.maximum_at = -1  # when that was (edge/devices/bcd.py)
        self._read_w = self._read_at = -1  # as it was read last
        self._part_w = self._part_at = 0  # of the reading that is coming in, with their stamps
        self._part_w_ms = self._part_at_ms = -1
        self._sliding = sliding
        self._demand_w = 0
        self._demand_ms = -1  # when that was asked for; -1: never

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal not in self.SIGNALS:
            return False
        if signal == "present_demand_w":
            if not -_DEMAND_MAX_W <= value <= _DEMAND_MAX_W:
                return False
            self._note_demand(value, stamp_ms)
        elif value < 0:
            return False
        elif signal == "meter_clock_s":
            self._note_clock(value, stamp_ms)
        elif signal == "max_demand_w":
            if value > _DEMAND_MAX_W:
                return False
            self._part_w, self._part_w_ms = value, stamp_ms
        elif signal == "max_demand_at":
            self._part_at, self._part_at_ms = value, stamp_ms
        if signal in ("max_demand_w", "max_demand_at") and self._part_w_ms == self._part_at_ms:
            self._note_maximum(self._part_w, self._part_at)
        self.values[signal] = value
        return True

    def _note_clock(self, second: int, stamp_ms: int):
        """The meter's clock showed `second` at a moment within that second."""
        turns = self.by_clock
        behind_ms = second * 1000 % turns.period_ms
        turns.hear(ticks_add(stamp_ms, -behind_ms - 1000), ticks_add(self.heard_ms, -behind_ms))

    def _note_demand(self, demand_w: int, stamp_ms: int):
        """A change since the last reading: the window turned between both."""
        before_w, before_ms = self._demand_w, self._demand_ms
        self._demand_w, self._demand_ms = demand_w, stamp_ms
        if before_ms >= 0 and (demand_w < before_w
                                or (self._sliding and demand_w != before_w)):
            self.by_register.hear(before_ms, self.heard_ms)

    def _note_maximum(self, maximum_w: int, at: int):
        """What two readings agree upon is believed."""
        if maximum_w == self._read_w and at == self._read_at:
            self.maximum_w, self.maximum_at = maximum_w, at
        self._read_w, self._read_at = maximum_w, at

    def place(self, now_ms: int) -> int:
        """How it is known when the window turns: one of the words above."""
        values = self.values
        slip = values.get("demand_slip_min", 1 if self._sliding else _MINUTES) % _MINUTES
        if values.get("demand_period_min", _MINUTES) != _MINUTES or (slip == 0) == self._sliding:
            return UNLIKE
        clock, register = self.by_clock, self.by_register
        clock_ms, register_ms = _off_ms(clock, now_ms), _off_ms(register, now_ms)
        if register_ms < 0:
            return WALL if clock_ms < 0 else CLOCK
        both_ms = clock_ms + register_ms
        if clock_ms >= 0 and -both_ms <= register.apart(clock.at_ms) <= both_ms:
            return CLOCK  # they agree, and it is the finer one
        return REGISTER

    def turns(self, place: int) -> Turns:
        """What knows the turns where they are placed so."""
        return self.by_clock if place == CLOCK else self.by_register


def _off_ms(turns: Turns, now_ms: int) -> int:
    """How uncertain a source is, ms; -1: it is not believed."""
    off_ms = turns.off_at(now_ms)
    return off_ms if turns.trust >= _TRUST and off_ms <= _OFF_MAX_MS else -1
