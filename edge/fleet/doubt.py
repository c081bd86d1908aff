"""Whether a battery's own word on its state of charge can be true.

A BMS that restarts shows 0 or 500 for a while; one that has hung shows the last value for ever, and
a battery that is driven by it ends at a cell limit. Power tells: a state of charge moves no faster
than power can move it, and it does move where power flows one way. Capacities are only roughly
known, and losses never, so both are judged with wide margins.
"""

from edge.compat import const

_JUMP_PM = const(50)  # what a BMS may correct itself by, at once
_FLOWED_PM = const(100)  # when so much energy has flowed one way,
_MOVED_PM = const(20)  # the state of charge must have moved so much
_HOUR_MS = const(3_600_000)  # in which half of what has flowed is forgotten: losses add up
_LONGEST_MS = const(60_000)  # of a power reading, to count as energy


class Doubt:
    """Follows one battery. `lies`: energy has flowed and the state of charge tells of none; until
    it moves again."""

    def __init__(self, capacity_wh: int, power_w: int, age_max_ms: int):
        self.lies = False
        self._pm_ws = capacity_wh * 18 // 5  # energy of one per mille
        self._minute_pm = power_w * 60 // self._pm_ws + 1  # what a minute can move
        self._age_max_ms = age_max_ms
        self._soc_pm = -1  # where it stood when what has flowed was nothing; -1: not known yet
        self._flowed_pm = 0
        self._rest_ws = 0
        self._hour_ms = 0

    def flow(self, w: int, for_ms: int):
        """The battery has given w (taken, below 0) for so long."""
        if for_ms > _LONGEST_MS:
            for_ms = _LONGEST_MS
        ws = self._rest_ws + w // 10 * (for_ms // 100)
        pm = ws // self._pm_ws
        self._flowed_pm += pm
        self._rest_ws = ws - pm * self._pm_ws
        self._hour_ms += for_ms
        if self._hour_ms >= _HOUR_MS:
            self._hour_ms = 0
            self._flowed_pm //= 2

    def jumps(self, by_pm: int, in_ms: int) -> bool:
        """Whether no power could have moved it so far. With the last value that was believed grown
        stale the battery rests; after as long again the new one is taken for the truth."""
        if in_ms > 2 * self._age_max_ms:
            return False
        most_pm = _JUMP_PM + (in_ms // 60_000 + 1) * self._minute_pm
        return by_pm > most_pm or by_pm < -most_pm

    def judge(self, soc_pm: int):
        """Hold a new value against what has flowed."""
        moved_pm = soc_pm - self._soc_pm
        if self._soc_pm < 0 or moved_pm >= _MOVED_PM or moved_pm <= -_MOVED_PM:
            self.lies = False
            self._soc_pm = soc_pm
            self._flowed_pm = 0
        elif self._flowed_pm >= _FLOWED_PM or self._flowed_pm <= -_FLOWED_PM:
            self.lies = True
