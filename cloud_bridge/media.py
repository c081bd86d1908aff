"""Meters of water, heat, cold, gas and steam (edge/media.py): what a gateway told of them, and how
much of it flowed.

Between two readings flowed what the register moved by: forward, and no more than the site file says
can flow in that time, or through the end of the register where it turns to 0. Anything else is told
and counts nothing: one reading that fits to none of its neighbours is left out; where those behind
it go on from it, the meter was exchanged or set, and what flowed meanwhile nobody knows.
"""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cloud_bridge.store import DAY_0_UTC
from edge.media import COLUMNS

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_ACCOUNT_MOST = 64
_MOST = 12
_LARGEST = 1 << 53
UNITS = {"l": {"l": 1, "m3": 1000}, "kg": {"kg": 1, "t": 1000},
         "wh": {"wh": 1, "kwh": 1000, "mwh": 10**6, "mj": 0, "gj": 0}}  # 0: no whole number of Wh
WORDS = {"wh": "Wh", "kwh": "kWh", "mwh": "MWh", "mj": "MJ", "gj": "GJ"}  # as people write them
QUARTER_S = 900
_LATE_S = 120  # a reading so long behind a quarter-hour is of its end
AGE_MOST_S = 3600  # of a reading that is taken for a quarter-hour's end
_SLACK_S = 900  # what flows in it may come on top: registers step, and are read at other times


class Meter(NamedTuple):
    """As the birth tells of it. `fine`: the unit of its readings, `unit`: the one people want.
    `most_per_h`, `turns_at` (0: never) in `fine`; `kj_per_kg` 0: not told."""

    name: str
    medium: str
    use: str
    fine: str
    unit: str
    account: str
    most_per_h: int
    turns_at: int
    kj_per_kg: int


class Reading(NamedTuple):
    """What was told at `utc`: the meter showed it `age_s` before; `refused`: readings or pulses,
    since the gateway's start."""

    utc: int
    value: int
    age_s: int = 0
    refused: int = 0


_NONE = Reading(0, 0)


class Piece(NamedTuple):
    """What flowed between two readings. A reading told at a quarter-hour's end is taken for that
    moment's, though it may be less than an hour older."""

    start: int
    end: int
    amount: int


class Judged(NamedTuple):
    """`told`: what was found that people must know, and when."""

    pieces: list[Piece]
    told: list[tuple[int, str]]


def meters(told: object) -> tuple[Meter, ...]:
    """The meters in the pair "media" of a birth; none when it says anything else than a gateway
    does."""
    if not isinstance(told, list) or len(told) > _MOST:
        return ()
    found = [_meter(one) for one in told]
    names = [one.name for one in found if one]
    return () if None in found or len({*names}) < len(names) else tuple(m for m in found if m)


def _meter(told: object) -> Meter | None:
    if not isinstance(told, list) or len(told) != len(Meter._fields):
        return None
    texts, numbers = told[:6], told[6:]
    if not all(isinstance(one, str) and one for one in texts) or not all(
            type(one) is int and 0 <= one < _LARGEST for one in numbers):
        return None
    one = Meter(*told)
    named = all(NAME.fullmatch(text) for text in (one.name, one.medium, one.use))
    fits = one.fine in UNITS and one.unit in UNITS[one.fine] and one.most_per_h > 0
    return one if named and fits and len(one.account) <= _ACCOUNT_MOST \
        and one.account.isprintable() else None


def read(values: Sequence[int], known: Sequence[Meter]) -> list[tuple[Meter, Reading]]:
    """The readings in a row of a frame; a meter that was not heard for an hour has none.
    None at all when the row is of other meters, or of a time that cannot be."""
    if len(values) != 2 + COLUMNS * len(known) or values[0] <= 0 or not 0 <= values[1] < 86_400:
        return []
    utc = DAY_0_UTC + 86_400 * values[0] + values[1]
    found = []
    for place, meter in enumerate(known):
        whole, rest, age_s, refused = values[2 + COLUMNS * place:2 + COLUMNS * (place + 1)]
        if whole >= 0 and 0 <= rest < 1000 and 0 <= age_s < AGE_MOST_S and refused >= 0:
            found.append((meter, Reading(utc, 1000 * whole + rest, age_s, refused)))
    return found


def judge(meter: Meter, readings: Iterable[Reading]) -> Judged:
    """What flowed, and what was found on the way."""
    pieces: list[Piece] = []
    told: list[tuple[int, str]] = []
    base: Reading | None = None  # the last that is believed,
    doubt: Reading | None = None  # and one behind it that contradicts it
    for one in sorted({*readings}):  # what is told twice is one reading
        moved = None if base is None else _moved(meter, base, one)
        if base is None or moved is not None:
            if base is not None and moved is not None:
                if one.value < base.value:
                    told.append((one.utc, f"its register turned from {base.value} to {one.value} "
                                          f"{meter.fine}: counted on"))
                pieces.append(Piece(told_at(base), told_at(one), moved))
            if doubt is not None:
                told.append((doubt.utc, f"a reading of {doubt.value} {meter.fine} cannot be: left "
                                        "out"))
            base, doubt = one, None
            continue
        since = None if doubt is None else _moved(meter, doubt, one)
        if doubt is not None and since is not None:
            told.append((doubt.utc, f"exchanged or set, from {base.value} to {doubt.value} "
                                    f"{meter.fine}: what flowed in between is not counted"))
            pieces.append(Piece(told_at(doubt), told_at(one), since))
            base, doubt = one, None
            continue
        if doubt is not None:
            told.append((doubt.utc, f"a reading of {doubt.value} {meter.fine} cannot be: left out"))
        doubt = one
    if doubt is not None:
        told.append((doubt.utc, f"the last reading, {doubt.value} {meter.fine}, contradicts those "
                                "before: not counted yet"))
    return Judged(pieces, told)


def _moved(meter: Meter, before: Reading, after: Reading) -> int | None:
    """What flowed between two readings; None: they cannot be of one register."""
    span_s = after.utc - after.age_s - before.utc + before.age_s
    most = meter.most_per_h * (max(span_s, 0) + _SLACK_S) // 3600
    moved = after.value - before.value
    if moved < 0:
        moved += meter.turns_at
    return moved if 0 <= moved <= most else None


def told_at(one: Reading) -> int:
    """When it was told: right behind a quarter-hour's end is at that."""
    late_s = one.utc % QUARTER_S
    return one.utc - late_s if late_s <= _LATE_S else one.utc


def joined(shown: Mapping[Meter, Iterable[Reading]]) -> dict[Meter, list[Reading]]:
    """The readings of one meter together, as it was told last: its limits may have changed."""
    found: dict[tuple[str, ...], tuple[Meter, list[Reading]]] = {}
    for meter, some in shown.items():
        key = (meter.name, meter.medium, meter.use, meter.fine, meter.account)
        known, others = found.get(key, (meter, []))
        newer = max(some, default=_NONE) >= max(others, default=_NONE)
        found[key] = meter if newer else known, [*others, *some]
    return dict(found.values())


def time_text(utc: int) -> str:
    """As RFC 3339 writes it, in UTC."""
    return datetime.datetime.fromtimestamp(utc, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same time in the fewest spans, in order."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return found
