"""Whether a battery's own word on its state of charge can be true.

A BMS that restarts shows 0 or 500 for a while; one that has hung shows the last value for ever, and
a battery driven by it ends at a cell limit. Power tells: a state of charge moves no faster than
power can move it, and it does move where power flows. Capacities are only known roughly, so both
are judged with wide margins.
"""

from edge.compat import const

_TICKS = const((1 << 30) - 1)
_JUMP_PM = const(50)  # what a BMS may correct itself by, at once
_JUDGE_PM = const(100)  # so much energy must have flowed before its silence about it is held against
_WAKES_PM = const(20)  # it; and so much it must move by to be believed again
_LONGEST_MS = const(60_000)  # of a power reading, to count as energy


class Doubt:
    """Follows one battery. `lies`: energy has flowed and the state of charge tells of none."""

    def __init__(self, capacity_wh: int, power_w: int, age_max_ms: int):
        self.lies = False
        self._pm_ws = capacity_wh * 18 // 5  # energy of one per mille
        self._minute_pm = power_w * 60 // self._pm_ws + 1  # what a minute can move
        self._age_max_ms = age_max_ms
        self._soc_pm = -1  # as of the last judgement; -1: none yet
        self._moved_pm = 0  # what it should have fallen by since, as far as whole per mille go
        self._moved_ws = 0

    def flow(self, w: int, for_ms: int):
        """The battery has given w for so long."""
        if for_ms > _LONGEST_MS:
            for_ms = _LONGEST_MS
        ws = self._moved_ws + w // 10 * (for_ms // 100)
        pm = ws // self._pm_ws
        self._moved_pm += pm
        self._moved_ws = ws - pm * self._pm_ws

    def jumps(self, by_pm: int, in_ms: int) -> bool:
        """Whether no power could have moved it so far. When the last value that was believed has
        grown stale the battery rests, and the new one is taken for the truth."""
        if in_ms > self._age_max_ms:
            return False
        most_pm = _JUMP_PM + (in_ms // 60_000 + 1) * self._minute_pm
        return by_pm > most_pm or by_pm < -most_pm

    def judge(self, soc_pm: int):
        """Hold a new value against what has flowed."""
        fell_pm = self._soc_pm - soc_pm
        moved_pm = self._moved_pm
        if self.lies:
            if -_WAKES_PM < fell_pm < _WAKES_PM:
                return
            self.lies = False
        elif self._soc_pm >= 0:
            if -_JUDGE_PM < moved_pm < _JUDGE_PM:
                return
            if moved_pm < 0:
                fell_pm, moved_pm = -fell_pm, -moved_pm
            self.lies = fell_pm * 4 < moved_pm
        self._soc_pm = soc_pm
        self._moved_pm = self._moved_ws = 0
