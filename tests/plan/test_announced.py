"""Announced loads: what is taken, what is refused and why, and how far it is believed."""

from hypothesis import given
from hypothesis import strategies as st

from edge.plan.announced import (
    AHEAD,
    CLIPPED,
    CLOCK,
    EMPTY,
    EXPIRED,
    EXTRA,
    KIND,
    OK,
    PAST,
    SURE,
    TOTAL,
    WORDS,
    Announced,
)
from edge.plan.scale import Scale

DAY = 9000  # 2024-08-22, a Thursday
NEVER = (DAY + 100, 0)


def made(schedule=(), passed=True) -> Announced:
    """After slot 39 of DAY, so that slot 40 is running; a quantum is 1 kW."""
    announced = Announced(Scale(2_000_000, 1_000_000, 1_000_000, 900, 0), schedule)
    if passed:
        announced.passed(DAY, 39, 500, 500)
    return announced


def told(announced: Announced, slot: int, otherwise: int = 7) -> int:
    return announced.load(DAY, slot, otherwise)


def test_what_is_said_replaces_what_is_remembered() -> None:
    announced = made()
    assert announced.announce(DAY, 41, [600_000, 700_000], TOTAL, 1000, *NEVER) == OK
    assert [told(announced, slot) for slot in range(40, 44)] == [7, 600, 700, 7]
    assert announced.known() == 2


def test_extra_comes_on_top() -> None:
    announced = made()
    announced.announce(DAY, 41, [50_000], EXTRA, 1000, *NEVER)
    assert told(announced, 41, 300) == 350


@given(st.integers(1, 1000), st.integers(-2000, 2000), st.integers(-2000, 2000))
def test_confidence_lies_between_memory_and_word(sure_pm: int, kw: int, otherwise: int) -> None:
    announced = made()
    announced.announce(DAY, 41, [kw * 1000], TOTAL, sure_pm, *NEVER)
    found = told(announced, 41, otherwise)
    assert min(kw, otherwise) <= found <= max(kw, otherwise)
    assert abs(found - otherwise - (kw - otherwise) * sure_pm / 1000) <= 1


def test_the_newest_word_wins_slot_by_slot() -> None:
    announced = made()
    announced.announce(DAY, 41, [600_000] * 3, TOTAL, 1000, *NEVER)
    announced.announce(DAY, 42, [100_000], EXTRA, 1000, *NEVER)
    assert [told(announced, slot, 10) for slot in (41, 42, 43)] == [600, 110, 600]


REFUSED = (
    (DAY, 20, [1000] * 5, TOTAL, 1000, *NEVER, PAST),
    (DAY, 40 + AHEAD, [1000], TOTAL, 1000, *NEVER, PAST),
    (DAY, 41, [1000], TOTAL, 1000, DAY, 40, EXPIRED),
    (DAY, 41, [], TOTAL, 1000, *NEVER, EMPTY),
    (DAY, 41, [1000], TOTAL, 0, *NEVER, SURE),
    (DAY, 41, [1000], TOTAL, 1001, *NEVER, SURE),
    (DAY, 41, [1000], 2, 1000, *NEVER, KIND),
)


def test_what_cannot_be_right_is_refused_whole_and_counted() -> None:
    announced = made()
    for *said, reason in REFUSED:
        assert announced.announce(*said) == reason
    assert [told(announced, slot) for slot in range(40, 140)] == [7] * 100
    assert announced.counts[PAST] == 2
    assert sum(announced.counts) == len(REFUSED)
    assert len(WORDS) == len(announced.counts)


def test_before_the_time_is_known_nothing_is_taken() -> None:
    assert made(passed=False).announce(DAY, 41, [1000], TOTAL, 1000, *NEVER) == CLOCK


def test_what_is_partly_right_is_taken_in_part() -> None:
    announced = made()
    assert announced.announce(DAY, 38, [600_000] * 4, TOTAL, 1000, *NEVER) == CLIPPED
    assert [told(announced, slot) for slot in (39, 40, 41, 42)] == [7, 600, 600, 7]
    assert announced.announce(DAY, 41, [1 << 40], TOTAL, 1000, *NEVER) == CLIPPED
    assert told(announced, 41) == 8000
    assert announced.announce(DAY, 41, [1000] * 200, TOTAL, 1000, *NEVER) == CLIPPED
    assert told(announced, 39 + AHEAD) == 1
    assert told(announced, 40 + AHEAD) == 7


def test_a_word_lapses() -> None:
    announced = made()
    announced.announce(DAY, 41, [600_000] * 4, TOTAL, 1000, DAY, 42)
    announced.passed(DAY, 40, 500, 500)
    assert told(announced, 42) == 600
    announced.passed(DAY, 41, 600, 500)
    assert told(announced, 43) == 7
    assert announced.known() == announced.sure_pm() == 0
    announced.passed(DAY, 42, 5000, 500)  # nobody is judged by what has lapsed
    assert announced.contradicted == 0


def test_a_contradiction_halves_the_trust_and_being_right_restores_it() -> None:
    announced = made()
    announced.announce(DAY, 40, [600_000] * 50, TOTAL, 1000, *NEVER)
    announced.passed(DAY, 40, 600 + 251, 500)  # a quarter of the battery's power is let pass
    assert announced.trust_pm == 500
    assert told(announced, 45, 0) == 300
    assert announced.contradicted == 1
    announced.passed(DAY, 41, 600 - 250, 500)
    assert announced.trust_pm == 540
    for slot in range(42, 46):
        announced.passed(DAY, slot, 0, 500)
    assert announced.trust_pm < 100
    assert announced.known() == 0  # nothing is believed
    for slot in range(46, 80):
        announced.passed(DAY, slot, 600, 500)
    assert announced.trust_pm == 1000


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=60))
def test_trust_stays_inside_its_range(loads: list[int]) -> None:
    announced = made()
    announced.announce(DAY, 40, [600_000] * 60, TOTAL, 1000, *NEVER)
    for slot, load in enumerate(loads, 40):
        announced.passed(DAY, slot, load, 500)
        assert 0 <= announced.trust_pm <= 1000
        assert 0 <= announced.sure_pm() <= announced.trust_pm


def test_a_clock_that_was_set_forgets_what_was_said() -> None:
    announced = made()
    announced.announce(DAY, 41, [600_000] * 40, TOTAL, 1000, *NEVER)
    announced.passed(DAY, 50, 500, 500)  # ten slots are missing
    assert [told(announced, slot) for slot in range(51, 90)] == [7] * 39
    assert announced.contradicted == 0


def test_the_week_says_what_nobody_has_said() -> None:
    thursdays = [[0b1000, 44, 48, TOTAL, 900_000, 800], [0b10000, 0, 4, EXTRA, 50_000, 1000]]
    announced = made(thursdays)
    assert told(announced, 43) == 7
    assert told(announced, 44, 400) == 800  # four fifths of the way
    assert told(announced, 96, 400) == 450  # Friday, 00:00
    announced.announce(DAY, 44, [600_000], TOTAL, 1000, *NEVER)
    for slot in range(40, 44):
        announced.passed(DAY, slot, 500, 500)
    assert told(announced, 44) == 600  # the schedule does not come again over a newer word
    assert told(announced, 45, 400) == 800
