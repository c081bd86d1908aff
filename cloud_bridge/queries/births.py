"""What a gateway said at its start: the names of its fields and rules, and how often rows come.

Names come from outside. One that is not made of a-z, 0-9, - and _ is taken as not told, so that
none can be markup, a formula or a path wherever it is shown.
"""

import re
from typing import Any, NamedTuple, Self

import msgpack

from cloud_bridge.media import Meter, meters

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PERIOD_S = 60  # of a gateway that does not tell how often rows come
LONGEST_S = 3_600 + 2 * 60  # as edge/config.py allows: [telemetry] period_s and two beats


class Birth(NamedTuple):
    """`fields` of a row, `energies` of a quarter-hour's; `media`: its meters of water, heat and the
    like; `rules` by the number in lo_by and hi_by. A row speaks for `period_s`, or until the next
    one if that comes within `hold_s`."""

    seq: int
    fields: tuple[str, ...]
    rules: tuple[str, ...]
    period_s: int
    hold_s: int
    energies: tuple[str, ...] = ()
    media: tuple[Meter, ...] = ()

    @classmethod
    def read(cls, seq: int, body: bytes) -> Self:
        """Read the body of message `seq`; whatever it does not tell as it should is not told."""
        told = _map(body)
        fields = _names(told.get("fields"))
        beat_s = _number(told.get("beat_s"), 60, 1)
        period_s = max(_number(told.get("period_s"), 3_600, _PERIOD_S), beat_s)
        return cls(seq, fields if len({*fields}) == len(fields) else (), _names(told.get("rules")),
                   period_s, period_s + 2 * beat_s, _names(told.get("energies")),
                   meters(told.get("media")))

    def of(self, n_fields: int) -> Self:
        """The same for rows of so many fields: numbered names where its own do not fit."""
        if len(self.fields) == n_fields:
            return self
        return self._replace(fields=("day", "second",
                                     *(f"field_{i}" for i in range(2, n_fields))))


def _map(body: bytes) -> dict[Any, Any]:
    try:
        told = msgpack.unpackb(body)
    except (ValueError, TypeError):  # TypeError: a key that can't be one
        return {}
    return told if isinstance(told, dict) else {}


def _names(told: object) -> tuple[str, ...]:
    if isinstance(told, list) and len(told) < 128 and \
            all(isinstance(name, str) and _NAME.fullmatch(name) for name in told):
        return tuple(told)
    return ()


def _number(told: object, most: int, otherwise: int) -> int:
    return told if type(told) is int and 0 < told <= most else otherwise
