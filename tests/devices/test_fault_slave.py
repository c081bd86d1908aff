"""The raw slave: right where it should be, wrong where it is told to be, and what our master makes
of it on real sockets and lines, on both interpreters."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hil import fault_slave
from hil.faults import Act, Piece
from hil.scenario import fault, known_faults
from tests.conftest import ROOT
from tests.devices.simulated import client_of, read, simulate

CLIENT = Path(__file__).with_name("fault_client.py")
UNIT, WELL = 7, 1000
# How many requests each fault lasts for: a broken connection is waited for longer and longer.
WIRE = {"partial": 3, "duplicated": 5, "foreign_transaction": 3, "foreign_unit": 3, "garble": 3,
        "exception": 4, "noise": 2, "echo": 3, "babble": 1, "out_of_step": 3, "dropped": 2,
        "rival": 6, "late": 3, "belated": 3, "silence": 3, "lossy": 6}
KEYS = {"babble": {"for_ms": 600}, "rival": {"every": 3}, "late": {"by_ms": 400},
        "belated": {"by_ms": 400}}
OVER_TCP = sorted(WIRE.keys() - {"garble"})  # it has no check sum: a turned bit is data
ON_LINES = sorted(WIRE.keys() - {"foreign_transaction", "dropped", "rival"})  # a line has none


class Counter:
    """A meter whose power is the number of the request it answers, beyond `WELL` once its fault is
    over. What goes out meanwhile is the fault's to say."""

    def __init__(self, name: str, rtu: bool) -> None:
        self.unit, self.asked, self._rtu = UNIT, 0, rtu
        self._left = WIRE[name]
        self._effect = fault(name, KEYS.get(name, {}))

    def read(self, fc: int, addr: int, count: int) -> list[int]:
        self.asked += 1
        return ([0, self.asked + (0 if self._left else WELL)] + [0] * count)[:count]

    def write(self, fc: int, addr: int, words: list[int]) -> bool:
        return False

    def wire(self, request: bytes, reply: bytes) -> list[Piece]:
        if not self._left:
            return [(0, reply)]
        self._left -= 1
        effect = self._effect
        if effect.mute:
            return []
        if effect.frame:
            reply = effect.frame(reply, self._rtu)
        pieces = effect.wire(request, reply, self._rtu) if effect.wire else [(0, reply)]
        return [(after_ms + effect.delay_ms, piece) for after_ms, piece in pieces]


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Path]:
    """A slave for every fault, over TCP and on a line; yields the file that says where."""
    with ExitStack() as stack:
        found: list[dict[str, Any]] = []
        for name in OVER_TCP:
            port = stack.enter_context(fault_slave.serve_tcp([Counter(name, False)]))
            found.append({"name": f"{name} tcp", "port": port})
        for name in ON_LINES:
            path = stack.enter_context(fault_slave.serve_rtu([Counter(name, True)]))
            found.append({"name": f"{name} rtu", "path": path})
        file = tmp_path / "places.json"
        file.write_text(json.dumps(found))
        yield file


def judged(told: str) -> None:
    """No reading answers another request than the one in flight, and all go on by themselves."""
    found = json.loads(told)
    assert len(found) == len(OVER_TCP) + len(ON_LINES)
    for name, taken in found.items():
        values = [value for value, _ in taken]
        assert len([value for value in values if value > WELL]) >= 3, f"{name} never came back"
        numbers = [value % WELL for value in values]
        assert numbers == sorted(set(numbers)), f"{name}: an answer was taken twice, or late"
        if name not in ("dropped tcp", "rival tcp"):  # where a request may never have arrived
            assert numbers == [asked for _, asked in taken], name


def test_every_fault_is_survived_under_cpython(places: Path) -> None:
    done = subprocess.run([sys.executable, CLIENT, places], cwd=ROOT, capture_output=True,
                          env={"PYTHONPATH": str(ROOT)}, text=True, check=False)
    assert done.returncode == 0, done.stderr
    judged(done.stdout)


def test_every_fault_is_survived_under_micropython(places: Path, micropython: Any) -> None:
    judged(micropython.run(CLIENT, places, heap="2m").stdout)


def test_every_fault_of_the_wire_is_among_them() -> None:
    frames = {name for name in known_faults()
              if (made := fault(name, {})).needs_slave or made.frame is not None}
    assert frames - {"word_swapped"} <= WIRE.keys()  # that changes what is true, and no frame


@pytest.mark.parametrize("serve", [fault_slave.serve_tcp, fault_slave.serve_rtu])
def test_an_ordinary_master_finds_nothing_odd(serve: Any) -> None:
    """pymodbus' client reads, is refused, and writes."""
    device, heard = simulate("sinexcel_pcs", {"store_w": 12_300}, unit=3)
    control = device.profile.control
    assert control is not None
    point = device.profile.writes[control.write]
    shown = device.profile.points[device.profile.signals["store_w"].removeprefix("-")]
    with serve([device]) as place, client_of(place) as client:
        assert read(client, shown.fc, shown.addr, shown.end() - shown.addr, unit=3) == \
            device.read(shown.fc, shown.addr, shown.end() - shown.addr)
        assert read(client, 3, 0xFF00, 1, unit=3) == -2
        words = device.read(point.fc if point.fc < 5 else 3, point.addr, 1)
        if point.fc == 6:
            client.write_register(point.addr, 5, device_id=3)
        else:
            client.write_registers(point.addr, [0] * (point.end() - point.addr - 1) + [5],
                                   device_id=3)
        assert words is not None
        assert heard[-1][0] == control.write
        assert client.read_coils(0, count=1, device_id=3).exception_code == 1


@pytest.mark.parametrize("unit", [0, 1, 247, 248, 255])
def test_every_unit_there_is_answers_over_tcp(unit: int) -> None:
    """Gateways and inverters are at 0, 1, 247 or 255; over TCP none of them is special."""
    device, _ = simulate("soltaro_bms", {"soc_pm": 640}, unit=unit)
    with fault_slave.serve_tcp([device]) as port, client_of(port) as client:
        assert read(client, 3, 0x2103, 1, unit=unit) == [64]


def test_what_a_device_says_in_the_place_of_an_answer_ends_the_connection() -> None:
    assert fault("dropped", {}).wire(b"", b"", False) == [(0, Act.HANG_UP)]  # type: ignore[misc]
    kicks = fault("rival", {"every": 3}).wire
    assert kicks is not None
    assert [kicks(b"", b"r", False)[0][1] for _ in range(6)] == \
        [b"r", b"r", Act.RIVAL, b"r", b"r", Act.RIVAL]
