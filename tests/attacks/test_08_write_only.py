"""Attack 8: a converter that acknowledges writes and does not do them, or answers nothing but
writes. The setpoint is read back: a fault, and no setpoint of ours lives on unseen."""

from pathlib import Path

from hil.faults import Piece
from hil.park import Station
from tests.attacks.field import field


def deceive(station: Station, reads: bool, writes: bool) -> None:
    """Answer only what is said, and let an acknowledged write be no write."""
    at, pieces = (0 if station._rtu else 6), station._pieces
    device = station.simulator

    def wire(request: bytes, reply: bytes) -> list[Piece]:
        is_read = request[at + 1] in (3, 4)
        return pieces(request, b"" if is_read and not reads else reply)

    device.wire = wire
    if not writes:
        device.write = lambda fc, addr, words: True  # type: ignore[method-assign]


def test_an_acknowledged_write_that_was_none_is_a_fault(tmp_path: Path) -> None:
    with field(tmp_path) as park:
        station = park.wire.park.station("converter")
        assert station is not None
        deceive(station, reads=True, writes=False)
        held_w, lease = park.wire.park.setpoint, park.driver("pcs").lease
        park.plant.load_w += 30_000
        park.run(40)
        assert lease.mismatches >= 4
        assert lease.fault
        assert park.wire.park.setpoint in (held_w, 0)
        park.run(100)
        assert station.simulator.expired  # silence has let its own timer bite
        assert park.wire.park.setpoint == 0


def test_who_answers_writes_alone_is_stale_and_released(tmp_path: Path) -> None:
    """No reading comes: the battery rests, and the last command that arrived is 0 W."""
    with field(tmp_path) as park:
        station = park.wire.park.station("converter")
        assert station is not None
        deceive(station, reads=False, writes=True)
        rows = park.run(60)
        assert all(row["command_w"] == 0 for row in rows[7:])
        park.run(60)
        assert park.wire.park.setpoint == 0
