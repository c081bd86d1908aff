"""What is so now: one JSON object for people and tools at the site. Nothing reads it back.

Numbers are integers with the unit last in their names, as everywhere: powers positive into the
busbar, prices in 1e-4 of the currency a kWh, `day` since 2000-01-01 UTC. What was never read, or
is not known to this site, is null: zero is not missing. It is made off the beat and takes heap.

Parts that know more add to it: each callable in the list `site.live`, where there is one, is
called with `put(name, value)`.
"""

from edge.compat import const
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
        for tell in getattr(self._site, "live", ()):
            tell(self.put)
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
    """How many internal faults there were beside the beat since the start; part of `site.live`."""

    def __init__(self, app):
        self._app = app

    def count(self) -> int:
        """Those of all tasks."""
        uplink = self._app.uplink
        inner = uplink.guards if uplink is not None else []
        return sum([guard.faults for guard in self._app.guards + inner])

    def tell(self, put) -> None:
        """Tell by `put`, as Now does."""
        put("faults", self.count())


def _bit(flags: int, bit: int) -> int:
    return 1 if flags & bit else 0
