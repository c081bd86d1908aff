"""One import limit, shared by several gateways behind one coupling point, with or without a link.

Every gateway owns a safe share, and the shares add up to no more than the limit (the host checks
it). Whoever hears nothing keeps to its own. What it does not need it lends, as a lease that needs
no common clock:

  - Every message has a number. A lender says, beside each loan, the number it last heard from the
    borrower.
  - The borrower uses a loan for `lease_ms` from the moment at which it *sent* that number.
  - The lender counts it as given for longer, `lease_ms + settle_ms`, from the moment at which it
    *said* it, which is later. The difference is for clocks of unlike speed, and for the battery
    to follow.
  - It says so only after it has done without: a beat has kept to the smaller allowance, and a
    reading taken after that beat shows the import below it.

So no watt is anybody's twice, however late, lost, doubled or out of order messages are; the sum of
all allowances never exceeds the limit. A gateway that starts cannot know what it has lent, and
keeps to the part that is never lent (`keep_w`) until every older loan is over.
"""

from array import array

from edge.compat import const
from edge.share_law import Law
from edge.ticks import ticks_diff

_TICKS = const((1 << 30) - 1)


class Share:
    """The books of one gateway. `allowance_w` is asked by the beat; `next_turn` begins another
    period, after which `number`, `spares_w[at]`, `wants_w[at]`, `heard` and `said_w` are what to
    tell the others; `hear` takes what one of them told.

    `keys` are those of the rule; `number`, any of 0 .. 2^30 - 1, should be another at every start.
    """

    def __init__(self, keys: dict, beat_ms: int, number: int):
        self.size = size = keys["size"]
        self.at = keys["at"]
        self.safe_w = keys["safe_w"]
        self.group = keys["group"]  # what all have to agree on
        self.margin_w = keys["margin_w"]
        self.number = number
        self.period_ms = keys["period_ms"]
        self.spares_w = array("i", [0] * size)
        self.wants_w = array("i", [0] * size)
        self.heard = array("i", [-1] * size)  # number of each one's last message; -1: none
        self.said_w = array("i", [0] * size)  # loans to each as last said
        self.given_w = self.safe_w - keys["keep_w"]  # in force, promised or perhaps still used
        self.used_w = 0  # the allowance that the last beat kept to,
        self.used_ms = 0  # and since when it has counted all that is given now
        self.room_w = 0  # what the battery could be charged with, were it not for this limit
        self._lendable_w = self.given_w
        self._limit_w = keys["limit_w"]
        self._beat_ms = beat_ms
        self._lease_ms = keys["lease_ms"]
        self._hold_ms = keys["lease_ms"] + keys["settle_ms"]
        self._law = Law(size, self.at, self._limit_w)
        self._heard_ms = array("i", [0] * size)
        self._promised_w = array("i", [0] * size)  # to be said when it has been done without
        self._loans_w = array("i", [0] * size)  # from each,
        self._until_ms = array("i", [0] * size)  # and when they end
        depth = self._hold_ms // self.period_ms + 1  # turns that cover the time a loan is held
        self._depth = depth
        self._turns = 0
        self._sent_ms = array("i", [0] * depth)  # when the last messages were sent
        self._past_w = array("i", [0] * (depth * size))  # and the loans they told
        self._started = False  # whether all that an earlier life may have lent is over
        self._counted_w = -1  # given_w as the last beat knew it
        self._start_ms = -1

    # What the beat asks.

    def allowance_w(self, now_ms: int) -> int:
        """The import allowed until the next beat, W: a loan counts when it will outlive that."""
        if not self._started:
            self._start(now_ms)
        if self._counted_w != self.given_w:
            self._counted_w = self.given_w
            self.used_ms = now_ms
        w = self.safe_w - self.given_w
        loans_w = self._loans_w
        for k in range(self.size):
            if loans_w[k]:
                left_ms = self._until_ms[k] - now_ms & _TICKS
                if left_ms > self._lease_ms:
                    loans_w[k] = 0  # over, and for good: ticks come round
                elif left_ms > self._beat_ms:
                    w += loans_w[k]
        if w > self._limit_w:
            w = self._limit_w
        self.used_w = w
        return w

    def _start(self, now_ms: int):
        if self._start_ms < 0:
            self._start_ms = now_ms
        elif now_ms - self._start_ms & _TICKS > self._hold_ms:
            self._started = True
            self.given_w = 0

    # What the link asks, and tells.

    def next_turn(self, now_ms: int, spare_w: int, want_w: int, import_w: int, import_ms: int):
        """Another period begins: think again who needs what, and decide what to tell. `spare_w`
        is what the load leaves of the safe share (below 0: lacks), `want_w` what the battery would
        be charged with, `import_w` the grid meter's last reading, of the tick import_ms."""
        done = (self._counted_w == self.given_w and import_w <= self.used_w
                and ticks_diff(import_ms, self.used_ms) > 0)  # without what was promised
        self._forget(now_ms)
        at = self.at
        self.spares_w[at] = spare_w if spare_w < self._lendable_w else self._lendable_w
        self.wants_w[at] = want_w
        self._law.divide(self.spares_w, self.wants_w)
        self.number = self.number + 1 & _TICKS
        place = self._turns % self._depth
        self._turns += 1
        self._sent_ms[place] = now_ms
        self._say(place, done)
        if self._started:
            self._promise()

    def _forget(self, now_ms: int):
        """Who has not been heard of for a lease is not there."""
        for k in range(self.size):
            if self.heard[k] >= 0 and not 0 <= ticks_diff(now_ms, self._heard_ms[k]) \
                    <= self._lease_ms:
                self.heard[k] = -1
                self.spares_w[k] = self.wants_w[k] = 0

    def _say(self, place: int, done: bool):
        """Less at once, more only when it was promised and done without."""
        for k in range(self.size):
            w = self._law.loans_w[k] if self._started and self.heard[k] >= 0 else 0
            if w > self.said_w[k]:
                w = self._promised_w[k] if w > self._promised_w[k] else w
                if not done:
                    w = self.said_w[k]
            self.said_w[k] = w
            self._past_w[place * self.size + k] = w

    def _promise(self):
        """Count what may still be used, and do without what shall be lent next."""
        room_w = self._lendable_w
        given_w = 0
        for k in range(self.size):
            self._promised_w[k] = held_w = self._held_w(k)
            room_w -= held_w
            given_w += held_w
        for k in range(self.size):
            if self.heard[k] >= 0:
                more_w = self._law.loans_w[k] - self._promised_w[k]
                if more_w > room_w:
                    more_w = room_w
                if more_w > 0:
                    self._promised_w[k] += more_w
                    room_w -= more_w
                    given_w += more_w
        self.given_w = given_w

    def _held_w(self, k: int) -> int:
        """The most that gateway k may use: the highest loan said to it within the holding time."""
        most_w = 0
        for place in range(self._depth):
            w = self._past_w[place * self.size + k]
            if w > most_w:
                most_w = w
        return most_w

    def hear(self, k: int, number: int, spare_w: int, want_w: int, echo: int, loan_w: int,
             now_ms: int):
        """Gateway k told its message's number, what it has to spare and wants, and that it lends
        loan_w to whoever sent the message of number `echo`, which may be this one."""
        self.heard[k] = number
        self._heard_ms[k] = now_ms
        self.spares_w[k] = spare_w
        self.wants_w[k] = want_w
        back = self.number - echo & _TICKS
        if echo < 0 or back >= self._depth or back >= self._turns:
            return  # not of this life, or too old to count for anything
        until_ms = self._sent_ms[(self._turns - 1 - back) % self._depth] + self._lease_ms & _TICKS
        if self._loans_w[k] and ticks_diff(until_ms, self._until_ms[k]) < 0:
            return  # it was late: a newer word holds
        self._loans_w[k] = loan_w
        self._until_ms[k] = until_ms
