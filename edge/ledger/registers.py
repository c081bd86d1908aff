"""Energy from a meter's register, whatever happens to the meter.

The register is the master: over a quarter-hour its difference is the energy, and the powers
measured meanwhile only tell in which minutes. A register that cannot be read is replaced by those
powers; when it is back, what was booked in its place is taken off again.
"""

from edge.compat import const

READ = const(0)
SUBSTITUTE = const(1)  # not read: energy from powers
REPLACED = const(2)  # leaps: another meter, one that was set, or the first reading; from powers
_QUARTERS = const(96)


class MeterRegister:
    """One gross register: a count is `count_wh` Wh, and after `modulus` counts it begins again at
    0. More than `most_wh` in a quarter-hour (the line's rating) is not energy.

    `wh`: what the register shows or, after a substitute, would show, Wh. It moves by exactly what
    `take` returns, except at the first reading and where a meter was replaced. `ahead_wh`: how far
    substitutes may have led it beyond the true register.
    """

    def __init__(self, count_wh: int, modulus: int, most_wh: int):
        self.count_wh = count_wh
        self._turn_wh = count_wh * modulus
        self._most_wh = most_wh
        self.wh = self.ahead_wh = 0
        self._opened = False
        self._quarters = 0  # since the last reading
        self.state = READ

    def resume(self, wh: int, unread):
        """Go on after a restart from what the last leaf tells. For how long a register had not
        been read is not told: a day is taken."""
        self.wh = wh
        self._opened = True
        if unread:
            self._quarters = _QUARTERS

    def take(self, reading: int, quarters: int, powers_wh: int) -> int:
        """The energy since the last call, Wh, never below 0: `quarters` quarter-hours ended with
        `reading` (counts; below 0: not read), and powers say it was `powers_wh`."""
        turn_wh, before_wh = self._turn_wh, self.wh
        self._quarters += quarters
        if reading < 0:
            self.state = SUBSTITUTE
            self.wh = (before_wh + powers_wh) % turn_wh
            self.ahead_wh += powers_wh
            return powers_wh
        now_wh = reading * self.count_wh % turn_wh
        energy_wh = (now_wh - before_wh) % turn_wh
        if not self._opened:  # the first reading only opens the account
            self._opened = True
            self.state = REPLACED
            energy_wh = powers_wh
        elif energy_wh <= self._most_wh * self._quarters:
            self.state = READ
        elif turn_wh - energy_wh <= self.ahead_wh:  # the substitute was too much: wait for it
            self.state = READ
            self.ahead_wh = turn_wh - energy_wh
            self._quarters = 0
            return 0
        else:
            self.state = REPLACED
            energy_wh = powers_wh
        self.wh = now_wh
        self.ahead_wh = self._quarters = 0
        return energy_wh
