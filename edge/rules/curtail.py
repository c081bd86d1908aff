"""Keep the export below a limit by limiting the PV inverter, once the battery takes all it can.

The most that the roof may give is load + allowed export + what the battery can take, all of the
same readings. It is a lease like the battery's setpoint (edge/devices/pv_limit.py): renewed each
beat while it is needed, and switched off by its driver, or by the inverter's own timer, when it is
not renewed any more.

Meter and inverter are never read at the same instant, and an inverter takes time to follow: after
each change of the limit the next one waits until both have been read later than `lag_ms` behind it.
Without that a limit would be answered by one reading that knows of it and one that does not.
"""

from edge.compat import const

ORDER = const(96)  # behind all others: the battery's bounds are as they will be
NEEDS = ("pv_w",)
FIELDS = (
    ("export_max_w", "W", 0, 8_000_000, None, "largest export; 0 = none"),
    ("rated_w", "W", 1, 8_000_000, None, "the inverter's rated power"),
    ("fallback_w", "W", 0, 8_000_000, 0, "the limit while grid meter or inverter are not read"),
    ("lag_ms", "ms", 0, 60_000, 3_000, "from the beat until the inverter follows a new limit; what "
     "is too short makes the limit swing"),
    ("step_w", "W", 1, 8_000_000, 1_000, "a limit is raised by no less"),
    ("release_s", "s", 0, 3600, 30, "the sun must have been below the limit for so long"),
)
_GRID_AND_PV = const(9)  # fresh, bits as in edge/snapshot.py
_STORE = const(2)
_FUTURE = const(1 << 29)
_TICKS = const((1 << 30) - 1)


class Roof:
    """The limit as a role: what edge/devices/pv_limit.py commands."""

    SIGNALS = ()
    NEEDS = ()
    limits_pv = True

    def __init__(self, rated_w: int, lease_ms: int):
        self.setpoint_w = rated_w
        self.setpoint_ms = 0
        self.lease_ms = lease_ms
        self.on = False  # whether the roof is limited

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """It reads nothing."""
        return False


def rule(by: int, keys: dict, site):
    """Narrow nothing: the battery has been told before what it can do about an export."""
    roof = Roof(keys["rated_w"], site.storage.lease_ms)
    site.roles.append(roof)
    law = Law(keys, roof)
    ramp = site.rule_names.index("ramp") if "ramp" in site.rule_names else -1

    def now_so(put):
        put("pv_limit_w", roof.setpoint_w if roof.on else None)

    site.live = getattr(site, "live", []) + [now_so]

    def narrow(now, envelope=site.envelope, follow=law.follow, ramp=ramp):
        lo_w = envelope.lo_w
        if envelope.lo_by == ramp:  # it can take more in a moment
            lo_w = -now.charge_max_w
        follow(now, lo_w)

    return narrow


class Law:
    """What the roof may give."""

    def __init__(self, keys: dict, roof):
        self._roof = roof
        self._export_w = keys["export_max_w"]
        self._rated_w = keys["rated_w"]
        self._fallback_w = keys["fallback_w"]
        self._lag_ms = keys["lag_ms"]
        self._step_w = keys["step_w"]
        self._release_s = keys["release_s"]
        self._waits = False  # for readings that show what became of the last change,
        self._changed_ms = 0  # which was then
        self._calm_s = 0

    def follow(self, now, lo_w: int):
        """Take the readings of a beat, and the least power of the battery, W."""
        roof, now_ms = self._roof, now.row[2]
        if now.flags & _GRID_AND_PV != _GRID_AND_PV:
            roof.on = True
            if roof.setpoint_w != self._fallback_w:
                self._limit(self._fallback_w, now_ms)
        else:
            net_w = now.net_w
            if not now.flags & _STORE:  # what the battery does is not known: as it is
                net_w, lo_w = now.grid_w, 0
            most_w = now.pv_w + net_w + self._export_w - lo_w
            if roof.on:
                self._hold(now, most_w, now_ms)
            elif most_w < now.pv_w:
                roof.on = True
                self._calm_s = 0
                self._limit(most_w, now_ms)
        if roof.on:
            roof.setpoint_ms = now_ms

    def _hold(self, now, most_w: int, now_ms: int):
        if self._waits:
            if not self._is_seen(now.grid_ms) or not self._is_seen(now.pv_ms):
                return
            self._waits = False
        limit_w = self._roof.setpoint_w
        if now.pv_w + self._step_w < limit_w or limit_w >= self._rated_w:
            self._calm_s += now.span_s
            if self._calm_s > self._release_s:
                self._roof.on = False
                return
        else:
            self._calm_s = 0
        if most_w < limit_w or most_w >= limit_w + self._step_w:
            self._limit(most_w, now_ms)

    def _is_seen(self, stamp_ms: int) -> bool:
        """Whether a reading shows what became of the last change."""
        return self._lag_ms <= (stamp_ms - self._changed_ms & _TICKS) < _FUTURE

    def _limit(self, w: int, now_ms: int):
        if w < 0:
            w = 0
        elif w > self._rated_w:
            w = self._rated_w
        if w != self._roof.setpoint_w:
            self._roof.setpoint_w = w
            self._changed_ms = now_ms
            self._waits = True
