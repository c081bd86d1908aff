"""Is the site on the grid, on its own, or on the way back?

    GRID    -> ISLAND   the switch is open
    ISLAND  -> RETURN   the grid has been healthy for `healthy_s`, or the switch is closed
    RETURN  -> ISLAND   the grid has failed again, with the switch open
    RETURN  -> GRID     closed for `settle_s` on a grid that has been healthy for `healthy_s`
    any     -> DOUBT    a signal is too old, or the meter contradicts the switch (`odd`)
    DOUBT   -> back     both have been well for `settle_s`: ISLAND when open, else where it came
                        from: GRID, or RETURN when that was not the grid

So a flapping switch or grid never brings the rules of the grid back before their time. Nothing is
known at the start, and the site is taken to have been on the grid.
"""

from edge.compat import const

_GRID = const(0)
_ISLAND = const(1)
_RETURN = const(2)
_DOUBT = const(3)

_LONG_S = const(1_000_000)  # counters stop here


class Mode:
    """`mode` now. `stale_holds` = 1: a signal too old leaves the mode as it is."""

    def __init__(self, healthy_s: int, settle_s: int, stale_holds: int):
        self.mode = _DOUBT
        self._from = _GRID
        self._healthy_s = healthy_s
        self._settle_s = settle_s
        self._holds = stale_holds
        self._ok_s = 0  # for how long the grid has been healthy,
        self._closed_s = 0  # the switch closed,
        self._sure_s = settle_s  # and the signals believed

    def follow(self, fresh: bool, islanded: int, grid_ok: int, odd: bool, span_s: int) -> int:
        """Take one beat of `span_s` with the signals as they stand; returns the mode."""
        self._ok_s = _longer(self._ok_s, span_s) if fresh and grid_ok else 0
        self._closed_s = _longer(self._closed_s, span_s) if fresh and not islanded else 0
        sure = fresh and not odd
        self._sure_s = _longer(self._sure_s, span_s) if sure else 0
        mode = self.mode
        if not sure:
            if mode != _DOUBT and (odd or not self._holds):
                self._from = mode
                mode = _DOUBT
        elif mode == _DOUBT:
            if self._sure_s >= self._settle_s:
                mode = _ISLAND if islanded else _GRID if self._from == _GRID else _RETURN
        elif islanded:
            if mode == _RETURN:
                if not grid_ok:
                    mode = _ISLAND
            elif mode == _GRID or self._ok_s < self._healthy_s:
                mode = _ISLAND
            else:
                mode = _RETURN
        elif mode != _GRID:
            ready = self._ok_s >= self._healthy_s and self._closed_s >= self._settle_s
            mode = _GRID if ready else _RETURN
        self.mode = mode
        return mode


def _longer(counted_s: int, span_s: int) -> int:
    return counted_s + span_s if counted_s < _LONG_S else counted_s
