"""When a generator is started, loaded, unloaded and stopped.

    REST     -> STARTING  wanted, ready, and at rest for `rest_s` (`pause_s` after a failed start)
    STARTING -> WARMING   it runs
    WARMING  -> LOADED    for `warm_s`
    LOADED   -> COOLING   not wanted after `run_s`, or below its least load for `low_s`
    COOLING  -> REST      for `cool_s`, without load; LOADED again when it is wanted after all
    others   -> REST      it did not start within `start_s`, or stopped by itself: a failed start
    others   -> LOCKED    the failed starts in a row reach `attempts`; only a restart unlocks

Running hours without load soot a diesel, and a start without rest ruins its starter: so `low_s`
ends even a wanted run, and every rest is held.
"""

from edge.compat import const

_REST = const(0)
_STARTING = const(1)
_WARMING = const(2)
_LOADED = const(3)
_COOLING = const(4)
_LOCKED = const(5)

_LONG_S = const(1_000_000)


class Genset:
    """`state` as above; `keys` are those of edge/rules/generator.py."""

    def __init__(self, keys: dict):
        self.state = _REST
        self.failures = 0  # starts in vain, in a row
        self._keys = keys
        self._in_s = _LONG_S  # in this state, s
        self._loaded_s = 0  # since it was loaded
        self._spared = False  # unloaded because it had too little load
        self._low_s = 0  # below its least load
        self._rest_s = keys["rest_s"]  # the rest that is due

    def follow(self, wanted: bool, running: bool, ready: bool, low: bool, span_s: int) -> int:
        """Take one beat: whether it is wanted, runs, may be started, and has less than its least
        load. Returns the state."""
        keys = self._keys
        state = self.state
        if self._in_s < _LONG_S:
            self._in_s += span_s
        self._low_s = self._low_s + span_s if low and state == _LOADED else 0
        if state == _REST:
            if wanted and ready and self._in_s >= self._rest_s:
                self._go(_STARTING)
        elif state == _STARTING:
            if running:
                self._go(_WARMING)
            elif not wanted:
                self._rest(keys["pause_s"])
            elif self._in_s >= keys["start_s"]:
                self._fail()
        elif state == _LOCKED:
            pass
        elif not running and state != _COOLING:
            self._fail()
        elif state == _WARMING:
            if self._in_s >= keys["warm_s"]:
                self._loaded_s = 0
                self._go(_LOADED)
        elif state == _LOADED:
            if self._loaded_s < _LONG_S:
                self._loaded_s += span_s
            if self._loaded_s >= keys["run_s"]:
                self.failures = 0  # that was a good start
            self._spared = self._low_s >= keys["low_s"]
            if self._spared or (not wanted and self._loaded_s >= keys["run_s"]):
                self._go(_COOLING)
        elif wanted and running and not self._spared:
            self._go(_LOADED)
        elif not running or self._in_s >= keys["cool_s"]:
            self._rest(keys["rest_s"])
        return self.state

    def _go(self, state: int):
        self.state = state
        self._in_s = 0
        self._low_s = 0

    def _rest(self, rest_s: int):
        self._rest_s = rest_s
        self._go(_REST)

    def _fail(self):
        self.failures += 1
        if self.failures >= self._keys["attempts"]:
            self._go(_LOCKED)
        else:
            self._rest(self._keys["pause_s"])
