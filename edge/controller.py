"""The heart: one beat turns the freshest picture of the site into one safe command."""

from edge.snapshot import FAULT

INTERNAL_FAULT = 7  # verdict of a beat that could not be finished


class Controller:
    """Runs the parts of one site (see edge/site.py) once a beat."""

    def __init__(self, site):
        self.site = site
        self.now = site.now
        self.envelope = site.envelope
        # bound once: looking a method up costs a microcontroller more than most methods do
        self._settle = site.now.settle
        self._meter = site.meter
        self._open = site.envelope.open
        self._choose_w = site.envelope.choose_w
        self._allow_w = site.gate.allow_w
        self._command = site.dispatch.command
        self._note = site.journal.note
        self._offer = site.telemetry.offer

    def beat(self, now_ms: int, day: int, second: int) -> int:
        """Take one beat at the monotonic now_ms and the UTC (day, second); returns the command,
        W. An internal error ends in 0 W, a latched fault and a row; it never escapes, and only
        a restart clears it."""
        if self.site.fault is None:
            try:
                self._beat(now_ms, day, second)
                return self.now.command_w
            except Exception as error:  # whatever it was, the battery must come to rest
                self.site.fault = error
        return self._rest(now_ms, day, second)

    def _beat(self, now_ms: int, day: int, second: int):
        site, now, envelope = self.site, self.now, self.envelope
        for show in site.shows:  # read       the newest values and their ages
            show(now, now_ms)
        self._settle(now_ms)  # estimate   what to trust, the load at one common moment
        self._meter(day, second)  # meter      the beat just ended: demand, energy, money, carbon
        if site.planner.busy:  # plan       one slice of the slow thinking
            site.think()
        self._open(-now.charge_max_w, now.discharge_max_w)
        for narrow in site.rules:  # decide     most important first, each only narrows
            narrow(envelope, now)
        chosen_w = self._choose_w()
        allowed_w = self._allow_w(chosen_w, now)  # constrain  trusts nobody above it
        now.command_w = self._command(allowed_w, now_ms)  # write      a bus task sends it
        verdict = site.gate.verdict
        self._note(now, envelope, chosen_w, verdict)  # record     and tell the cloud what is news
        state = ((verdict << 4 | envelope.lo_by) << 4 | envelope.hi_by) << 8 | now.flags
        self._offer(site.journal.row, state, now.span_s)

    def _rest(self, now_ms: int, day: int, second: int) -> int:
        """0 W and a row that says so; the row may fail like everything else, the 0 W may not."""
        site, now = self.site, self.now
        site.storage.setpoint_w = now.command_w = 0
        site.storage.setpoint_ms = now_ms
        now.flags |= FAULT
        now.now_ms, now.day, now.second = now_ms, day, second
        try:
            self.envelope.open(0, 0)
            site.journal.note(now, self.envelope, 0, INTERNAL_FAULT)
            site.journal.row[0] = day
            site.telemetry.offer(site.journal.row, INTERNAL_FAULT << 16 | now.flags, now.beat_s)
        except Exception as error:
            site.fault = error
        return 0
