"""What somebody said the load will be: a production schedule, a queue at the chargers.

The slots of the next day, each with a load, how sure it is and when the word lapses. The newest
word for a slot wins, because who plans again knows more. What was said is held against what came:
a slot that contradicts it halves the trust in all that is still to come, one that bears it out
restores a little. What cannot be right is refused whole, or taken in part, with a reason that is
counted.
"""

from array import array

from edge.compat import const

AHEAD = const(96)  # slots of 15 minutes that may be announced, from the running one on
TOTAL = const(0)  # kinds: the whole load of the site,
EXTRA = const(1)  # or on top of the remembered load
OK = const(0)  # reasons
CLIPPED = const(1)
PAST = const(2)
EXPIRED = const(3)
EMPTY = const(4)
SURE = const(5)
KIND = const(6)
CLOCK = const(7)
WORDS = ("taken", "taken in part: some of it is past, too far ahead or out of range",
         "all of it is past or too far ahead", "expired", "no slots",
         "a confidence of 1 .. 1000 is expected", "unknown kind", "the time is not known yet")
_REASONS = const(8)
REACH = const(40)  # slots that are believed at a time
_TOLERANCE_PM = const(250)  # of the battery's power that a load may differ from what was said
_RESTORED_PM = const(40)  # trust that a slot as announced gives back
_TRUST_MIN_PM = const(100)  # below it nothing is believed
_W_MAX = const(8_000_000)


class Announced:
    """`scale`: the planner's units (edge/plan/scale.py); `schedule`: what every week brings, as
    [bits of the days, Monday 1; first slot; end; kind; W; confidence] a line. `trust_pm`: how far
    all of it is believed; `counts`: announcements by reason; `contradicted`: slots."""

    def __init__(self, scale, schedule=()):
        self.scale, self.schedule = scale, schedule
        self.trust_pm = 1000
        self.counts = array("i", bytes(4 * _REASONS))
        self.contradicted = 0
        self._loads = array("h", bytes(2 * AHEAD))  # of a slot, by its number modulo AHEAD, quanta
        self._sure = array("h", bytes(2 * AHEAD))  # per mille; below 0: extra; 0: nothing said
        self._early = bytearray(AHEAD)  # how many slots before its own ends the word lapses
        self._now = -1  # number of the running slot: day * 96 + slot

    def announce(self, day: int, slot: int, loads_w, kind: int, confidence_pm: int,
                 until_day: int, until_slot: int) -> int:
        """Say the mean load (W) of consecutive slots from a local `day` (since 2000-01-01) and slot
        (0 .. 95) on; the word lapses when slot `until_slot` of `until_day` begins. Returns the
        reason, one of WORDS: all of it is refused but for OK and CLIPPED."""
        reason = self._take(day * 96 + slot, loads_w, kind, confidence_pm,
                            until_day * 96 + until_slot)
        self.counts[reason] += 1
        return reason

    def _take(self, first: int, loads_w, kind: int, confidence_pm: int, until: int) -> int:
        now, end = self._now, self._now + AHEAD
        if now < 0:
            return CLOCK
        if kind != TOTAL and kind != EXTRA:
            return KIND
        if confidence_pm < 1 or confidence_pm > 1000:
            return SURE
        if not loads_w:
            return EMPTY
        if until <= now:
            return EXPIRED
        if first + len(loads_w) <= now or first >= end:
            return PAST
        reason, number = OK, first
        for load_w in loads_w:
            if load_w > _W_MAX or load_w < -_W_MAX:
                load_w = _W_MAX if load_w > 0 else -_W_MAX
                reason = CLIPPED
            if now <= number < end:
                self._say(number, load_w, kind, confidence_pm, until)
            else:
                reason = CLIPPED
            number += 1
        return reason

    def _say(self, number: int, load_w: int, kind: int, sure_pm: int, until: int):
        at = number % AHEAD
        self._loads[at] = self.scale.power(load_w)
        self._sure[at] = sure_pm if kind == TOTAL else -sure_pm
        early = number + 1 - until
        self._early[at] = early if early > 0 else 0

    def load(self, day: int, slot: int, otherwise: int) -> int:
        """The load (quanta) to plan with in a slot (96 and on: of the day after), of which memory
        says `otherwise`: as announced, as far as that is believed."""
        number, now = day * 96 + slot, self._now
        at = number % AHEAD
        sure_pm = self._sure[at]
        if sure_pm == 0 or number < now or number >= now + AHEAD \
                or number - self._early[at] < now:
            return otherwise
        more = self._loads[at]
        if sure_pm > 0:
            more -= otherwise
        else:
            sure_pm = -sure_pm
        return otherwise + more * (sure_pm * self.trust_pm // 1000) // 1000

    def known(self) -> int:
        """How many slots after the running one are announced without a gap, and believed; ten
        hours at most, so that a slice of thinking stays short."""
        count = 0
        while count < REACH and self._believed(count + 1):
            count += 1
        return count

    def sure_pm(self) -> int:
        """How far the word for the next slot is believed; 0 without one."""
        return self._believed(1)

    def _believed(self, later: int) -> int:
        """Confidence times trust, per mille, of a slot so much after the running one."""
        at = (self._now + later) % AHEAD
        if self._early[at] > later or self.trust_pm < _TRUST_MIN_PM:
            return 0
        sure_pm = self._sure[at]
        return (sure_pm if sure_pm > 0 else -sure_pm) * self.trust_pm // 1000

    def passed(self, day: int, slot: int, load: int, otherwise: int):
        """A slot has ended with a mean load (quanta), of which memory said `otherwise`."""
        number, now = day * 96 + slot, self._now
        at = number % AHEAD
        self._now = number + 1
        if number == now:
            sure_pm = self._sure[at]
            if sure_pm and self._early[at] == 0:
                self._judge(load - self._loads[at] - (0 if sure_pm > 0 else otherwise))
            self._sure[at] = 0
            self._scheduled(number + AHEAD)
            return
        for at in range(AHEAD):  # the first slot, or the clock was set: by the old one it was said
            self._sure[at] = 0
        for at in range(AHEAD):
            self._scheduled(number + 1 + at)

    def _scheduled(self, number: int):
        """Say what the week's schedule has for a slot that nobody could speak of before."""
        slot, weekday = number % 96, (number // 96 + 5) % 7  # day 0, 2000-01-01, was a Saturday
        for line in self.schedule:
            if line[0] >> weekday & 1 and line[1] <= slot < line[2]:
                self._say(number, line[4], line[3], line[5], number + 1)

    def _judge(self, error: int):
        """Believe less, or again, after a slot that differed so much (quanta)."""
        tolerance = self.scale.discharge * _TOLERANCE_PM // 1000
        if error > tolerance or error < -tolerance:
            self.contradicted += 1
            self.trust_pm //= 2
        else:
            self.trust_pm += _RESTORED_PM
            if self.trust_pm > 1000:
                self.trust_pm = 1000
