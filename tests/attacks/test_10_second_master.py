"""Attack 10: a second master writes the setpoint. It is noticed, said, and told again."""

import json
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from boards import profiles
from edge.guard import FAULT
from edge.now import BYTES
from tests.attacks.field import LIMIT, field

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


class Outbox:
    """Keeps what the cloud is told."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []

    def append(self, kind: int, data: bytes, n: int) -> int:
        self.frames.append((kind, data[:n]))
        return len(self.frames)


def test_a_site_that_shows_itself_tells_people_and_the_cloud(tmp_path: Path) -> None:
    """What is so now counts it, and a frame of kind FAULT names the device, once in ten minutes."""
    with field(tmp_path, {**LIMIT, "page.port": 8040}) as park:
        app, outbox = park.app, Outbox()
        guard = next(guard for guard in app.guards if guard._name == "rivals")
        ours, app.outbox = app.outbox, outbox
        guard.step(1000)
        park.driver("pcs").lease.changed = 3
        assert {guard.step(ms) for ms in range(2000, 60_000, 1000)} == {1000}
        assert outbox.frames == [(FAULT, b"pcs: another master wrote")]
        park.driver("pcs").lease.changed = 4
        guard.step(600_000)
        assert len(outbox.frames) == 1
        guard.step(602_001)
        assert len(outbox.frames) == 2
        app.outbox = ours
        buf = bytearray(BYTES)
        end = app.shown[0]._visits[0]._now.write(buf, 0, 0)
        assert json.loads(buf[:end])["overwritten"] == 4
