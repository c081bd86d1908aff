"""What is so now: one JSON object for people and tools at the site. Nothing reads it back.

Numbers are integers with the unit last in their names, as everywhere: powers positive into the
busbar, prices in 1e-4 of the currency a kWh, `day` since 2000-01-01 UTC. What was never read, or
is not known to this site, is null: zero is not missing. It is made off the beat and takes heap.

Parts that know more add to it: each callable in the list `site.live`, where there is one, is
called with `put(name, value)`.
"""

from edge.compat import const
from edge.guard import Guard, tell
from edge.snapshot import (
    CLOCK_OK,
    FAULT,
    GRID_FRESH,
    PV_FRESH,
    SOC_FRESH,
    STORE_FRESH,
    TRUSTED,
)
from edge.ticks import ticks_diff

BYTES = const(1024)  # the longest object: everything at its widest, and 300 for other parts

_DEMAND_W = const(24)  # of edge.journal.FIELDS, folded into the bytecode
_PEAK_W = const(25)
_LOOK_MS = const(1000)
_TELL_MS = const(600_000)
_TARGET_MAX_W = const(8_000_000)  # as edge/rules/demand.py holds at most


class Now:
    """Tells of one site; `image` is what it was made from."""

    def __init__(self, site, image: dict):
        self._site = site
        self._park = image["site"]["park"]
        self._gateway = image["site"]["gateway"]
        self._currency = image["tariff"]["currency"]
        self._no_target_w = site.planner.target_w  # while nothing is known: there is none
        if self._no_target_w > _TARGET_MAX_W:
            self._no_target_w = _TARGET_MAX_W
        self._buf = bytearray(0)
        self._at = self._end = 0
        self.cut = 0  # pairs that found no room

    def write(self, buf: bytearray, start: int, now_ms: int) -> int:
        """Write the object to `buf` from `start` on, at most BYTES; returns where it ends."""
        self._buf = buf
        self._at = start
        self._end = start + BYTES
        self._tell(now_ms)
        for part in getattr(self._site, "live", ()):
            part(self.put)
        buf[start] = 123  # { in the place of the first comma
        buf[self._at] = 125  # }
        return self._at + 1

    def put(self, name: str, value) -> None:
        """Add an integer, None for what is not known, or a name of a-z, 0-9, - and _."""
        text = ',"%s":null' if value is None else ',"%s":"%s"' if isinstance(value, str) \
            else ',"%s":%d'
        data = (text % (name if value is None else (name, value))).encode()
        at = self._at
        if at + len(data) >= self._end:
            self.cut += 1
            return
        self._buf[at:at + len(data)] = data
        self._at = at + len(data)

    def _tell(self, now_ms: int) -> None:
        site, now, put = self._site, self._site.now, self.put
        flags = now.flags
        put("park", self._park)
        put("gateway", self._gateway)
        put("day", now.day)
        put("second", now.second)
        put("clock_set", _bit(flags, CLOCK_OK))
        put("beat_s", site.beat_s)
        put("beat_age_ms", ticks_diff(now_ms, now.row[2]))
        put("fault", _bit(flags, FAULT))
        put("trusted", 1 if flags & (TRUSTED | FAULT) == TRUSTED else 0)
        self._reading("grid", "grid_w", now.grid_w, now.grid_ms, GRID_FRESH, now_ms)
        self._reading("pv", "pv_w", now.pv_w, now.pv_ms, PV_FRESH, now_ms)
        self._reading("store", "store_w", now.store_w, now.store_ms, STORE_FRESH, now_ms)
        self._reading("soc", "soc_pm", now.soc_pm, now.soc_ms, SOC_FRESH, now_ms)
        put("load_w", self._load_w())
        self._decided()
        target_w = now.target_w
        held = target_w != 0 and target_w != self._no_target_w
        put("target_w", target_w if held else None)
        put("hold_w", now.hold_w if held else None)
        put("left_s", now.left_s if held else None)
        put("demand_w", now.row[_DEMAND_W])
        put("peak_w", now.row[_PEAK_W])
        put("price_e4", now.price_e4)
        put("currency", self._currency)

    def _reading(self, what: str, name: str, value: int, ms: int, bit: int, now_ms: int) -> None:
        known = self._site.now.known & bit
        age_ms = ticks_diff(now_ms, ms)
        self.put(name, value if known else None)
        self.put(what + "_age_ms", (age_ms if age_ms > 0 else 0) if known else None)
        self.put(what + "_fresh", _bit(self._site.now.flags, bit))

    def _load_w(self):
        """What the park's consumers draw: net load and PV; None while a part is not fresh."""
        now = self._site.now
        pv = now.known & PV_FRESH  # a site without PV never reads any
        needed = GRID_FRESH | STORE_FRESH | pv
        if now.flags & needed != needed:
            return None
        return now.net_w + now.pv_w if pv else now.net_w

    def _decided(self) -> None:
        """What may be commanded, who said so, and who had the last word; nobody: null."""
        envelope, names, put = self._site.envelope, self._site.rule_names, self.put
        lo_w, hi_w = envelope.lo_w, envelope.hi_w
        by = None
        if not self._site.now.flags & FAULT:
            if lo_w > 0 or lo_w == hi_w:
                by = names[envelope.lo_by]
            elif hi_w < 0:
                by = names[envelope.hi_by]
        put("command_w", self._site.now.command_w)
        put("by", by)
        put("lo_w", lo_w)
        put("lo_by", names[envelope.lo_by])
        put("hi_w", hi_w)
        put("hi_by", names[envelope.hi_by])
        put("gate", self._site.now.verdict)


class Faults:
    """What went wrong beside the beat since the start: internal faults, and setpoints that another
    master wrote over ours. Tells both as a part of `site.live`, and the cloud of each device that
    is written by somebody else, once in ten minutes."""

    def __init__(self, app):
        self._app = app
        self._drivers = [driver for bus in app.buses for driver in bus.drivers]
        self._seen = [0] * len(self._drivers)
        self._told_ms = [-1] * len(self._drivers)

    def count(self) -> int:
        """The internal faults of all tasks."""
        uplink = self._app.uplink
        inner = uplink.guards if uplink is not None else []
        return sum([guard.faults for guard in self._app.guards + inner])

    def overwritten(self) -> int:
        """How often a setpoint was found that nobody here wrote."""
        return sum([_changed(driver) for driver in self._drivers])

    def tell(self, put) -> None:
        """Tell by `put`, as Now does."""
        put("faults", self.count())
        put("overwritten", self.overwritten())

    def step(self, now_ms: int) -> int:
        """Look for setpoints of others; ms until the next look."""
        for number, driver in enumerate(self._drivers):
            changed, told_ms = _changed(driver), self._told_ms[number]
            if changed == self._seen[number] \
                    or (told_ms >= 0 and 0 <= ticks_diff(now_ms, told_ms) < _TELL_MS):
                continue
            if changed < self._seen[number] or \
                    tell(self._app.outbox, "%s: another master wrote" % driver.name):
                self._seen[number] = changed
            self._told_ms[number] = now_ms
        return _LOOK_MS


def _changed(driver) -> int:
    lease = getattr(driver, "lease", None)  # a device that is searched for has one when it is found
    return lease.changed if lease else 0


def watch(app) -> None:
    """Let a whole gateway (edge/app.py) tell what goes wrong beside its beat."""
    faults = Faults(app)
    app.site.live = list(getattr(app.site, "live", ())) + [faults.tell]
    app.guards.append(Guard("rivals", faults.step, None, app.outbox))


def _bit(flags: int, bit: int) -> int:
    return 1 if flags & bit else 0
