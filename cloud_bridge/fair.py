"""A gateway that floods takes nothing from the others.

Each topic has a bucket of messages that fills with time. What finds it empty is not stored and not
acknowledged: an honest gateway sends it again, as after any loss, and a liar has only cost the
time to read it.
"""

import time
from collections.abc import Callable, Iterable

_MOST_TOPICS = 100_000  # remembered; the topics are as made up as what a stranger may publish


class Fair:
    """`per_s` messages of each topic in the long run, `burst` at once."""

    def __init__(self, per_s: float = 200.0, burst: float = 2_000.0,
                 clock_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock_s = clock_s
        self._buckets: dict[str, tuple[float, float]] = {}  # what was left, and when

    def admit(self, arrivals: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        """Those of (topic, payload) for which there is room."""
        now_s = self._clock_s()
        admitted = []
        for arrival in arrivals:
            left, then_s = self._buckets.get(arrival[0], (self._burst, now_s))
            left = min(self._burst, left + (now_s - then_s) * self._per_s)
            if left >= 1:
                left -= 1
                admitted.append(arrival)
            self._buckets[arrival[0]] = left, now_s
        if len(self._buckets) > _MOST_TOPICS:
            self._forget(now_s)
        return admitted

    def _forget(self, now_s: float) -> None:
        """The full ones say nothing; when that is not enough, all begin anew."""
        full_s = self._burst / self._per_s
        self._buckets = {topic: bucket for topic, bucket in self._buckets.items()
                         if now_s - bucket[1] < full_s}
        if len(self._buckets) > _MOST_TOPICS:
            self._buckets.clear()
