"""Attack 6: exceptions to every request, or "busy" for an hour. The battery rests, the bus is not
flooded, the others are read as before, and when it is over all goes on by itself."""

from pathlib import Path

import pytest

from tests.attacks.field import field

STORM_S = 120  # here on the wire; an hour of it in tests/devices/test_bus_shared.py
CODES = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 0x80, 0xFF]


@pytest.mark.parametrize("code", CODES)
def test_a_meter_that_refuses(tmp_path: Path, code: int) -> None:
    with field(tmp_path) as park:
        meter = park.driver("meter")
        asked = park.app.buses[0].requests
        park.begin("grid_meter", "exception", code=code)
        rows = park.run(STORM_S)
        assert all(row["command_w"] == 0 for row in rows[7:])
        assert max(row["store_age_ms"] for row in rows) <= 2000  # its neighbours are none the wiser
        assert max(row["pv_age_ms"] for row in rows) <= 4000
        assert park.app.buses[0].requests - asked <= 5 * STORM_S
        park.end("grid_meter", "exception")
        rows = park.run(45)
        assert rows[-1]["command_w"] > 0
        assert meter.exceptions > 0


@pytest.mark.parametrize("code", [2, 4, 5, 6, 0x80])
def test_a_converter_that_refuses_is_left_to_its_own_timer(tmp_path: Path, code: int) -> None:
    """What it holds it would hold for ever, if reading it kept its timer from biting."""
    with field(tmp_path) as park:
        assert park.wire.park.setpoint > 100_000
        timer = park.wire.park.station("converter").simulator
        park.begin("converter", "exception", code=code)
        timer.write = lambda fc, addr, words: False
        rows = park.run(100)
        assert all(row["command_w"] == 0 for row in rows[8:])
        assert timer.expired
        assert park.wire.park.setpoint == 0
        del timer.write
        park.end("converter", "exception")
        assert park.run(120)[-1]["command_w"] > 0
