"""Four weeks for a planner to remember, on both interpreters: the worst case of its thinking."""

from edge.plan.memory import DAYS, SLOTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def remember(planner: "Any", day: int) -> None:
    """Give a planner that has thought of nothing yet the 28 days before local `day` (since
    2000-01-01), all alike enough to be asked: two shifts, and a peak before noon."""
    memory, target, power = planner.memory, planner.target, planner.scale.discharge
    for past in range(day - DAYS, day):
        for slot in range(SLOTS):
            load = power * (300 + (slot * 7919 + past * 104_729) % 100) // 1000
            if 28 <= slot < 84:
                load += power * (500 + past * 7919 % 50) // 1000
            if 40 <= slot < 46:
                load += power * 400 // 1000
            memory.note(past, slot, load)
            target.note(slot, load)
        target.end_day(past)
        while not target.learn():
            pass
