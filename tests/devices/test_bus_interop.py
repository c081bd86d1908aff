"""Our bus against pymodbus, which shares no code with it: frame by frame, and on a real socket."""

import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterResponse,
)

from boards import profiles
from edge.port import TcpPort
from edge.wire import modbus
from edge.wire.modbus import DONE, REFUSED
from edge.wire.modbus_rtu import RtuLink
from edge.wire.modbus_tcp import TcpLink
from hil.simulators import DeviceSimulator, serve_tcp

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WORDS = st.integers(0, 0xFFFF)
LINKS = st.sampled_from([(TcpLink, FramerSocket), (lambda: RtuLink(False), FramerRTU)])


def understood(framer, link):
    """What pymodbus' server makes of the request in `link`."""
    used, pdu = framer(DecodePDU(True)).handleFrame(bytes(link.tx[:link.tx_n]), 0, 0)
    assert used == link.tx_n
    return pdu


def answered(framer, link, reply, unit):
    """What our link makes of the reply that pymodbus' server would send."""
    reply.dev_id = unit
    reply.transaction_id = getattr(link, "transaction", 0)
    data = framer(DecodePDU(True)).buildFrame(reply)
    link.rx[:len(data)] = data
    return link.feed(len(data))


@given(LINKS, st.integers(1, 247), st.integers(0, 65000),
       st.lists(WORDS, min_size=1, max_size=123))
def test_reads_and_writes_of_registers(kinds, unit, address, words):
    new, framer = kinds
    link = new()
    link.tx = bytearray(260)  # the longest request there is
    link.seal(unit, modbus.put_read(link.tx, link.pdu_at, 3, address, len(words)))
    request = understood(framer, link)
    assert (request.function_code, request.dev_id, request.address, request.count) == (
        3, unit, address, len(words))
    assert answered(framer, link, ReadHoldingRegistersResponse(registers=words), unit) == DONE
    at = link.data_at
    assert [link.rx[at + 2 * i] << 8 | link.rx[at + 2 * i + 1] for i in range(len(words))] == words

    link.seal(unit, modbus.put_write_registers(link.tx, link.pdu_at, address, words))
    request = understood(framer, link)
    assert (request.function_code, request.address, request.registers) == (16, address, words)
    reply = WriteMultipleRegistersResponse(address=address, count=len(words))
    assert answered(framer, link, reply, unit) == DONE

    link.seal(unit, modbus.put_write(link.tx, link.pdu_at, 6, address, words[0]))
    request = understood(framer, link)
    assert (request.function_code, request.address, request.registers) == (6, address, words[:1])
    reply = WriteSingleRegisterResponse(address=address, registers=words[:1])
    assert answered(framer, link, reply, unit) == DONE


@given(LINKS, st.lists(st.booleans(), min_size=1, max_size=200))
def test_coils(kinds, coils):
    new, framer = kinds
    link = new()
    link.tx = bytearray(260)  # the longest request there is
    link.seal(9, modbus.put_write_coils(link.tx, link.pdu_at, 40, coils))
    request = understood(framer, link)
    assert request.function_code == 15
    assert request.bits[:len(coils)] == coils
    link.seal(9, modbus.put_write(link.tx, link.pdu_at, 5, 40, coils[0]))
    request = understood(framer, link)
    assert request.function_code == 5
    assert request.bits[0] == coils[0]


@given(LINKS, st.sampled_from([1, 2, 3, 4, 5, 6, 10, 11]))
def test_exceptions(kinds, code):
    new, framer = kinds
    link = new()
    link.seal(9, modbus.put_read(link.tx, link.pdu_at, 4, 40, 2))
    assert answered(framer, link, ExceptionResponse(4, code), 9) == REFUSED
    assert link.code == code


@pytest.fixture
def site(tmp_path):
    """A meter and a converter behind one pymodbus server; its port, images, and what it hears."""
    heard = []
    meter = replace(profiles.load("acrel_adw300"), signals={
        "grid_w": "p_w", "import_wh": "e_imp", "export_wh": "e_exp"})
    converter = profiles.load("sinexcel_pcs")
    devices = [
        DeviceSimulator(meter, lambda: {"grid_w": 123_400, "import_wh": 5_000_000},
                        lambda name, value: None, unit=2),
        DeviceSimulator(converter, lambda: {"store_w": -20_000},
                        lambda name, value: heard.append((name, value)), unit=1),
    ]
    images = tmp_path / "images.json"
    images.write_text(json.dumps([
        profiles.compile_device(meter, "meter", 0, 2, poll_ms=100),
        profiles.compile_device(converter, "pcs", 0, 1, poll_ms=100, min_w=-50_000, max_w=50_000),
    ]))
    with serve_tcp(devices) as port:
        yield port, images, heard


STORY = "True\n123400 5000000 -20000 0 -30000\nTrue\n0 0 0 0 False\n"


def check_heard(heard):
    names = [name for name, _ in heard]
    assert ("p_set", -30_000) in heard
    last = len(names) - 1 - names[::-1].index("p_set")
    assert heard[last] == ("p_set", 0)
    assert heard[-1] == ("standby", 1)


def test_on_a_socket_under_cpython(site):
    port, images, heard = site
    done = subprocess.run([sys.executable, HERE / "bus_client.py", "127.0.0.1", str(port), images,
                           "-30000", "0"], cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == STORY
    check_heard(heard)


def test_on_a_socket_under_micropython(site, micropython):
    port, images, heard = site
    done = micropython.run(HERE / "bus_client.py", "127.0.0.1", port, images, -30_000, 0,
                           heap="112k")
    assert done.stdout == STORY
    check_heard(heard)


class TestTcpPort:
    def test_nobody_at_the_other_end(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            number = server.getsockname()[1]
        port = TcpPort("127.0.0.1", number)
        with pytest.raises(OSError):  # noqa: PT011 - which of them is the system's choice
            self.connect(port)
        assert not port.is_open()
        port.close()

    def test_bytes_both_ways_and_the_end(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = TcpPort("127.0.0.1", server.getsockname()[1])
            self.connect(port)
            other, _ = server.accept()
            buf = bytearray(b"........")
            assert port.recv(buf, 2) == 0
            assert port.send(b"question", 4) == 4
            assert other.recv(99) == b"ques"
            other.sendall(b"answer")
            other.shutdown(socket.SHUT_WR)
            self.until(lambda: port.recv(buf, 2))
            assert buf == b"..answer"
            with pytest.raises(OSError):  # noqa: PT011
                self.until(lambda: port.recv(buf, 2))
            other.close()
            port.close()

    def test_a_full_pipe_takes_no_more(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = TcpPort("127.0.0.1", server.getsockname()[1])
            self.connect(port)
            other, _ = server.accept()
            block = bytearray(1 << 20)
            self.until(lambda: port.send(block, len(block)) == 0)
            port.close()
            other.close()

    def connect(self, port):
        port.open(0)
        self.until(port.is_open)

    def until(self, done):
        for _ in range(100_000):
            if done():
                return
        pytest.fail("it never came")
