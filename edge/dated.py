"""Whether a message can have expired, with a clock that may be wrong, set, stepped or frozen.

By the wall clock where it was set and goes as the monotonic one: one that does not is not believed
again in this life, and one set back would make old messages young. Else by a nonce: who repeats it
wrote after it was given away, so the message is no older than that. It is good once it is given
away, for as long as the message may live.
"""

import os

from edge.compat import const
from edge.ticks import ticks_diff

_AHEAD_S = const(90)  # how far two honest clocks may be apart
_SLACK_S = const(2)  # and the wall clock from the monotonic one, between two marks
_MARKS = const(10_000)  # ms between two marks, for each second of slack
_YOUNG_MS = const(5_000)  # so long several may be given the same nonce
_FORGET_MS = const(400_000_000)  # a nonce, before the ticks come round
_DAY_S = const(86_400)


class Dated:
    """Of one gateway's life; `site` tells the time of its last beat."""

    def __init__(self, site):
        self.steady = True  # whether the wall clock has gone as the monotonic one
        self.nonce = 0  # given away last; 0: none
        self._nonce_ms = 0
        self._site = site
        self._slack_s = _SLACK_S + site.beat_s  # the time told is that of the last beat
        self._wall_s = self._marked_ms = -1

    def watch(self, now_ms: int):
        """Look at both clocks; at least once an hour, better every second. What has passed since
        the last mark must agree; the mark goes on only so seldom that a tenth too slow is seen."""
        if self.nonce and not 0 <= ticks_diff(now_ms, self._nonce_ms) < _FORGET_MS:
            self.nonce = 0
        if not self._site.clock_set:
            return
        wall_s = self.wall_s()
        if self._marked_ms >= 0:
            passed_ms = ticks_diff(now_ms, self._marked_ms)
            off_s = wall_s - self._wall_s - passed_ms // 1000
            if not -self._slack_s <= off_s <= self._slack_s:
                self.steady = False
            if 0 <= passed_ms < _MARKS * self._slack_s:
                return
        self._wall_s, self._marked_ms = wall_s, now_ms

    def wall_s(self) -> int:
        """Seconds since 2000-01-01 UTC, as of the last beat; beyond 31 bits from 2034 on."""
        now = self._site.now
        return now.day * _DAY_S + now.second

    def give(self, now_ms: int) -> int:
        """A nonce to give away: a new one, since an older one would age the message."""
        if self.nonce and 0 <= ticks_diff(now_ms, self._nonce_ms) < _YOUNG_MS:
            return self.nonce
        self.nonce = 0
        while self.nonce == 0:
            for byte in os.urandom(4):
                self.nonce = self.nonce << 8 & 0xFFFFFFFF | byte
        self._nonce_ms = now_ms
        return self.nonce

    def left_s(self, nonce: int, issued: int, ttl_s: int, now_ms: int) -> "tuple[int, str]":
        """How many seconds of a message's ttl_s are left for certain; 0 and the reason if none.
        `nonce` 0: it goes by the clock, and was written at `issued`."""
        if nonce:
            if nonce != self.nonce:
                return 0, "nonce"
            age_s = (ticks_diff(now_ms, self._nonce_ms) + 999) // 1000
        else:
            self.watch(now_ms)
            if not (self._site.clock_set and self.steady):
                return 0, "clock"
            age_s = self.wall_s() - issued
            if age_s < -_AHEAD_S:
                return 0, "future"
            if age_s < 0:
                age_s = 0
        return (ttl_s - age_s, "") if age_s < ttl_s else (0, "expired")

