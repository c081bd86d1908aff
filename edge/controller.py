"""The heart: one beat turns the freshest picture of the site into one safe command."""

from edge.compat import const, heap_lock, heap_unlock

_FAULT = const(64)  # edge.snapshot.FAULT, folded into the bytecode
_GATE_FAULT = const(7)  # edge.gate.FAULT


class Controller:
    """Runs the parts of one site (see edge/site.py) once a beat.

    `beat(now_ms, day, second)` takes one beat at the monotonic now_ms and the UTC (day, second)
    and returns the command, W. The heap is locked meanwhile. An internal error, or asking for
    heap, ends in 0 W, a latched fault and a row; it never escapes, and only a restart clears it.
    """

    def __init__(self, site):
        self.site = site
        self.beat = _assemble(site, self._rest)

    def _rest(self, now_ms: int, day: int, second: int) -> int:
        """0 W and a row that says so; the row may fail like everything else, the 0 W may not."""
        site, now = self.site, self.site.now
        now.command_w = 0
        for storage in site.fleet:
            storage.setpoint_w = 0
            storage.setpoint_ms = now_ms
        now.flags |= _FAULT
        now.day, now.second = day, second
        now.verdict = _GATE_FAULT
        try:
            site.envelope.open(0, 0)
            site.journal.note(now, site.envelope, 0)
            row = now.row
            row[0], row[2] = day, now_ms
            site.telemetry.offer(site.journal.row, _GATE_FAULT << 26 | now.flags, now.beat_s)
        except Exception:
            site.fault = site.fault or _FAULT  # the first fault is the cause; keep it
        return 0


def _assemble(site, rest):
    """Look every part up once, into default arguments (see edge/rules/__init__.py): looking up
    a method costs a microcontroller more than most methods do."""
    envelope = site.envelope
    journal = site.journal

    def beat(now_ms: int, day: int, second: int, now=site.now, envelope=envelope,
             settle=site.now.settle, meter=site.meter, open_envelope=envelope.open,
             rules=site.rules, choose_w=envelope.choose_w, allow_w=site.gate.allow_w,
             dispatch=site.dispatch.command, note=journal.note, row=journal.row,
             offer=site.telemetry.offer, planner=site.planner, think=site.think,
             site=site, rest=rest, heap_lock=heap_lock, heap_unlock=heap_unlock) -> int:
        if site.fault is not None:
            return rest(now_ms, day, second)
        heap_lock()
        try:
            settle(now_ms)  # read       how old, what to trust, the load at one common moment
            meter(day, second)  # meter      the beat just ended: demand, energy, money, carbon
            if planner.busy:  # plan       one slice of the slow thinking
                think()
            open_envelope(-now.charge_max_w, now.discharge_max_w)
            for narrow in rules:  # decide     most important first, each only narrows
                narrow(now)
            chosen_w = choose_w()
            allowed_w = allow_w(chosen_w, now)  # constrain  trusts nobody above it
            command_w = dispatch(allowed_w, now_ms)  # write      a bus task sends it
            now.command_w = command_w
            state = note(now, envelope, chosen_w)  # record     what was known, decided, and why
            offer(row, state, now.span_s)  # sync       never waits for the network
            return command_w
        except Exception as error:  # whatever it was, the battery must come to rest
            site.fault = error
        finally:
            heap_unlock()
        return rest(now_ms, day, second)

    return beat
