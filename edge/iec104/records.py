"""What became of every order of the dispatch centre: a frame each in the outbox.

Kind ORDER: MessagePack [1, day, second, outcome, value_w, held_s, reason, peer, unsaid]; day and
second are UTC, `unsaid` counts all since the start that no frame tells of. A flood leaves room for
what the outbox is for: so many at once, then one a minute, refusals apart from the others. They are
not signed: what stands behind them is what stands behind the way up, a seal or TLS.
"""

from edge.compat import const
from edge.quota import Quota
from edge.wire import msgpack

ORDER = const(10)  # kind of the frames
VERSION = const(1)
DONE = const(0)  # outcomes: a setpoint is in force,
REFUSED = const(1)  # is not,
LAPSED = const(2)  # nobody has renewed it,
TAKEN = const(3)  # control was taken,
RETURNED = const(4)  # and given back

_BYTES = const(128)
_WAITING = const(8)
_DONE_BURST = const(32)
_REFUSED_BURST = const(8)
_EVERY_MS = const(60_000)


class Records:
    """`outbox` None: there is no place to keep any."""

    def __init__(self, site, outbox):
        self.unsaid = self.errors = 0
        self._site = site
        self._outbox = outbox
        self._waiting: list[bytes] = []
        self._done = Quota(_DONE_BURST, _EVERY_MS)
        self._refused = Quota(_REFUSED_BURST, _EVERY_MS)

    def say(self, outcome: int, value_w: int, held_s: int, reason: str, peer: str,
            now_ms: int) -> None:
        """Note one; what finds no room is counted."""
        quota = self._refused if outcome == REFUSED else self._done
        if self._outbox is None or len(self._waiting) >= _WAITING or not quota.take(now_ms):
            self.unsaid += 1
            return
        buf = bytearray(_BYTES)
        at = msgpack.put_array_head(buf, 0, 9)
        now = self._site.now
        for number in (VERSION, now.day, now.second, outcome, value_w, held_s):
            at = msgpack.put_int(buf, at, number)
        at = msgpack.put_str(buf, at, reason)
        at = msgpack.put_str(buf, at, peer)
        at = msgpack.put_int(buf, at, self.unsaid)
        self._waiting.append(bytes(memoryview(buf)[:at]))

    def step(self) -> None:
        """Store what waits; what fails is tried again with the next step."""
        try:
            while self._waiting:
                self._outbox.append(ORDER, self._waiting[0], len(self._waiting[0]))
                self._waiting.pop(0)
        except OSError:
            self.errors += 1
