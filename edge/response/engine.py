"""Demand response beside the beat: takes events, keeps them through power cuts, and tells the beat
what each moment asks (edge/response/orders.py).

Every change of an event is a frame of kind RESPONSE in the outbox: MessagePack [1, id, rev, phase,
reason, day, second, soc_pm, untold]; day and second are UTC, `untold` counts all since the start
that no frame tells of. Without a clock that was ever set nothing is called.
"""

from edge.compat import TYPE_CHECKING, const
from edge.guard import tell as tell_fault
from edge.keep import Keep
from edge.response.agenda import (
    ACTIVE,
    FAILED,
    HOLD,
    NEW,
    OFFERS,
    OPTED_OUT,
    PHASES,
    PREP,
    RECOVERY,
    Agenda,
    Entry,
)
from edge.response.event import (
    ALL_OR_NOTHING,
    LOCKED,
    MOST_BYTES,
    NOTHING,
    RECORD_BYTES,
    Event,
    read,
)
from edge.response.kept import ENTRY_BYTES, packed, unpacked
from edge.response.needs import Needs
from edge.response.orders import ANY, CHARGE_W, HUSH, KEEP_PM, KIND, MOST_W, VALUE
from edge.snapshot import TRUSTED
from edge.wire import msgpack

if TYPE_CHECKING:
    from typing import Any

RESPONSE = const(13)  # kind of its frames
EVENT = const(16)  # verb of the command that brings one
_VERSION = const(1)
_BYTES = const(64)
_WAITING = const(8)
_STEP_MS = const(500)
_AGAIN_MS = const(5000)  # after the storage has failed
_DAY_MIN = const(1440)


def part(app, image: dict) -> "Engine":
    """What an image's [response] asks for (edge/app.py). Events come as commands of verb EVENT.
    When what was kept cannot be read nothing is promised, and the cloud is told why."""
    engine = Engine(app.site, image, app.outbox)
    try:
        most = image["response"]["events"] * (ENTRY_BYTES + RECORD_BYTES)
        engine.recall(Keep(app.board.state("response"), most))
    except (OSError, ValueError) as error:
        tell_fault(app.outbox, "response: " + repr(error))
    if app.commands is not None:
        app.commands.pass_on(EVENT, engine, MOST_BYTES)
    return engine


class Engine:
    """`offer` takes a message, `step` lets time pass. `reason`: why the last event ended here."""

    def __init__(self, site, image: dict, outbox):
        keys, rules = image["response"], dict(image["rules"])
        reserve = rules["reserve"]
        floor_pm = rules["bands"]["floor_pm"] if "bands" in rules else reserve["floor_pm"]
        self.agenda = Agenda(keys["events"], keys["lead_s"], keys["hold_s"], keys["prep_s"],
                             keys["recover_s"])
        self.needs = Needs(image["battery"], floor_pm, reserve["ceiling_pm"],
                           keys["lead_s"] + keys["hold_s"] + 2 * keys["clock_s"])
        self.reason = ""
        self.errors = 0  # times the storage has failed
        self._keep: Any = None  # where events are kept; None: nothing can be promised
        self._site, self._outbox = site, outbox
        self._contact = site.response
        self._orders = site.response.now
        self._error_s, self._import_w = keys["clock_s"], keys["import_w"]
        self._charge_w = image["battery"]["charge_max_w"]
        self._export_w = rules.get("export", image["gate"])["export_max_w"]
        self._waiting: list[bytes] = []
        self._untold = 0
        self._stored = True
        if not hasattr(site, "live"):
            site.live = []
        site.live.append(self.tell)

    def recall(self, keep):
        """Go on with what was kept. ValueError when it is nothing of ours."""
        self.agenda.entries = [Entry(Event(record), phase)
                               for phase, record in unpacked(keep.load())]
        self._keep = keep

    def read(self, reader) -> "bytes | None":
        """The record of an event that comes next."""
        return read(reader)

    def offer(self, record: bytes) -> str:
        """Take an event; "" when it is in force and kept, else why it is not. What cannot be kept
        is not promised: OSError."""
        if self._keep is None:
            return "storage"
        if not self._site.clock_set:
            return "clock"
        before = [(entry.event, entry.phase) for entry in self.agenda.entries]
        said = self.agenda.offer(record, self._minute())
        if said != NEW:
            return OFFERS[said]
        try:
            self._store()
        except OSError:
            self.agenda.entries = [Entry(event, phase) for event, phase in before]
            raise
        event = Event(record)
        for entry in self.agenda.entries:
            if entry.event.id == event.id:
                self._note(entry, "")
        return ""

    def leave(self, number: int) -> str:
        """The site opts out of an event; "" when it is left, else why not."""
        for entry in self.agenda.entries:
            if entry.event.id == number and not entry.ended():
                if entry.event.flags & LOCKED:
                    return "locked"
                self._end(entry, OPTED_OUT, "local")
                return ""
        return "unknown"

    def _opt_out(self):
        """Leave what is delivered now, or else the event that begins first."""
        entry = self.agenda.called()
        for other in self.agenda.entries:
            if not other.ended() and other.phase <= PREP and (
                    entry is None or (entry.phase <= PREP
                                      and other.event.start < entry.event.start)):
                entry = other
        if entry is not None and self.leave(entry.event.id):
            self._note(entry, "locked")

    def step(self, now_ms: int) -> int:
        """Let time pass; ms until the next step."""
        site = self._site
        if self._contact.leaves:
            self._contact.leaves = False
            self._opt_out()
        if site.clock_set:
            was = [entry.phase for entry in self.agenda.entries]
            if self.agenda.turn(self._minute(), site.now.second % 60, self._error_s):
                self._stored = False
                for entry, phase in zip(self.agenda.entries, was):
                    if entry.phase != phase:
                        self._turned(entry, phase)
            self._order()
        try:
            if not self._stored and self._keep is not None:
                self._store()
            while self._waiting and self._outbox is not None:
                self._outbox.append(RESPONSE, self._waiting[0], len(self._waiting[0]))
                self._waiting.pop(0)
        except OSError:
            self.errors += 1
            return _AGAIN_MS
        return _STEP_MS

    def mend(self, now_ms: int):
        """After an internal fault: nothing is called until the next step says so again."""
        self._untold += len(self._waiting[:1])
        self._waiting = self._waiting[1:]
        self._rest()

    def tell(self, put) -> None:
        """Add to what is so now (edge/now.py)."""
        called = self.agenda.called()
        shown = called
        for entry in self.agenda.entries:
            if shown is None and not entry.ended():
                shown = entry
        put("response", shown.event.id if shown else None)
        put("response_phase", PHASES[self.agenda.phase(shown)].replace(" ", "-") if shown else None)
        put("response_w", self._orders[VALUE] if called else None)
        put("response_keep_pm", self._orders[KEEP_PM])
        power_w, now = self.power_w(), self._site.now
        put("can_w", power_w)
        put("can_min", self.needs.minutes(power_w, now.soc_pm))
        put("can_half_min", self.needs.minutes(power_w // 2, now.soc_pm))

    def power_w(self) -> int:
        """By how much the import can be lowered as things are: by what the battery gives, as far as
        no more flows out than the site may export."""
        now = self._site.now
        if not now.flags & TRUSTED:
            return 0
        most_w = now.net_w + self._export_w
        if most_w > now.discharge_max_w:
            most_w = now.discharge_max_w
        return most_w if most_w > 0 else 0

    def _minute(self) -> int:
        now = self._site.now
        return now.day * _DAY_MIN + now.second // 60

    def _turned(self, entry: Entry, before: int):
        """An event has come further by itself: it is told, and judged where it begins."""
        event = entry.event
        if entry.phase in (ACTIVE, HOLD) and before < ACTIVE and event.flags & ALL_OR_NOTHING:
            short = self.needs.short(event, self._minute(), self._site.now.soc_pm)
            if short:
                self._end(entry, FAILED, short)
                return
        self._note(entry, "")

    def _end(self, entry: Entry, phase: int, reason: str):
        entry.phase = phase
        self.reason = reason
        self._stored = False
        self._note(entry, reason)

    def _order(self):
        """Tell the beat what this moment asks."""
        orders, minute = self._orders, self._minute()
        called = self.agenda.called()
        kind, value = called.event.asks(minute) if called else (NOTHING, 0)
        keep_pm = most = hush = 0
        for entry in self.agenda.entries:
            if entry.ended():
                continue
            if entry.phase <= ACTIVE:
                pm = self.needs.keep_pm(entry.event, minute)
                keep_pm = pm if pm > keep_pm else keep_pm
            if entry.phase != ACTIVE:  # what is charged before or after
                most |= entry.phase in (PREP, HOLD, RECOVERY)
            hush |= entry.phase == PREP and self.agenda.hushed(
                entry.event, minute, self._site.now.second % 60, self._error_s)
        bands = getattr(self._site, "bands", None)
        if bands is not None:
            bands.called_pm = keep_pm
        preparing = False
        for entry in self.agenda.entries:
            preparing = preparing or (entry.phase == PREP and not entry.ended())
        orders[VALUE] = value
        orders[KIND] = kind  # behind its value: the beat may come between
        orders[KEEP_PM] = 0 if kind != NOTHING or keep_pm <= self.needs.floor_pm else keep_pm
        orders[CHARGE_W] = self._charge_w if preparing and not hush else 0
        orders[MOST_W] = self._most_w() if most else -1
        orders[HUSH] = 1 if hush else 0
        orders[ANY] = 1 if kind != NOTHING or most or hush or orders[KEEP_PM] else 0

    def _most_w(self) -> int:
        """What the import may come to without a new peak."""
        peak_w = self._site.window.peak_w
        return peak_w if peak_w > self._import_w else self._import_w

    def _rest(self):
        orders = self._orders
        orders[ANY] = 0
        orders[KIND] = NOTHING
        orders[KEEP_PM] = orders[CHARGE_W] = orders[HUSH] = 0
        orders[MOST_W] = -1

    def _store(self):
        """Keep all events, and how far each has come."""
        data = packed(self.agenda.entries)
        self._keep.store(data, len(data))
        self._stored = True

    def _note(self, entry: Entry, reason: str):
        """Have a change told; what finds no room is counted."""
        if len(self._waiting) >= _WAITING:
            self._untold += 1
            return
        buf, now = bytearray(_BYTES), self._site.now
        at = msgpack.put_array_head(buf, 0, 9)
        for number in (_VERSION, entry.event.id, entry.event.rev, self.agenda.phase(entry)):
            at = msgpack.put_int(buf, at, number)
        at = msgpack.put_str(buf, at, reason)
        for number in (now.day, now.second, now.soc_pm, self._untold):
            at = msgpack.put_int(buf, at, number)
        self._waiting.append(bytes(memoryview(buf)[:at]))
