"""Energy from registers that turn over, go missing, are replaced: never below 0, never lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.ledger.registers import READ, REPLACED, SUBSTITUTE, MeterRegister

MOST_WH = 250_000
COUNT = st.sampled_from([1, 10, 1000])


def opened(count_wh=10, modulus=1 << 32, reading=1000):
    register = MeterRegister(count_wh, modulus, MOST_WH)
    register.take(reading, 1, 0)
    return register


@given(st.lists(st.integers(0, MOST_WH), max_size=40), COUNT, st.integers(0, 10**9))
def test_the_sum_of_energies_is_the_difference_of_the_registers(energies, count_wh, start):
    """Whatever the resolution, and over the turn of the register."""
    modulus = MOST_WH * 4 // count_wh + start % 7
    true_wh = start % modulus * count_wh
    register = opened(count_wh, modulus, true_wh // count_wh)
    total = 0
    for wh in energies:
        true_wh += wh // count_wh * count_wh  # of whole counts: MOST_WH is not exceeded by rounding
        total += register.take(true_wh // count_wh % modulus, 1, 12_345)
        assert register.state == READ
    assert total == sum(wh // count_wh * count_wh for wh in energies)


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 100_000), st.booleans()),
                max_size=40))
def test_what_stood_in_for_a_reading_is_taken_off_when_it_is_back(quarters):
    """Booked energy is register plus what substitutes are ahead, at any moment."""
    register = opened(reading=0)
    true_wh = booked_wh = 0
    for energy_wh, powers_wh, is_read in quarters:
        true_wh += energy_wh // 10 * 10
        wh = register.take(true_wh // 10 if is_read else -1, 1, powers_wh)
        assert wh >= 0
        booked_wh += wh
        assert register.wh == booked_wh
        assert register.state == (READ if is_read else SUBSTITUTE)
        if is_read:
            assert booked_wh == true_wh + register.ahead_wh
        else:
            assert wh == powers_wh


@given(st.integers(0, 10**8), st.integers(0, MOST_WH))
def test_a_register_that_goes_backward_is_another_meter_and_no_energy(back, powers_wh):
    register = opened(reading=200_000_000)
    assert register.take(200_000_000 - 1 - back, 1, powers_wh) == powers_wh
    assert register.state == REPLACED
    assert register.take(200_000_000 - 1 - back + 7, 1, powers_wh) == 70
    assert register.state == READ


def test_a_register_that_leaps_beyond_the_line_is_no_energy_either():
    register = opened()
    assert register.take(1000 + MOST_WH // 10 + 1, 1, 4711) == 4711
    assert register.state == REPLACED


def test_after_many_quarters_as_much_more_energy_is_believed():
    register = opened()
    assert register.take(1000 + 4 * MOST_WH // 10, 4, 0) == 4 * MOST_WH
    register = opened()
    for _ in range(3):
        register.take(-1, 1, 0)
    assert register.take(1000 + 4 * MOST_WH // 10, 1, 0) == 4 * MOST_WH
    assert register.state == READ


def test_the_first_reading_only_opens_the_account():
    register = MeterRegister(10, 1 << 32, MOST_WH)
    assert register.take(-1, 1, 300) == 300
    assert register.take(77_777, 1, 400) == 400
    assert (register.wh, register.state) == (777_770, REPLACED)
    assert register.take(77_778, 1, 400) == 10


def test_after_a_restart_a_day_is_believed_of_a_register_that_had_not_been_read():
    for unread, state in ((0, REPLACED), (1, READ)):
        register = MeterRegister(10, 1 << 32, MOST_WH)
        register.resume(10_000, unread)
        assert register.take(1000 + 96 * MOST_WH // 10, 1, 5) == (96 * MOST_WH if unread else 5)
        assert register.state == state
