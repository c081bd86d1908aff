"""Attack 10: a second master writes the setpoint. It is noticed, said, and told again."""

from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from boards import profiles
from tests.attacks.field import field

LOOK_BEATS = 6  # every fifth write is preceded by a look


@pytest.mark.parametrize("w", [0, 90_000, -150_000])
def test_it_is_detected_logged_and_undone(tmp_path: Path, w: int,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    profile = profiles.load("sinexcel_pcs")
    assert profile.control is not None
    point = profile.writes[profile.control.write]
    raw = int(w / profile.setpoint_scale(profile.control.write))
    with field(tmp_path) as park:
        lease = park.driver("pcs").lease
        assert lease.setpoint.can_read_back
        place = next(one["port"] for one, bus in zip(park.wire.places, park.app.buses, strict=True)
                     if any(driver.name == "pcs" for driver in bus.drivers))
        client = ModbusTcpClient("127.0.0.1", port=place, timeout=3, retries=0)
        assert client.connect()
        words = [raw >> 16 * at & 0xFFFF for at in range(point.end() - point.addr - 1, -1, -1)]
        unit = park.driver("pcs").unit
        line = next(station for station in park.wire.park.stations if station.name == "pcs")._line

        def write() -> None:
            """Between two beats, as the other one."""
            line.asked()  # the rig waits for what is under way: this is
            reply = client.write_register(point.addr, words[0], device_id=unit) \
                if point.fc == 6 else client.write_registers(point.addr, words, device_id=unit)
            line.coming()  # its answer went elsewhere
            assert not reply.isError()
            assert park.wire.park.setpoint == pytest.approx(w, abs=100)

        for _ in range(LOOK_BEATS):
            write()
            park.run(1)
        park.run(3)
        client.close()
        assert lease.changed >= 1
        assert "pcs another master wrote" in capsys.readouterr().out
        park.run(12)
        seen = lease.changed
        assert park.run(30)[-1]["command_w"] == pytest.approx(park.wire.park.setpoint, abs=100)
        assert (lease.changed, lease.fault) == (seen, False)
