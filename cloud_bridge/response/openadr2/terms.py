"""An event of OpenADR 2.0b, as openleadr reads it, in the words of a gateway.

What cannot be said in them is refused with a reason, so that the server hears optOut and the
gateway nothing. SIMPLE is a level; what a site gives at it, its operator has declared, in W that
the battery gives. LOAD_DISPATCH of type setpoint is a power; whether it is what the site may import
or what its battery takes, the operator declares as well, since the standard leaves it to the
programme.
"""

import datetime
import math
from binascii import crc32
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from cloud_bridge.response.announced import Announced
from cloud_bridge.response.deliver import fits
from cloud_bridge.response.targets import Interval
from edge.response.event import IMPORT_MAX, NOTHING, SETPOINT

IMPORT, BATTERY = "import", "battery"  # what a LOAD_DISPATCH speaks of
CANCELLED, COMPLETED = "cancelled", "completed"

_STATES = ("none", "far", "near", "active", COMPLETED, CANCELLED)
_MOST_W = 8_000_000
_WEEK = datetime.timedelta(days=7)
_MINUTE = datetime.timedelta(minutes=1)
_SCALES = {"none": 1, "k": 1000, "M": 1_000_000}
_LAST_PRIORITY = 255  # of ours; 1 is the most important in both, theirs has 0 for none


class UnfitError(Exception):
    """It cannot be said to a gateway; the text says why."""


class Agreed(NamedTuple):
    """What the operator has declared: W that the battery gives at each level of SIMPLE, what a
    LOAD_DISPATCH speaks of ("": none is taken), and flags of edge/response/event.py."""

    levels_w: Mapping[int, int]
    dispatch: str = ""
    flags: int = 0


class Received(NamedTuple):
    """One event of a list. `wish` is None when nothing is to be delivered; `refused` then says why,
    where it is for want of words."""

    name: str
    modification: int
    status: str
    must_answer: bool
    wish: Announced | None
    refused: str


def received(name: str, event: Mapping[str, Any], agreed: Agreed) -> Received:
    """Read it, whatever it holds; `name` as the server has written it. UnfitError when not even
    what it is called and how it stands can be read."""
    try:
        said = event["event_descriptor"]
        modification, status = said["modification_number"], said["event_status"]
        must_answer = event["response_required"] != "never"
    except (KeyError, TypeError) as error:
        raise UnfitError(f"an event without {error}") from None
    if not (name and name.isprintable()) or type(modification) is not int or status not in _STATES:
        raise UnfitError(f"event {name!r}: found modification {modification!r}, status {status!r}")
    wish, refused = None, ""
    if status not in (CANCELLED, COMPLETED):
        try:
            wish = _announced(name, event, agreed)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            refused = f"it is not as it should be: {error!r}"
        except UnfitError as error:
            refused = str(error)
    return Received(name, modification, status, must_answer, wish, refused)


def _announced(name: str, event: Mapping[str, Any], agreed: Agreed) -> Announced:
    period = event["active_period"]
    begin = period["dtstart"]
    if not isinstance(begin, datetime.datetime):
        raise UnfitError(f"dtstart: found {begin!r}, expected a time that ends in Z")
    signal, asks = _signal(event, agreed)
    start_min, lengths = _minutes(begin + _shift(name, period), begin, signal["intervals"],
                                  period["duration"])
    intervals: list[Interval] = [
        (minutes, *asks(signal, one["signal_payload"], agreed))
        for minutes, one in zip(lengths, signal["intervals"], strict=True)]
    # Not createdDateTime: openleadr's server makes it anew with every state, and other bytes of one
    # revision are news to a gateway.
    changed = event["event_descriptor"].get("modification_date_time")
    issued = int(changed.timestamp()) if isinstance(changed, datetime.datetime) else start_min * 60
    given_w = max(value if kind == SETPOINT else 0 for _, kind, value in intervals)
    made = Announced(name, 0, start_min * 60, issued, max(0, given_w),
                     _priority(event["event_descriptor"].get("priority", 0)), agreed.flags, 0,
                     intervals)
    if not fits(made):
        raise UnfitError("more than 96 intervals, a week or 8 MW, or not of the years 2000 to 4040")
    return made


def _priority(theirs: object) -> int:
    if type(theirs) is not int or theirs < 0:
        raise UnfitError(f"priority: found {theirs!r}, expected a whole number")
    return min(theirs, _LAST_PRIORITY - 1) if theirs else _LAST_PRIORITY


def _signal(event: Mapping[str, Any], agreed: Agreed) -> tuple[Mapping[str, Any], Any]:
    """The signal that is followed, and who reads its payloads: a power rather than a level."""
    signals = event["event_signals"]
    if isinstance(signals, Mapping):  # beside a baseline
        signals = signals["event_signals"]
    dispatches = [one for one in signals if (one["signal_name"], one["signal_type"])
                  == ("LOAD_DISPATCH", "setpoint")] if agreed.dispatch else []
    levels = [one for one in signals if (str(one["signal_name"]).upper(), one["signal_type"])
              == ("SIMPLE", "level")]
    found = dispatches or levels
    if len(found) != 1:
        names = ", ".join(f"{one['signal_name']} ({one['signal_type']})" for one in signals)
        raise UnfitError(f"signals: found {names}, expected one SIMPLE (level)"
                         + (" or LOAD_DISPATCH (setpoint)" if agreed.dispatch else ""))
    return found[0], _dispatch if dispatches else _level


def _level(_: Mapping[str, Any], payload: object, agreed: Agreed) -> tuple[int, int]:
    if payload == 0:
        return NOTHING, 0
    for level, w in agreed.levels_w.items():
        if payload == level:
            return SETPOINT, w
    raise UnfitError(f"SIMPLE: found level {payload!r}, expected 0 or one that is declared")


def _dispatch(signal: Mapping[str, Any], payload: object, agreed: Agreed) -> tuple[int, int]:
    measured = signal.get("measurement") or {}
    scale = _SCALES.get(measured.get("scale") or "none")
    if measured.get("name") != "powerReal" or measured.get("unit") != "W" or scale is None:
        raise UnfitError(f"LOAD_DISPATCH: found {measured.get('name')} in {measured.get('scale')} "
                         f"{measured.get('unit')}, expected powerReal in W, kW or MW")
    if not isinstance(payload, int | float) or not math.isfinite(payload) \
            or abs(payload) * scale > _MOST_W:
        raise UnfitError(f"LOAD_DISPATCH: found {payload!r}, expected at most 8 MW")
    w = round(payload * scale)
    if agreed.dispatch == BATTERY:
        return SETPOINT, -w  # theirs is a load
    if w < 0:
        raise UnfitError(f"LOAD_DISPATCH: found {w} W, expected an import")
    return IMPORT_MAX, w


def _minutes(start: datetime.datetime, begin: datetime.datetime, intervals: list[dict[str, Any]],
             whole: object) -> tuple[int, list[int]]:
    """The first minute since 1970, and how many each interval takes. What begins or ends within a
    minute has all of it."""
    passed = datetime.timedelta()
    first_s = math.floor(start.timestamp())
    bounds_s = [first_s]
    for one in intervals:
        length = one["duration"]
        if not isinstance(length, datetime.timedelta) or not _MINUTE <= length <= _WEEK:
            raise UnfitError(f"interval of {length}, expected from a minute to a week")
        if one.get("dtstart", begin + passed) != begin + passed:
            raise UnfitError(f"interval at {one['dtstart']}, expected one behind the other")
        passed += length
        if passed > _WEEK:
            raise UnfitError("intervals of more than a week")
        bounds_s.append(first_s + int(passed.total_seconds()))
    if whole != passed:
        raise UnfitError(f"found {whole} in all, and intervals of {passed}")
    bounds = [at // 60 for at in bounds_s[:-1]] + [-(-bounds_s[-1] // 60)]
    return bounds[0], [end - at for at, end in pairwise(bounds)]


def _shift(name: str, period: Mapping[str, Any]) -> datetime.timedelta:
    """Where the server has its sites begin at random within `startafter`: always the same."""
    within = ((period.get("tolerance") or {}).get("tolerate") or {}).get("startafter")
    if within is None:
        return datetime.timedelta()
    if not isinstance(within, datetime.timedelta) or not datetime.timedelta() <= within <= _WEEK:
        raise UnfitError(f"startafter: found {within!r}, expected at most a week")
    return datetime.timedelta(seconds=crc32(name.encode()) % (int(within.total_seconds()) + 1))
