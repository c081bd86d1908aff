"""The last check of a command while the site is on its own, with numbers for that case alone.

As in edge/gate.py nothing is shared with the rules: the switch is judged by its raw reading, and
while that is old or says closed, the gate of the grid decides. What it promises with the switch
open, for any command and any reading:
  - 0 W unless a generator runs: without one the converter forms the island, and takes no command;
  - a reading too old, or a converter not ready: 0 W;
  - never beyond the nameplate; an empty battery is not discharged, a full one not charged;
  - charging never lifts the generator above its most, discharging never pushes it below its least;
  - the magnitude grows by at most `step_max_w` a beat; falling back towards 0 W is always allowed.
"""

from edge.compat import const
from edge.island.roles import Generator, GridSwitch, role_of

_TICKS = const((1 << 30) - 1)
_FUTURE = const(1 << 29)  # as in edge/snapshot.py: a stamp a little ahead of the beat
_STALE = const(1)  # verdicts as in edge/gate.py; import and export are the generator's most, least
_NAMEPLATE = const(2)
_STATE_OF_CHARGE = const(3)
_IMPORT = const(4)
_EXPORT = const(5)
_STEP = const(6)


class IslandGate:
    """Nameplate numbers as entered from the cabinet doors, powers W; `grid` is the other gate."""

    def __init__(self, plate: dict, grid, site):
        self._plate = plate
        self._grid_w = grid.allow_w
        self._switch = role_of(site, GridSwitch).islanded
        generator = role_of(site, Generator)
        self._power = generator.power
        self._running = generator.running
        self._last_w = 0

    def allow_w(self, w: int, now) -> int:
        """The command that may go out instead of w; now.verdict says what cut it last."""
        islanded = self._switch
        if not (islanded.known and islanded.value and self._young(islanded, now)):
            self._last_w = 0
            return self._grid_w(w, now)
        self._grid_w(0, now)  # it begins at rest when the grid is back
        if w != 0:
            w = self._judged_w(w, now)
        self._last_w = w
        return w

    def _young(self, signal, now) -> bool:
        age_ms = now.row[2] - signal.ms & _TICKS
        return signal.known and (age_ms <= self._plate["age_max_ms"] or age_ms > _FUTURE)

    def _judged_w(self, w: int, now) -> int:
        plate = self._plate
        old = (now.store_age_ms > plate["age_max_ms"] or now.soc_age_ms > plate["soc_age_max_ms"]
               or not self._young(self._power, now) or not self._young(self._running, now))
        if old or not now.ready or not self._running.value:
            now.verdict = _STALE
            return 0
        idle_w = self._power.value + now.store_w  # what the generator carries without battery
        step_w = plate["step_max_w"]
        if w > 0:
            most_w = idle_w - plate["generator_min_w"]
            step_w += self._last_w if self._last_w > 0 else 0
            plate_w = plate["discharge_max_w"]
            over = now.soc_pm <= plate["soc_floor_pm"]
            cut = _EXPORT
            size_w = w
        else:
            most_w = plate["generator_max_w"] - idle_w
            step_w -= self._last_w if self._last_w < 0 else 0
            plate_w = plate["charge_max_w"]
            over = now.soc_pm >= plate["soc_ceiling_pm"]
            cut = _IMPORT
            size_w = -w
        if over:
            now.verdict = _STATE_OF_CHARGE
            return 0
        if size_w > plate_w:
            now.verdict = _NAMEPLATE
            size_w = plate_w
        if size_w > most_w:
            now.verdict = cut
            size_w = most_w if most_w > 0 else 0
        if size_w > step_w:
            now.verdict = _STEP
            size_w = step_w
        return size_w if w > 0 else -size_w
