"""Attack 7: bytes without end that never make a frame. What is kept of them is bounded, a step
ends, devices elsewhere are read as before, and so is this one when it is over."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from boards.serial_port import SerialPort
from edge.devices.bus import Bus
from edge.devices.driver import Driver
from edge.port import TcpPort
from edge.ticks import ticks_ms
from tests.attacks.field import field
from tests.devices.bench import RTU, TCP, Meter, meter_image

BABBLE = [b"\x55" * 64, bytes(range(64)), b"\x01\x03" * 32, b"\x01\x03\xfa" * 20,
          b"\x00\x01\x00\x00\x00\x06\x01\x03\x02\x00\x05\x00", b"\x00\x00\x00\x00\x00\xfe" * 10]


@pytest.mark.parametrize("role", ["grid_meter", "bms", "converter", "pv"])
def test_one_babbles_and_the_others_are_read(tmp_path: Path, role: str) -> None:
    with field(tmp_path) as park:
        station = park.wire.park.station(role)
        assert station is not None
        park.begin(role, "babble")
        rows = park.run(60)
        ages = {"grid_meter": "grid_age_ms", "bms": "soc_age_ms", "converter": "store_age_ms",
                "pv": "pv_age_ms"}
        worst = {name: max(row[age] for row in rows[8:]) for name, age in ages.items()}
        assert worst.pop(role) > 8000
        assert worst.pop("bms", 0) <= 12_000
        assert max(worst.values()) <= 4000
        if role in ("grid_meter", "converter"):
            assert all(row["command_w"] == 0 for row in rows[8:])
        park.end(role, "babble")
        assert park.run(60)[-1]["command_w"] > 0


@contextmanager
def endless(link: str, babble: bytes) -> Iterator[tuple[Any, dict[str, int]]]:
    """A far end that sends as fast as it can, for ever; the port that leads there, and how many
    bytes have gone out."""
    sent = {"bytes": 0}
    over = threading.Event()

    def flood(write: Any) -> None:
        while not over.is_set():
            try:
                sent["bytes"] += write(babble)
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                return

    def accept(listener: socket.socket) -> None:
        while not over.is_set():
            with suppress(TimeoutError), closing(listener.accept()[0]) as connection:
                flood(connection.send)

    if link == "tcp":
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(0.1)
            thread = threading.Thread(target=accept, args=(listener,), daemon=True)
            thread.start()
            port = TcpPort("127.0.0.1", listener.getsockname()[1])
            yield port, sent
            over.set()
            port.close()
            thread.join(10)
        return
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)
    line = SerialPort({"path": os.ttyname(theirs), "baud": 9600, "parity": "N", "stop": 1,
                       "rs485": 0})
    thread = threading.Thread(target=flood, args=(lambda data: os.write(ours, data),), daemon=True)
    thread.start()
    yield line, sent
    over.set()
    thread.join(10)
    line.close()
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("link", ["tcp", "rtu"])
@pytest.mark.parametrize("babble", BABBLE)
def test_a_real_flood_is_bounded_in_bytes_and_in_time(link: str, babble: bytes) -> None:
    """Real sockets and lines: until a MB has come, or a hundred connections were given up."""
    with endless(link, babble) as (port, sent):
        meter = Meter()
        bus = Bus((TCP if link == "tcp" else RTU) | {"timeout_ms": 60, "gap_ms": 0}, port)
        bus.add(Driver(meter_image(1, poll_ms=100), [meter]))
        room = len(bus._link.rx)
        now_ms = ticks_ms()
        steps = 0
        while steps < 3000 and sent["bytes"] < 1_000_000:
            now_ms += max(1, bus.step(now_ms))
            steps += 1
            assert 0 <= bus._link.rx_n <= room
        assert steps > 10
        assert meter.taken == []
        assert bus.timeouts + bus.breaks + bus.foreign() > 0
