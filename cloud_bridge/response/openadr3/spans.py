"""What an event of OpenADR 3 asks when: the rules of the user guide (7.3, 7.4, 7.9) about
intervals, as functions of the event and of the moment it was first seen.

An event lasts from its first interval to its last one; it has no state of its own. Called off is
what is gone, or has no duration any more.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cloud_bridge.fields import DocumentError, mistake
from cloud_bridge.response.openadr3.times import FOREVER, duration, instant

_MOST = 3000  # intervals of an event, values of a payload: a server may send anything
_MOST_SPANS = 20_000
_RANDOM_MAX_S = 86_400


_Parts = list[tuple[str, list[Any]]]


class Span(NamedTuple):
    """`value` of a payload type from `start` to `end`, UTC seconds; `end` is not part of it."""

    start: int
    end: int
    kind: str
    value: Any


class Layout(NamedTuple):
    """When an event begins and ends, and its own set of intervals, of `whole_s` in all, which is
    repeated where the event lasts longer (event.duration). UTC seconds."""

    start: int
    end: int
    whole_s: int
    intervals: list[tuple[int, int, _Parts]]

    def spans(self, from_utc: int, to_utc: int) -> list[Span]:
        """All that is asked between two times, whole spans, by their beginning. DocumentError."""
        found: list[Span] = []
        shift = max(0, from_utc - self.start) // self.whole_s * self.whole_s
        until = min(to_utc, self.end)
        while self.start + shift < until:
            for start, end, parts in self.intervals:
                found += [span for span in _cut(start + shift, min(end + shift, self.end),
                                                end - start, parts)
                          if span.end > from_utc and span.start < until]
            if len(found) > _MOST_SPANS:
                raise mistake("intervals", f"more than {_MOST_SPANS} in a week", "fewer")
            shift += self.whole_s
        return sorted(found, key=lambda span: span.start)


def lay_out(event: Mapping[str, Any], seen_utc: int, seed: str, kinds: Sequence[str]
            ) -> Layout | None:
    """When an event asks for payloads of these kinds; None where it asks for nothing, which is how
    one is called off as well. `seen_utc`: when it was first seen, which is what `now` in it means;
    `seed` decides by how much a start is shifted, so that it stays the same while the event does.
    DocumentError."""
    made = _intervals(event, seen_utc, seed, kinds)
    if not made:
        return None
    first = min(start for start, _, _ in made)
    whole_s = lasts_s = max(end for _, end, _ in made) - first
    if event.get("duration") is not None:
        lasts_s = duration("duration", event["duration"])
    asking = [one for one in made if one[2]]
    if not asking or lasts_s <= 0:
        return None
    if lasts_s <= whole_s:
        lasts_s = min(lasts_s, max(end for _, end, _ in asking) - first)
    return Layout(first, first + lasts_s, whole_s, asking)


def _intervals(event: Mapping[str, Any], seen_utc: int, seed: str, kinds: Sequence[str]
               ) -> list[tuple[int, int, _Parts]]:
    """(start, end, payloads of these kinds) of each interval that lasts, in their order."""
    default = _period("intervalPeriod", event.get("intervalPeriod"))
    intervals = event.get("intervals")
    if intervals is None:
        return []  # only a report is asked for
    if not isinstance(intervals, list) or len(intervals) > _MOST:
        raise mistake("intervals", type(intervals).__name__, f"a list of at most {_MOST}")
    found = []
    at: int | None = None  # where the one before ends
    shift = 0
    for number, one in enumerate(intervals):
        where = f"intervals[{number}]"
        if not isinstance(one, dict):
            raise mistake(where, one, "an interval")
        own = _period(f"{where}.intervalPeriod", one.get("intervalPeriod"))
        if not own and not default:
            raise mistake(f"{where}.intervalPeriod", None, "one here, or one of the event")
        start, random_s = own.get("start"), own.get("randomizeStart")
        if at is None and start is None:
            if "start" not in own and "start" not in default:
                raise mistake(f"{where}: start", None, "one here, or one of the event")
            start = default.get("start")
            start = seen_utc if start is None else start
        if at is None and random_s is None:
            random_s = default.get("randomizeStart")
        if start is not None:
            shift = _shift(random_s, seed, number) if random_s else shift
            at = start + shift
        assert at is not None  # the first one has a start
        length = own.get("duration", default.get("duration"))
        if length is None:
            raise mistake(f"{where}.intervalPeriod.duration", None, "one here, or one of the event")
        if length < 0:
            raise mistake(f"{where}.intervalPeriod.duration", length, "none below 0")
        parts = _payloads(where, one.get("payloads"), kinds)
        if length:
            found.append((at, at + length, parts))
        at += length
    return found


def _period(where: str, period: object) -> dict[str, Any]:
    """What an intervalPeriod says, read; {} where there is none."""
    if period is None:
        return {}
    if not isinstance(period, dict):
        raise mistake(where, period, "an intervalPeriod")
    found: dict[str, Any] = {}
    if period.get("start") is not None:
        found["start"] = instant(f"{where}.start", period["start"])
    for name in ("duration", "randomizeStart"):
        if period.get(name) is not None:
            found[name] = duration(f"{where}.{name}", period[name])
    if not found:
        raise mistake(where, period, "a start or a duration")
    return found


def _shift(randomize_s: int, seed: str, number: int) -> int:
    """By how much a start is moved: evenly within +- that, and the same each time."""
    most_s = min(abs(randomize_s), _RANDOM_MAX_S)
    return random.Random(f"{seed}/{number}").randint(-most_s, most_s)


def _payloads(where: str, payloads: object, kinds: Sequence[str]) -> _Parts:
    if not isinstance(payloads, list) or len(payloads) > _MOST:
        raise mistake(f"{where}.payloads", type(payloads).__name__, "a list")
    found = []
    for one in payloads:
        if not (isinstance(one, dict) and isinstance(one.get("type"), str)
                and isinstance(one.get("values"), list)):
            raise mistake(f"{where}.payloads", one, "a type and its values")
        if one["type"] not in kinds:
            continue
        if not 0 < len(one["values"]) <= _MOST:
            raise mistake(f"{where}: values of {one['type']}", len(one["values"]),
                          f"1 to {_MOST}")
        found.append((one["type"], one["values"]))
    return found


def _cut(start: int, end: int, length: int, parts: _Parts) -> Iterator[Span]:
    """An interval of this length, as far as it comes before `end`; several values share it evenly
    (multi-valued payloads)."""
    for kind, values in parts:
        count = len(values)
        if count > 1 and length >= FOREVER:
            raise DocumentError(f"intervals: found {count} values of {kind} that share for ever")
        for at, value in enumerate(values):
            begins = start + length * at // count
            ends = min(start + length * (at + 1) // count, end)
            if begins < ends:
                yield Span(begins, ends, kind, value)
