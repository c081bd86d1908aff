"""The points of an outstation: what each shows, how good that is, and whether it is news.

A value is what edge/now.py tells by that name, else the field of the journal, else a register of
the meters. It stands in the integer units of its name and is told divided by `per`.
"""

from edge.compat import TYPE_CHECKING, const
from edge.journal import FIELDS
from edge.now import Now
from edge.ticks import ticks_diff
from edge.wire.iec104 import IV, M_IT, M_SP, NT

if TYPE_CHECKING:
    from typing import Any

_FRESH = {"grid_w": "grid_fresh", "pv_w": "pv_fresh", "store_w": "store_fresh",
          "soc_pm": "soc_fresh", "demand_w": "grid_fresh", "net_w": "trusted",
          "charge_max_w": "store_fresh", "discharge_max_w": "store_fresh"}
_REGISTERS = {"meter_import_wh": "import_wh", "meter_export_wh": "export_wh",
              "store_charge_wh": "charge_wh", "store_discharge_wh": "discharge_wh"}
_LATE_BEATS = const(5)  # without a beat for so long, nothing is topical
_CARRY = const(0x20)  # in the sequence byte of a counter: it has turned over


class Point:
    """One information object. `quality` holds IV and NT; of a counter `value` is the frozen one
    and `quality` its sequence byte. `is_news`: not told yet, `day` and `ms` say since when."""

    def __init__(self, image: list):
        self.ioa, self.kind, self.per, self.deadband, self.name = image
        self.value = self.told = 0
        self.quality = IV | NT
        self.is_news = False
        self.day = self.ms = 0
        self.turns = 0

    def tell(self, value, quality: int) -> bool:
        """Take what it shows now; whether that is news."""
        if value is None:
            value, quality = self.value, quality | IV | NT
        elif self.kind == M_SP:
            value = 1 if value else 0
        was, self.value = self.quality, value
        self.quality = quality
        return quality != was or abs(value - self.told) > self.deadband

    def freeze(self, value, sequence: int) -> None:
        """Take the stand of a counter; `sequence` 0 .. 31 numbers the freezes."""
        quality = sequence
        if value is None:
            value, quality = self.value, quality | IV
        turns = value // self.per >> 31
        if turns != self.turns:
            quality |= _CARRY
        self.turns = turns
        self.value, self.quality = value, quality


class Points(Now):
    """All points of one site, those of one type one behind the other."""

    def __init__(self, site, image: dict):
        super().__init__(site, image)
        self.all = [Point(words) for words in image["iec104"]["points"]]
        self.counters = [point for point in self.all if point.kind == M_IT]
        self.measured = [point for point in self.all if point.kind != M_IT]
        self.by_ioa = {point.ioa: point for point in self.measured}
        self.is_frozen = False
        self._sequence = 0
        self._told: Any = {}
        self._beat_ms = -1

    def put(self, name: str, value) -> None:
        """Take what is so now by that name; of a text the journal may have a number."""
        if not isinstance(value, str):
            self._told[name] = value

    def look(self, now_ms: int, day: int, ms: int) -> None:
        """Take what is so now, at `ms` of `day`. Between two beats nothing is news."""
        site = self._site
        is_late = (site.fault is not None
                   or ticks_diff(now_ms, site.now.row[2]) > _LATE_BEATS * 1000 * site.beat_s)
        if site.now.row[2] == self._beat_ms and not is_late:
            return
        self._beat_ms = site.now.row[2]
        self._read(now_ms)
        for point in self.measured:
            fresh = _FRESH.get(point.name)
            quality = NT if fresh and not self._told[fresh] else 0
            if is_late and point.name != "fault":
                quality = NT
            before = point.value
            if point.tell(self._value(point.name), quality):
                if not point.is_news or point.value != before:
                    point.day, point.ms = day, ms
                point.is_news = True

    def freeze(self, now_ms: int) -> None:
        """Keep the stand of all counters, to be asked for."""
        self._read(now_ms)
        self.is_frozen = True
        for point in self.counters:
            point.freeze(self._value(point.name), self._sequence)
        self._sequence = (self._sequence + 1) & 31

    def renew(self, day: int, ms: int) -> None:
        """Take all for news: nobody knows what the last connection has brought home."""
        for point in self.measured:
            point.is_news, point.day, point.ms = True, day, ms

    def _read(self, now_ms: int) -> None:
        self._told.clear()
        self._tell(now_ms)
        for tell in getattr(self._site, "live", ()):
            tell(self.put)

    def _value(self, name: str):
        if name in self._told:
            return self._told[name]
        if name in FIELDS:
            return self._site.now.row[FIELDS.index(name)]
        if name not in _REGISTERS:
            return None  # another site's parts tell it
        parts = [self._site.grid_meter] if name[0] == "m" else self._site.fleet
        values = [getattr(part, _REGISTERS[name]) for part in parts]
        return None if min(values) < 0 else sum(values)
