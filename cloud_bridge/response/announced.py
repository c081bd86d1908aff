"""A response as an event of a gateway, and what a gateway says of its events."""

import datetime
from binascii import crc32
from collections.abc import Sequence
from typing import NamedTuple

import msgpack

from cloud_bridge.batches import BadMessage
from cloud_bridge.response.targets import Interval
from edge.response import agenda, engine, event

_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_BYTES = 64
_LAST_DAY = 36_525


class Announced(NamedTuple):
    """One revision of an event; times are UTC seconds since 1970. No intervals: it is called off.
    `name` is its programme's; a gateway knows a number that is made from it."""

    name: str
    rev: int
    start_utc: int
    issued_utc: int
    reply_w: int = 0
    priority: int = 100  # a lower number is more important
    flags: int = 0
    hush_min: int = 0
    intervals: Sequence[Interval] = ()

    def arguments(self) -> tuple[object, ...]:
        """What its command carries (edge/response/event.py)."""
        return (1, number(self.name), self.rev, self.priority, self.flags, _minute(self.issued_utc),
                _minute(self.start_utc), self.reply_w, self.hush_min,
                [part for interval in self.intervals for part in interval])


class Said(NamedTuple):
    """A change that a gateway tells of."""

    number: int
    rev: int
    phase: str
    reason: str
    utc: str
    soc_pm: int
    untold: int  # since the gateway's start, of which nothing tells


def number(name: str) -> int:
    """The number by which a gateway knows an event: 30 bits of the name's CRC-32, never 0."""
    return crc32(name.encode()) & event.LAST_ID or 1


def decode(body: bytes) -> Said:
    """The body of a frame of kind RESPONSE; BadMessage when it is none."""
    try:
        found = msgpack.unpackb(body) if len(body) <= _BYTES else None
    except (ValueError, msgpack.UnpackException) as error:
        raise BadMessage(f"response: {error or 'not MessagePack'}") from None
    kinds = [int, int, int, int, str, int, int, int, int]
    if not isinstance(found, list) or list(map(type, found)) != kinds or found[0] != 1:
        raise BadMessage("response: not of version 1 of 9 items")
    _, named, rev, phase, reason, day, second, soc_pm, untold = found
    fits = 0 < phase < len(agenda.PHASES) and 0 <= day <= _LAST_DAY and 0 <= second < 86_400
    if not fits or not reason.isprintable():
        raise BadMessage("response: found what no gateway says")
    at = _EPOCH + datetime.timedelta(days=day, seconds=second)
    return Said(named, rev, agenda.PHASES[phase], reason, f"{at:%Y-%m-%dT%H:%M:%SZ}", soc_pm,
                untold)


def _minute(utc: int) -> int:
    return (utc - int(_EPOCH.timestamp())) // 60


VERB = engine.EVENT
KIND = engine.RESPONSE
