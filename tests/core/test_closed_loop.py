"""The contract limit in closed loop: old readings, unlike readings, a slow converter.

A step of the load from 60 to 150 kW against a limit of 100 kW. Adding readings of different age
makes such a loop oscillate; pairing them at one moment must not.
"""

from __future__ import annotations

import itertools

import pytest

from hil.plants import Battery
from tests.core.loop import ONLY, Loop
from tests.core.park import image

LIMIT_W = 100_000
BEFORE_W, AFTER_W = 60_000, 150_000
AGES_S = (0, 1, 3, 5)
LAGS_S = (0, 1, 2, 3)


def limited() -> dict:
    return image(without=(*ONLY, "demand"), rules={"contract": {"import_max_w": LIMIT_W}})


def lag_alone_s(tau_s: int) -> int:
    """Seconds until a converter told the right power at once is within 2 kW of it."""
    battery, seconds = Battery(10_000_000, 200_000, 100_000, soc_pm=800, tau_s=tau_s), 0
    while abs(battery.run(AFTER_W - LIMIT_W, 1) - (AFTER_W - LIMIT_W)) > 2000:
        seconds += 1
    return seconds


def judge(grid_w: list[int], deadline_s: int) -> None:
    """No slower than physics, then still; never below 80 kW."""
    outside = [k for k, w in enumerate(grid_w) if abs(w - LIMIT_W) > 2000]
    assert len(grid_w) >= 100
    assert not outside or outside[-1] < deadline_s
    assert min(grid_w) >= 80_000
    calm = grid_w[max(deadline_s, 15):]
    assert max(calm) - min(calm) < 4000


@pytest.mark.parametrize("tau_s", LAGS_S)
@pytest.mark.parametrize(("grid_s", "store_s"), list(itertools.product(AGES_S, AGES_S)))
def test_a_step_settles_as_soon_as_it_can_be_seen(grid_s, store_s, tau_s):
    """As fast as anyone who sees it so late, and does not overdrive the converter, could be: the
    age of the older reading, then the converter's own lag. Within 15 s, but for readings 5 s old
    with a lag of 3 s, where these two alone take 16."""
    loop = Loop(limited(), ages=(grid_s, store_s), tau_s=tau_s)
    loop.run([BEFORE_W] * 40)
    grid_w = loop.run([AFTER_W] * 120)
    physics_s = max(grid_s, store_s) + lag_alone_s(tau_s)
    assert physics_s <= 16
    judge(grid_w, physics_s)


@pytest.mark.parametrize(("grid_s", "store_s"), [(1, 1), (5, 1), (1, 5), (3, 5)])
def test_it_lets_go_as_quickly(grid_s, store_s):
    """When the load falls back nothing is left discharging."""
    loop = Loop(limited(), ages=(grid_s, store_s), tau_s=1)
    loop.run([AFTER_W] * 60)
    grid_w = loop.run([BEFORE_W] * 40)
    settled = max(grid_s, store_s) + lag_alone_s(1) + 2
    assert all(abs(w - BEFORE_W) <= 2000 for w in grid_w[settled:])
    assert loop.commands[-1] == 0


class Polled(Loop):
    """Readings that are taken only every few seconds, each device at its own moments."""

    every = (1, 1)
    offset = (0, 0)

    def seen_back(self, device: int) -> int:
        return (self.second - self.offset[device]) % self.every[device]

    def step(self, load_w: int) -> int:
        self.ages = (self.seen_back(0), self.seen_back(1))
        return super().step(load_w)


@pytest.mark.parametrize("tau_s", [0, 1, 3])
@pytest.mark.parametrize(("every", "offset"), [
    ((1, 2), (0, 1)), ((2, 2), (0, 1)), ((2, 3), (1, 0)), ((3, 3), (0, 1)), ((3, 3), (0, 2)),
    ((5, 5), (0, 2)), ((5, 5), (0, 3)), ((5, 3), (0, 1)), ((1, 5), (0, 3)), ((5, 1), (2, 0))])
@pytest.mark.parametrize("phase", range(3))
def test_polled_at_different_moments_it_does_not_oscillate(every, offset, tau_s, phase):
    """Two devices in turn on one line: a battery's step lies between two of its readings."""
    loop = Polled(limited(), tau_s=tau_s)
    loop.every, loop.offset = every, offset
    loop.run([BEFORE_W] * (40 + phase))
    grid_w = loop.run([AFTER_W] * 120)
    judge(grid_w, max(every) + min(every) + lag_alone_s(tau_s))
