"""An event of OpenADR 3 as what a gateway holds at the meter, or at its battery.

A gateway holds one thing at a time, at most 96 intervals and a week. Of an event that is longer it
gets what comes next, and the rest as time goes by: the window moves in steps, so that its targets
stay the same from one poll to the next.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cloud_bridge.fields import DocumentError, mistake
from cloud_bridge.response.announced import Announced
from cloud_bridge.response.deliver import fits
from cloud_bridge.response.openadr3.spans import Layout, Span, lay_out
from cloud_bridge.response.targets import Interval
from edge.response import event as gateway

SETPOINT, RELATIVE, SIMPLE = "DISPATCH_SETPOINT", "DISPATCH_SETPOINT_RELATIVE", "SIMPLE"
_LIMITS = {
    "IMPORT_CAPACITY_LIMIT": gateway.IMPORT_MAX, "EXPORT_CAPACITY_LIMIT": gateway.EXPORT_MAX,
    "IMPORT_CAPACITY_SUBSCRIPTION": gateway.IMPORT_MAX,
    "EXPORT_CAPACITY_SUBSCRIPTION": gateway.EXPORT_MAX}
KINDS = (SETPOINT, RELATIVE, SIMPLE, *_LIMITS)  # of several in one event the first one is held
LAST = 255  # what was subscribed to counts where nothing else does: when all limits are over
_PRIORITY = 100
_MOST_KW = 8000
_WEEK_MIN = 10_080
_STEP_S = 6 * 3600
_ID = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_CONTENT = ("intervalPeriod", "intervals", "duration", "priority", "payloadDescriptors")

Relative = Callable[[int, int, int], Sequence[Interval]]  # from, to (UTC s), W more than usual


class Reading(NamedTuple):
    """What the server does not say: by how much each SIMPLE level lowers the import, in W; how a
    change against a baseline becomes targets, None where no programme says it; a gateway's flags,
    and for how long before an event no load may be raised."""

    levels: Mapping[int, int] = {}
    relative: Relative | None = None
    flags: int = 0
    hush_min: int = 0


def name_of(event: object) -> str:
    """The server's id of an event. DocumentError."""
    found = event.get("id") if isinstance(event, dict) else None
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise mistake("id", found, "1 to 128 of a-z A-Z 0-9 _ -")
    return found


def content_of(event: Mapping[str, Any]) -> str:
    """The same as long as an event asks the same: its revision has no number."""
    told = json.dumps([event.get(name) for name in _CONTENT], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def kinds_of(event: Mapping[str, Any]) -> list[str]:
    """The types of all payloads, each once, in their order; what is none is left out."""
    found = [payload.get("type") for interval in _list(event.get("intervals"))
             for payload in _list(_get(interval, "payloads")) if isinstance(payload, dict)]
    return list(dict.fromkeys(one for one in found if isinstance(one, str)))


def announce(event: Mapping[str, Any], descriptors: Sequence[Any], seen_utc: int, now_utc: int,
             reading: Reading) -> Announced | None:
    """What a gateway has to be told of an event, first seen at `seen_utc`; None where it asks for
    nothing any more. `descriptors`: the program's payloadDescriptors. DocumentError: it cannot be
    held."""
    name = name_of(event)
    found = kinds_of(event)
    kind = next((one for one in KINDS if one in found), None)
    if kind is None:
        return None
    layout = lay_out(event, seen_utc, f"{name}/{content_of(event)}", (kind,))
    if layout is None or layout.end <= now_utc:
        return None
    scale = _watts(kind, [*_list(event.get("payloadDescriptors")), *descriptors])
    made = _window(layout, layout.start, scale, reading)
    if layout.start < now_utc and not made.whole:
        made = _window(layout, max(layout.start, now_utc // _STEP_S * _STEP_S), scale, reading)
    if not made.intervals:
        return None
    one = Announced(name, 0, made.start_utc, seen_utc, made.reply_w,
                    _priority(event.get("priority"), kind),
                    gateway.LIMIT if kind in _LIMITS else reading.flags,
                    0 if made.reply_w == 0 else reading.hush_min, tuple(made.intervals))
    if not fits(one):
        raise mistake(f"event {name}", [list(part) for part in made.intervals],
                      "times from 2000 to 4041")
    return one


class _Window(NamedTuple):
    start_utc: int
    intervals: list[Interval]
    reply_w: int
    whole: bool  # nothing comes behind it


def _window(layout: Layout, from_utc: int, scale: int, reading: Reading) -> _Window:
    """As much as a gateway takes from there on, in whole minutes: it begins in the minute of its
    beginning and ends with the minute of its end."""
    spans = layout.spans(from_utc, from_utc + 60 * _WEEK_MIN)
    if not spans:
        return _Window(from_utc, [], 0, False)
    first = at = max(spans[0].start, from_utc) // 60
    made: list[Interval] = []
    reply_w = 0
    for span, following in zip(spans, [*spans[1:], None], strict=True):
        start, end = max(span.start, from_utc) // 60, -(-span.end // 60)
        if following is not None:  # where two overlap the later one counts from its beginning
            end = min(end, following.start // 60)
        end = min(end, first + _WEEK_MIN)
        if start >= end:
            raise mistake("intervals", f"one of {span.end - span.start} s",
                          "at least a minute each")
        if start > at:
            made.append((start - at, gateway.NOTHING, 0))
        asked, given_w = _asked(span, start, end, scale, reading)
        made += asked
        reply_w = max(reply_w, given_w)
        at = end
    merged = _merged(made)
    cut = merged[:gateway.INTERVALS]
    while cut and cut[-1][1] == gateway.NOTHING:
        cut.pop()
    return _Window(60 * first, cut, reply_w,
                   len(merged) <= gateway.INTERVALS and 60 * at >= layout.end)


def _asked(span: Span, start: int, end: int, scale: int, reading: Reading
           ) -> tuple[Sequence[Interval], int]:
    """The intervals of a span (minutes since 1970), and what is promised for them in W."""
    if span.kind == SIMPLE:
        if type(span.value) is not int or not 0 <= span.value <= 3:
            raise mistake(SIMPLE, span.value, "0, 1, 2 or 3")
        if span.value == 0:
            return [(end - start, gateway.NOTHING, 0)], 0
        if span.value not in reading.levels:
            raise mistake(SIMPLE, span.value, "a level that --level says in kW")
        reply_w = reading.levels[span.value]
        if reading.relative is None:
            return [(end - start, gateway.SETPOINT, reply_w)], reply_w
        return reading.relative(60 * start, 60 * end, -reply_w), reply_w
    if isinstance(span.value, bool) or not isinstance(span.value, (int, float)) \
            or not -_MOST_KW <= span.value <= _MOST_KW:
        raise mistake(span.kind, span.value, f"a number of kW, at most {_MOST_KW}")
    w = round(span.value * scale)
    if span.kind == RELATIVE:
        if w == 0:
            return [(end - start, gateway.NOTHING, 0)], 0
        if reading.relative is None:
            raise DocumentError(f"{RELATIVE}: relative to what? --programme says the baseline")
        return reading.relative(60 * start, 60 * end, w), abs(w)
    if span.kind == SETPOINT:  # the server counts what is drawn, the gateway what is given
        return [(end - start, gateway.SETPOINT, -w)], max(0, -w)
    if w < 0:
        raise mistake(span.kind, span.value, "at least 0")
    return [(end - start, _LIMITS[span.kind], w)], 0


def _merged(intervals: Sequence[Interval]) -> list[Interval]:
    """Neighbours that ask the same as one."""
    made: list[Interval] = []
    for minutes, kind, value in intervals:
        if made and made[-1][1:] == (kind, value):
            made[-1] = (made[-1][0] + minutes, kind, value)
        else:
            made.append((minutes, kind, value))
    return made


def _watts(kind: str, descriptors: Sequence[Any]) -> int:
    """By how much a number of this kind is multiplied to be W: the first descriptor counts, the
    event's before the program's; without one it is kW."""
    for one in descriptors:
        if _get(one, "payloadType") == kind:
            if kind != SIMPLE and _get(one, "units") not in (None, "KW"):
                raise mistake(f"{kind}: units", _get(one, "units"), "KW")
            break
    return 1000


def _priority(found: object, kind: str) -> int:
    if kind.endswith("_SUBSCRIPTION"):
        return LAST
    if found is None:
        return _PRIORITY
    if type(found) is not int or found < 0:
        raise mistake("priority", found, "0 or more")
    return min(found, LAST - 1)


def _list(found: object) -> list[Any]:
    return found if isinstance(found, list) else []


def _get(found: object, name: str) -> object:
    return found.get(name) if isinstance(found, dict) else None
