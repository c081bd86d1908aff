"""Announced loads from the broker, for sites that have switched the topic on.

Message: MessagePack [1, day, slot, kind, confidence, until day, until slot, [kW, ...]] on
`parkedge/<park>/<gateway>/announce`, with the meaning of Announced.announce
(edge/plan/announced.py). It carries no signature: whoever may publish to the topic is believed, as
far as the bound on harm allows (edge/plan/foresight.py).
"""

from edge.compat import const
from edge.wire import msgpack

_VERSION = const(1)
_ITEMS = const(8)
_BYTES = const(512)  # the largest message
_LOADS = const(96)
_KW_MAX = const(8000)  # what the beat's arithmetic is proven for


class Announcements:
    """`announce` is Announced.announce. `strange`: messages that are none; `reason`: what became
    of the last one, -1: strange."""

    def __init__(self, announce):
        self._announce = announce
        self._reader = msgpack.Reader(_BYTES)
        self.strange = self.taken = 0
        self.reason = -1

    def receive(self, buf, start: int, end: int, now_ms: int) -> None:
        """Take one message; all of it or nothing."""
        reader = self._reader
        reader.start(buf, start, end)
        fits = reader.array() == _ITEMS and reader.integer() == _VERSION
        day, slot, kind, sure_pm = (reader.integer(), reader.integer(), reader.integer(),
                                    reader.integer())
        until_day, until_slot, count = reader.integer(), reader.integer(), reader.array()
        fits = fits and count <= _LOADS and _is_slot(day, slot) and _is_slot(until_day, until_slot)
        loads_w: list[int] = []
        while fits and len(loads_w) < count:
            kw = reader.integer()
            fits = -_KW_MAX <= kw <= _KW_MAX
            loads_w.append(kw * 1000)
        if not fits or reader.finish() != msgpack.OK:
            self.strange += 1
            self.reason = -1
            return
        self.reason = self._announce(day, slot, loads_w, kind, sure_pm, until_day, until_slot)
        self.taken += 1


def _is_slot(day: int, slot: int) -> bool:
    """Whether there may be such a slot, and its number stays inside 31 bits."""
    return 0 <= day < 1_000_000 and 0 <= slot < 96
