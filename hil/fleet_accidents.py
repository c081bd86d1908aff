"""What befalls a fleet and its cloud, drawn from a seed, and carried out while the load goes on."""

from __future__ import annotations

import heapq
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from hil.fleet_cloud import Victim

# How often a minute, and for how long at most, s. `network` and `power` befall gateways.
KINDS = {"worker": (6, 5.0), "broker": (1, 8.0), "node": (1, 15.0), "database": (1, 5.0),
         "network": (12, 45.0), "power": (6, 0.0)}
ALONE = ("broker", "node", "database")  # none of a kind falls while another of it is down
_SHORTER_S = 120.0  # in a shorter load, what takes long takes less, in proportion
_AGAIN_S = 1.0  # what can't be now is tried again


class Accident(NamedTuple):
    """One of `kind` falls at `at_s` of the load, for `for_s`."""

    at_s: float
    kind: str
    which: int
    for_s: float
    is_silent: bool  # of a network: nothing is refused, nothing arrives


def plan(seed: int, load_s: float, numbers: Mapping[str, int]) -> list[Accident]:
    """At least one of each kind; `numbers` says how many there are of it."""
    chance = random.Random(seed)
    made = []
    for kind in sorted(numbers):
        a_minute, longest_s = KINDS[kind]
        for _ in range(max(1, round(a_minute * load_s / 60))):
            longest = longest_s * min(1.0, load_s / _SHORTER_S)
            made.append(Accident(chance.uniform(0.1, 0.95) * load_s, kind,
                                 chance.randrange(numbers[kind]),
                                 chance.uniform(0.1, 1.0) * longest, chance.random() < 0.5))
    return sorted(made)


class Accidents:
    """`turn` carries out what is due, `end` makes all whole."""

    def __init__(self, planned: list[Accident], victims: Mapping[str, Victim],
                 clock_s: Callable[[], float] = time.monotonic) -> None:
        self.done: Counter[str] = Counter()
        self.last_s = 0.0  # of the load, when the last one began
        self._victims = victims
        self._due = [(one.at_s, number, True, one) for number, one in enumerate(planned)]
        self._down: dict[tuple[str, int], Accident] = {}
        self._clock_s = clock_s
        self._began_s = clock_s()

    def turn(self) -> None:
        """Whatever is due now."""
        past_s = self._clock_s() - self._began_s
        while self._due and self._due[0][0] <= past_s:
            _, number, falls, one = heapq.heappop(self._due)
            if not falls:
                self._revive(one)
            elif self._may_fall(one):
                self._fall(one, past_s)
                heapq.heappush(self._due, (past_s + one.for_s, number, False, one))
            else:
                heapq.heappush(self._due, (past_s + _AGAIN_S, number, True, one))

    def end(self) -> None:
        """What is down comes back; what has not been is not."""
        self._due.clear()
        for one in list(self._down.values()):
            self._revive(one)

    def _may_fall(self, one: Accident) -> bool:
        if one.kind in ALONE:
            is_down = any(kind == one.kind for kind, _ in self._down)
        else:
            is_down = (one.kind, one.which) in self._down
        return not is_down and self._victims[one.kind].is_whole()

    def _fall(self, one: Accident, past_s: float) -> None:
        kind = self._victims[one.kind]
        if one.is_silent and kind.silence is not None:
            kind.silence(one.which)
        else:
            kind.kill(one.which)
        self._down[one.kind, one.which] = one
        self.done[one.kind] += 1
        self.last_s = past_s

    def _revive(self, one: Accident) -> None:
        del self._down[one.kind, one.which]
        self._victims[one.kind].revive(one.which)
