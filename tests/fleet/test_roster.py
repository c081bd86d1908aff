"""Who runs: enough of them, the best of them, and no back and forth."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.fleet.roster import choose


def units(*powers: int, merits: list[int] | None = None, on: list[bool] | None = None
          ) -> list[Any]:
    merits, on = merits or [500] * len(powers), on or [False] * len(powers)
    return [SimpleNamespace(least_w=min(w, 0), most_w=max(w, 0), merit=merit, on=runs, free=False)
            for w, merit, runs in zip(powers, merits, on, strict=True)]


def chosen(site_w: int, made: list[Any]) -> list[bool]:
    choose(site_w, made)
    return [unit.on for unit in made]


fleet = st.lists(st.tuples(st.integers(0, 1_000_000), st.integers(0, 1000), st.booleans()),
                 min_size=1, max_size=8)


@given(fleet, st.integers(1, 8_000_000), st.booleans())
def test_those_who_run_can_do_it_or_all_run_who_can(fleet, site_w, charging):
    sign = -1 if charging else 1
    made = units(*(sign * w for w, _, _ in fleet), merits=[merit for _, merit, _ in fleet],
                 on=[on for _, _, on in fleet])
    runs = chosen(sign * site_w, made)
    able = [w for w, _, _ in fleet]
    sum_w = sum(w for w, on in zip(able, runs, strict=True) if on)
    assert sum_w >= site_w or runs == [w > 0 for w in able]
    assert not any(on and w == 0 for w, on in zip(able, runs, strict=True))


@given(fleet, st.integers(1, 8_000_000))
def test_thinking_again_changes_nothing(fleet, site_w):
    made = units(*(w for w, _, _ in fleet), merits=[merit for _, merit, _ in fleet])
    first = chosen(site_w, made)
    second = chosen(site_w, made)
    assert chosen(site_w, made) == second
    assert sum(second) >= sum(first), "one that would not have joined is kept, none is sent home"


def test_one_joins_above_seven_tenths_and_leaves_below_four():
    made = units(100, 100)
    assert chosen(70, made) == [True, False]
    assert chosen(71, made) == [True, True]
    assert chosen(41, made) == [True, True]
    assert chosen(40, made) == [True, False]
    assert chosen(70, made) == [True, False]


def test_one_is_relieved_by_another_that_holds_clearly_more():
    made = units(100, 100, merits=[500, 550], on=[True, False])
    assert chosen(30, made) == [True, False]
    made[1].merit = 551
    assert chosen(30, made) == [False, True]
    made[0].merit = 590
    assert chosen(30, made) == [False, True]


def test_like_ones_are_taken_in_the_order_of_the_site_file():
    assert chosen(30, units(100, 100, 100)) == [True, False, False]
