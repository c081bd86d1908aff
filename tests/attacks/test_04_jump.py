"""Attack 4: a value that is valid on the wire, and beyond what the power could do in the time."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ledger.registers import READ, REPLACED, MeterRegister
from tests.attacks.field import LIMIT, field

GRID_MAX_W = 1_000_000
SLACK = 1.2  # 0 <= dE <= Pmax dt 1.2


@pytest.mark.parametrize("by_w", [1_000_000, 7_000_000, -2_000_000, 500_000_000])
def test_a_power_beyond_the_connection_is_refused_and_grows_old(tmp_path: Path, by_w: int) -> None:
    change = LIMIT | {"rules.balance.grid_max_w": GRID_MAX_W}
    with field(tmp_path, change) as park:
        refused = park.driver("meter").readings.refused
        park.begin("grid_meter", "jump", by_w=by_w)
        rows = park.run(12)
        assert park.driver("meter").readings.refused > refused
        assert all(abs(row["grid_w"]) <= GRID_MAX_W for row in rows)
        assert rows[3]["grid_age_ms"] >= 2900
        assert all(row["command_w"] == 0 for row in rows[7:])
        park.end("grid_meter", "jump")
        assert park.run(16)[-1]["command_w"] > 0


def test_a_battery_beyond_its_nameplate_is_not_believed(tmp_path: Path) -> None:
    with field(tmp_path, LIMIT | {"rules.balance.hold_s": 60}) as park:
        park.begin("converter", "spoofed", w=300_000)
        rows = park.run(6)
        assert "balance" in park.rules(rows[-1])
        assert rows[-1]["command_w"] == 0


@given(st.lists(st.tuples(st.integers(0, 1 << 33), st.integers(0, 150_000)), max_size=30))
def test_no_energy_is_booked_that_the_line_cannot_carry(quarters: list[tuple[int, int]]) -> None:
    """Whatever a register says: 0 <= dE <= Pmax dt 1.2, or the energy of the powers instead."""
    most_wh = int(600_000 / 4 * SLACK)
    register = MeterRegister(10, 100_000_000, most_wh)
    for reading, powers_wh in quarters:
        booked_wh = register.take(reading, 1, powers_wh)
        assert booked_wh >= 0
        assert booked_wh <= most_wh or booked_wh == powers_wh


@given(st.integers(0, 10**8 - 1), st.integers(-(10**8), 10**8))
def test_a_leap_of_a_register_is_no_energy(start: int, leap: int) -> None:
    """Forward beyond the rating or back: another meter, and the powers are booked."""
    most_wh = int(600_000 / 4 * SLACK)
    register = MeterRegister(10, 10**8, most_wh)
    register.take(start, 1, 0)
    energy_wh = leap * 10 % (10**8 * 10)
    booked_wh = register.take((start + leap) % 10**8, 1, 777)
    assert (booked_wh, register.state) == (
        (energy_wh, READ) if energy_wh <= most_wh else (777, REPLACED))
