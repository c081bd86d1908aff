"""The events that a gateway knows, and what each of them is at a moment.

What an event is follows from the set of all that came and from the time, so neither the order in
which messages came nor how often changes anything, and a gateway that starts anew is where it was.
Only what cannot be worked out again is kept beside a record: how far it has come, and how it ended
here. An event never goes back, whatever the clock does.
"""

from edge.compat import const
from edge.response.event import Event

SCHEDULED = const(1)  # phases, in their order
PREP = const(2)
ACTIVE = const(3)
HOLD = const(4)  # past the end: the last point is still judged
RECOVERY = const(5)  # what was delivered comes back, slowly
DONE = const(6)  # ends, which stay,
OPTED_OUT = const(7)
FAILED = const(8)  # it could not be delivered
CANCELLED = const(9)  # but for this one: a newer revision may call it in again
PHASES = ("", "scheduled", "prep", "active", "hold", "recovery", "done", "opted out", "failed",
          "cancelled")

NEW = const(0)  # what became of a message
KNOWN = const(1)  # it, or a newer revision, is there already
PAST = const(2)  # it is over
ENDED = const(3)  # its event has ended here
FULL = const(4)
OFFERS = ("new", "known", "past", "ended", "full")

_MINUTE_S = const(60)
_FAR_MIN = const(1 << 20)  # two years: nothing is so far away that its seconds leave 31 bits


class Entry:
    """An event, and how far it has come; `phase` is one of the above."""

    def __init__(self, event: Event, phase: int = SCHEDULED):
        self.event = event
        self.phase = phase

    def ended(self) -> bool:
        """Whether nothing will be done for it any more, as things stand."""
        return self.phase >= DONE or not self.event.count


class Agenda:
    """At most `most` events. `lead_s`: how long before the start all power has to be there;
    `hold_s`: how long after the end it stays; `prep_s`: how long before the start the battery may
    be filled for it; `recover_s`: how long the load stays under the peak afterwards."""

    def __init__(self, most: int, lead_s: int, hold_s: int, prep_s: int, recover_s: int):
        self.entries: list[Entry] = []
        self._most = most
        self._lead_s, self._hold_s = lead_s, hold_s
        self._prep_s, self._recover_s = prep_s, recover_s

    def offer(self, record: bytes, minute: int) -> int:
        """Take a record at a minute (UTC, since 2000); what became of it."""
        event = Event(record)
        for entry in self.entries:
            if entry.event.id == event.id:
                return self._revise(entry, event)
        if event.count and event.end <= minute:
            return PAST
        if len(self.entries) >= self._most and not self._make_room(minute):
            return FULL
        self.entries.append(Entry(event))
        return NEW

    def _revise(self, entry: Entry, event: Event) -> int:
        """The higher revision stands; of two with one number the one whose bytes are greater."""
        if DONE <= entry.phase < CANCELLED:
            return ENDED
        if (event.rev, event.record) <= (entry.event.rev, entry.event.record):
            return KNOWN
        entry.event = event
        entry.phase = SCHEDULED  # it may have other times; the next turn says
        return NEW

    def _make_room(self, minute: int) -> bool:
        """Forget the oldest that has ended and cannot come back: its own time is over."""
        over = [entry for entry in self.entries if entry.ended() and entry.event.end <= minute]
        if not over:
            return False
        self.entries.remove(min(over, key=_end))
        return True

    def turn(self, minute: int, second: int, error_s: int) -> bool:
        """Let time be so late, with a clock that may be wrong by error_s; whether a phase has
        changed. What is early begins earlier by it, what is late ends later."""
        changed = False
        for entry in self.entries:
            if entry.ended():
                continue
            phase = self._phase(entry.event, minute, second, error_s)
            if phase > entry.phase:
                entry.phase = phase
                changed = True
        return changed

    def _phase(self, event: Event, minute: int, second: int, error_s: int) -> int:
        start_s = _seconds(minute - event.start, second)
        end_s = _seconds(minute - event.end, second)
        if start_s < -self._prep_s - event.hush_min * _MINUTE_S - error_s:
            return SCHEDULED
        if start_s < -self._lead_s - error_s:
            return PREP
        if end_s < 0:
            return ACTIVE
        if end_s < self._hold_s + error_s:
            return HOLD
        if end_s < self._hold_s + error_s + self._recover_s:
            return RECOVERY
        return DONE

    def hushed(self, event: Event, minute: int, second: int, error_s: int) -> bool:
        """Whether the load must not be raised, as a baseline is taken or soon will be: what was
        charged has come to rest by then."""
        before_s = _seconds(event.start - minute, -second) - self._lead_s - error_s
        return event.hush_min > 0 and before_s <= event.hush_min * _MINUTE_S

    def end(self, number: int, phase: int) -> bool:
        """End an event here (OPTED_OUT, FAILED); whether there was one to end."""
        for entry in self.entries:
            if entry.event.id == number and not entry.ended():
                entry.phase = phase
                return True
        return False

    def called(self) -> "Entry | None":
        """Whose intervals count now: of all that are active or held the most important, then the
        one issued last, then the one with the higher number."""
        best = None
        for entry in self.entries:
            if entry.phase in (ACTIVE, HOLD) and entry.event.count and (
                    best is None or _rank(entry.event) < _rank(best.event)):
                best = entry
        return best

    def phase(self, entry: Entry) -> int:
        """What to tell of an event."""
        return entry.phase if entry.event.count or entry.phase >= DONE else CANCELLED


def _rank(event: Event) -> "tuple[int, int, int]":
    return event.priority, -event.issued, -event.id


def _end(entry: Entry) -> int:
    return entry.event.end


def _seconds(minutes: int, second: int) -> int:
    """Minutes and a second of them as seconds, as far as that fits 31 bits."""
    if minutes > _FAR_MIN:
        minutes = _FAR_MIN
    elif minutes < -_FAR_MIN:
        minutes = -_FAR_MIN
    return minutes * _MINUTE_S + second
