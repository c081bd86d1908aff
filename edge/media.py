"""Meters of water, heat, cold, gas and steam, as the park's indicators need them.

Each has a total that only grows, in a unit fine enough for years: l, Wh or kg. Once a quarter-hour,
with the energies (edge/energies.py), all of them make a row of a frame of their own: day and second
(UTC), then of each meter thousands of that unit, the rest, the age of the reading in s (-1: there
never was one), and how many readings or pulses were refused since the start. What the meters are
stands in the birth. Loaded only where a site has such meters.
"""

from array import array

from edge.compat import TYPE_CHECKING, const
from edge.energies import Energies
from edge.ticks import ticks_diff, ticks_ms
from edge.wire import msgpack
from edge.wire.batch import BatchEncoder

if TYPE_CHECKING:
    from typing import Any

MEDIA = const(11)  # kind of its frames
COLUMNS = const(4)  # of each meter
_FIELD_BYTES = const(7)  # of a row, at most
_AROUND_BYTES = const(64)  # of a batch
_BIRTH_BYTES = const(120)  # of each meter
_QUARTER_S = const(900)
_MOST = const(1 << 40)  # of its unit: 2^30 thousands
_OLD_S = const(1_000_000)  # an age is told up to here
_MASK = const((1 << 30) - 1)


class Meter:
    """One meter: `count` is what its device reads as `signal`, a name of its own, or the pulses of
    an input. Its reading is `offset` + `count` * `num` / `den`, rounded down, in its unit. As `age`
    the device says how old that was when it was read, s ("": it does not)."""

    def __init__(self, signal: str, num: int, den: int, offset: int, age: str = ""):
        self.SIGNALS = (signal, age)
        self._num, self._den, self._offset = num, den, offset
        self.count = 0
        self.stamp_ms = 0  # when that was so
        self.heard = False  # since the last row
        self.refused = 0
        self._age_s = -1
        self._before_s = 0  # how old the reading was when it was read

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading of its device; False when it is impossible or unknown."""
        if signal == self.SIGNALS[1]:
            self._before_s = value if value < _OLD_S else _OLD_S
            return True
        if signal != self.SIGNALS[0]:
            return False
        if not 0 <= value < _MOST:
            self.refused += 1
            return False
        self.count = value
        self.stamp_ms = stamp_ms
        self.heard = True
        return True

    def reading(self) -> int:
        """What it shows, in its unit."""
        return self._offset + self.count * self._num // self._den

    def shown(self) -> "int | None":
        """The same; None while it was never read."""
        return self.reading() if self.heard or self._age_s >= 0 else None

    def age_s(self, now_ms: int) -> int:
        """How old the reading is, asked once a quarter-hour: ticks tell no more than days."""
        if self.heard:
            self.heard = False
            old_ms = ticks_diff(now_ms, self.stamp_ms)
            self._age_s = (old_ms // 1000 if old_ms > 0 else 0) + self._before_s
        elif 0 <= self._age_s < _OLD_S:
            self._age_s += _QUARTER_S
        return self._age_s


class Media:
    """All meters of a site; `keys` are the image's table, see boards/site_media.py."""

    def __init__(self, keys: dict):
        self.meters = [Meter(*one) for one in keys["counts"]]
        self.pulses: Any = None
        self._told = keys["meters"]

    def births(self, birth):
        """The function that gives what `birth` gives, a kind and a map, with one more pair: what
        the meters are."""
        def whole():
            kind, data = birth()
            buf = bytearray(_BIRTH_BYTES * (len(self.meters) + 1))
            end = self._put(buf)
            return kind, bytes([data[0] + 1]) + data[1:] + bytes(memoryview(buf)[:end])

        return whole

    def _put(self, buf: bytearray) -> int:
        """Name, medium, use, unit, account, most an hour, where it turns to 0 (0: never), kJ a kg
        (0: not told)."""
        at = msgpack.put_array_head(buf, msgpack.put_str(buf, 0, "media"), len(self._told))
        for one in self._told:
            at = msgpack.put_array_head(buf, at, len(one))
            for value in one:
                at = msgpack.put_str(buf, at, value) if isinstance(value, str) \
                    else msgpack.put_int(buf, at, value)
        return at

    def tell(self, put) -> None:
        """What is so now, for people (edge/now.py)."""
        for number, meter in enumerate(self.meters):
            told = self._told[number]
            put(told[0].replace("-", "_") + "_" + told[3], meter.shown())

    def row(self, day: int, second: int, now_ms: int) -> "array[int]":
        """What they all show."""
        row = [day, second]
        for meter in self.meters:
            whole, rest = divmod(meter.reading(), 1000)
            row += [whole, rest, meter.age_s(now_ms), meter.refused & _MASK]
        return array("i", row)


class MediaEnergies(Energies):
    """The energies of a site with such meters, and behind each row of them one of the meters: whole
    frames, since an outbox has one that is open and no more."""

    def __init__(self, site, vital, birth):
        self._media = media = site.media
        super().__init__(site, vital, birth and media.births(birth))
        n = 2 + COLUMNS * len(media.meters)
        self._coder = BatchEncoder(n, _AROUND_BYTES + _FIELD_BYTES * n)
        self._row: Any = None  # that is not stored
        self._first = False  # the row of the energies is not stored either

    def step(self) -> None:
        """The inputs' counts are taken over; else as Energies."""
        if self._media.pulses is not None:
            self._media.pulses.step(ticks_ms())
        super().step()

    def drop(self) -> None:
        """After an internal fault."""
        super().drop()
        self._row = None

    def _tell(self) -> None:
        super()._tell()
        now = self._site.now
        self._row = self._media.row(now.day, now.second, now.row[2])
        self._first = True

    def _store(self) -> None:
        if self._first:
            super()._store()
            self._first = False
            self._waits = True  # for what follows
        if self._row is not None:
            if self._media.pulses is not None:
                self._media.pulses.save()  # before it is told: it is never taken back
            self._coder.reset()
            self._coder.add(self._row)
            self._vital.append(MEDIA, self._coder.buffer, self._coder.finish())
            self._row = None
        self._waits = False


def join(site, keys: dict, board):
    """Give a site its meters, before its devices and its way up are put together."""
    media = site.media = Media(keys)
    site.energies = MediaEnergies
    site.roles += media.meters
    site.live = getattr(site, "live", []) + [media.tell]
    try:
        if keys["pulses"]:
            media.pulses = __import__("edge.pulses", None, None, ("part",)).part(
                media.meters, keys["pulses"], board)
    except OSError as error:  # control goes on; what is not counted is never told
        print("parkedge: pulses:", error)
