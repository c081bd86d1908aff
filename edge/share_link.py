"""The link of a shared limit: each period one message of every gateway, for all, over MQTT.

On `parkedge/<park>/limit`, at QoS 0 and not retained: a lost one is made good by the next, and an
old one is worth nothing. MessagePack [1, group, at, number, spare_w, want_w, echo, loan_w, echo,
loan_w ..]: a pair for each gateway of the group, in the order of their names (see edge/share.py);
`group` is a check sum of all they must agree on. Whatever does not fit is counted and passed over.
"""

from edge.compat import TYPE_CHECKING, const
from edge.snapshot import FAULT, TRUSTED
from edge.ticks import ticks_diff
from edge.wire import msgpack

if TYPE_CHECKING:
    from typing import Any

_VERSION = const(1)
_HEAD = const(6)  # items of a message before the pairs
_BYTES_MAX = const(5)  # of an item
_W_MAX = const(16_000_000)
_TICKS = const((1 << 30) - 1)
_EASE = const(16)  # turns in which a load that has gone is forgotten


def link(site, client, park: str) -> "ShareLink":
    """The link of a site that has the rule `share`; without a client nobody is heard on it."""
    made = ShareLink(site.share, site)
    if client is not None:
        made.join(client, park)
    return made


class ShareLink:
    """Speaks for `share`, one turn each period; without a client there is nobody to speak to."""

    def __init__(self, share, site):
        self.share = share
        self.strange = 0  # messages that were not of this group, or not of this kind
        self._site = site
        self._client: Any = None
        self._topic = b""
        items = _HEAD + 2 * share.size
        self._items = [0] * items
        self._buf = bytearray(3 + _BYTES_MAX * items)
        self._reader = msgpack.Reader(len(self._buf))
        self._load_w = 0  # the load with its margin: at once when it rises, slowly when it falls
        self._turn_ms = -1

    def join(self, client, park: str) -> None:
        """Meet the others on a client that has not made its first step."""
        self._topic = ("parkedge/" + park + "/limit").encode()
        self._client = client
        client.subscribe(self._topic, self)

    def step(self, now_ms: int) -> int:
        """Take a turn when one is due; ms until the next."""
        period_ms = self.share.period_ms
        if self._turn_ms >= 0:
            gone_ms = ticks_diff(now_ms, self._turn_ms)
            if 0 <= gone_ms < period_ms:
                return period_ms - gone_ms
        self._turn_ms = now_ms
        now = self._site.now
        spare_w = want_w = 0
        if now.flags & (TRUSTED | FAULT) == TRUSTED:  # else it neither lends nor borrows
            spare_w, want_w = self._spare_w(now), self._want_w()
        self.share.next_turn(now_ms, spare_w, want_w, now.grid_w, now.grid_ms)
        if self._client is not None:
            self._client.publish(self._topic, self.message())
        return period_ms

    def _spare_w(self, now) -> int:
        load_w = (now.net_w if now.net_w > 0 else 0) + self.share.margin_w
        if load_w < self._load_w:
            load_w = self._load_w - (self._load_w - load_w + _EASE - 1) // _EASE
        self._load_w = load_w
        return self.share.safe_w - load_w

    def _want_w(self) -> int:
        """What the plan would charge with, as far as the battery can take it."""
        planner = self._site.planner
        want_w = planner.recharge_w
        if want_w < -planner.wish_w:
            want_w = -planner.wish_w
        if want_w > self.share.room_w:
            want_w = self.share.room_w
        return want_w if want_w > 0 else 0

    def message(self) -> bytes:
        """What the others should know as of this turn."""
        share, buf = self.share, self._buf
        at = msgpack.put_array_head(buf, 0, _HEAD + 2 * share.size)
        at = msgpack.put_int(buf, at, _VERSION)
        at = msgpack.put_int(buf, at, share.group)
        at = msgpack.put_int(buf, at, share.at)
        at = msgpack.put_int(buf, at, share.number)
        at = msgpack.put_int(buf, at, share.spares_w[share.at])
        at = msgpack.put_int(buf, at, share.wants_w[share.at])
        for k in range(share.size):
            at = msgpack.put_int(buf, at, share.heard[k])
            at = msgpack.put_int(buf, at, share.said_w[k])
        return bytes(memoryview(buf)[:at])

    def receive(self, buf: bytearray, start: int, end: int, now_ms: int) -> None:
        """Take the message of another one, whole or not at all."""
        reader, items, share = self._reader, self._items, self.share
        reader.start(buf, start, end)
        fits = reader.array() == len(items)
        for i in range(len(items)):
            items[i] = reader.integer()
        fits = reader.finish() == msgpack.OK and fits
        if not fits or items[0] != _VERSION or items[1] != share.group \
                or not 0 <= items[2] < share.size:
            self.strange += 1
            return
        if items[2] == share.at:  # its own comes back as well
            return
        pair = _HEAD + 2 * share.at
        echo, loan_w = items[pair], items[pair + 1]
        if not (0 <= items[3] <= _TICKS and -_W_MAX <= items[4] <= _W_MAX
                and 0 <= items[5] <= _W_MAX and -1 <= echo <= _TICKS and 0 <= loan_w <= _W_MAX):
            self.strange += 1
            return
        share.hear(items[2], items[3], items[4], items[5], echo, loan_w, now_ms)
