"""When the planner thinks: a slice a second, but not on top of a minute that closes."""

import pytest

from edge.site import Site
from hil.emulate import image_of
from tests.hil.little import foundry

DAY = 9657


class Thinker:
    """Counts its slices, and is never done."""

    busy = True

    def __init__(self) -> None:
        self.slices = 0

    def step(self, net_w: int, store_wh: int) -> None:
        self.slices += 1


@pytest.mark.parametrize(("beat_s", "slices"), [(1, [1, 1, 2]), (15, [15, 15, 30]),
                                                (60, [60, 120, 180])])
def test_a_beat_that_closes_a_minute_does_not_think_unless_every_beat_does(beat_s, slices) -> None:
    site = Site(image_of(foundry(), beat_s))
    site.planner = thinker = Thinker()
    found = []
    for closes in (False, True, False):
        if closes:
            site.close_minute(DAY, 61, 1)
        site.think()
        found.append(thinker.slices)
    assert found == slices
