"""What feeds the plant: energy survives the cutting into beats, wrong files are named."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.feed import Made, Measured, factory, per_beat
from hil.series import Series, SeriesError, factory_day
from tests.hil.little import START, series

BEATS = st.sampled_from([1, 2, 5, 10, 15, 20, 30, 60])


@given(st.lists(st.integers(-10**6, 10**6), min_size=8, max_size=8), BEATS,
       st.sampled_from([900, 1800, 3600]))
def test_a_coarse_series_stays_as_it_is(watts: list[int], beat_s: int, step_s: int) -> None:
    feed = Measured(series(watts, step_s), beat_s)
    assert feed.quarters == 8 * step_s // 900
    cut = [w for number in range(feed.quarters) for w in feed.quarter(number)]
    assert cut == [w for w in watts for _ in range(step_s // beat_s)]


@given(st.integers(0, 10**6), BEATS)
def test_a_fine_series_keeps_its_energy(seed: int, beat_s: int) -> None:
    chance = random.Random(seed)
    watts = [chance.randint(0, 10**6) for _ in range(900)]
    cut = Measured(series(watts, 1), beat_s).quarter(0)
    assert len(cut) == 900 // beat_s
    assert 0 <= sum(watts) - sum(cut) * beat_s < 900  # whole watts, never too many


def test_only_steps_that_fit_are_cut() -> None:
    with pytest.raises(SeriesError, match="step of 90 s"):
        Measured(series([1] * 100, 90), 60)
    assert per_beat([5, 7], 90, 30) == [5, 5, 5, 7, 7, 7]


def test_a_series_begins_where_it_is_asked_to() -> None:
    feed = Measured(series(range(8)), 60, START + timedelta(minutes=30))
    assert feed.quarters == 6
    assert feed.quarter(0)[0] == 2


@pytest.mark.parametrize(("begins", "asked"), [
    (START + timedelta(minutes=7), START + timedelta(minutes=7)),
    (START, START - timedelta(minutes=15)),
    (START, START + timedelta(minutes=5)),
])
def test_a_series_that_begins_elsewhere_is_refused(begins: datetime, asked: datetime) -> None:
    with pytest.raises(SeriesError, match="begins at"):
        Measured(series([1] * 8, start=begins), 60, asked)


def test_the_first_day_is_the_shipped_factory_itself() -> None:
    feed = factory(START, 1, 2)
    watts = factory_day(START).watts
    assert list(feed.quarter(37)) == list(watts[37 * 900:38 * 900])
    assert list(feed.quarter(96 + 37)) != list(feed.quarter(37))


def test_days_of_a_generator_never_come_again_as_they_were() -> None:
    feed = Made(lambda seed: Series(START, 900, (seed * 100_000,) * 96, (False,) * 96), 60,
                30 * 96)
    days = [feed.quarter(day * 96)[0] for day in range(30)]
    assert len(set(days)) > 24
    assert days == [feed.quarter(day * 96)[0] for day in range(30)]
