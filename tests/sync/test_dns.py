"""Names are looked up without waiting: answers by another maker's rules, and any bytes."""

import errno
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import dns
from edge.dns import NamedPort
from edge.mqtt_client import MqttClient, Options
from edge.port import TcpPort
from edge.ticks import ticks_add
from tests.fuzz import dns as fuzz

ASKED = dns.question("broker.example.com", b"\x12\x34")
# RFC 1035 4.1: header, question, then CNAME and A with compressed names.
ALIAS = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x07\x04host\xc0\x13"
RECORD = b"\xc0\x30\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x07"


def reply(records=(ALIAS, RECORD), number=b"\x12\x34", flags=b"\x81\x80", asked=ASKED):
    return (number + flags + b"\x00\x01" + len(records).to_bytes(2, "big") + bytes(4)
            + asked[12:] + b"".join(records))


def test_the_question():
    assert ASKED == (b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                     b"\x06broker\x07example\x03com\x00\x00\x01\x00\x01")
    assert dns.question("broker.example.com.", b"\x12\x34") == ASKED


def test_an_alias_is_followed():
    assert dns.answer(ASKED, reply()) == "10.0.0.7"
    assert dns.answer(ASKED, reply(asked=ASKED[:12] + ASKED[12:].upper())) == "10.0.0.7"


@pytest.mark.parametrize("wrong", [
    {"number": b"\x12\x35"}, {"flags": b"\x01\x80"}, {"flags": b"\xa9\x80"},
    {"asked": dns.question("broker.example.org", b"\x12\x34")},
])
def test_what_was_not_asked_is_no_answer(wrong):
    assert dns.answer(ASKED, reply(**wrong)) is None


@pytest.mark.parametrize("told", [
    {"flags": b"\x81\x83", "records": ()},  # no such name
    {"records": (ALIAS,)},  # an alias of nothing
    {"records": (RECORD[:-1],)},  # cut short
    {"records": (RECORD[:3] + b"\x1c" + RECORD[4:],)},  # another type
])
def test_no_address(told):
    with pytest.raises(OSError, match=str(errno.ENOENT)):
        dns.answer(ASKED, reply(**told))


@given(st.binary(max_size=80), st.lists(st.sampled_from([ALIAS, RECORD]), max_size=3))
def test_any_bytes_are_survived(data, records):
    fuzz.one(data)
    fuzz.one(data[:6] + b"".join(records) + data[6:])


class Server:
    """A name server on loopback. `answers`: what it says to each question, None: nothing."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        if self.thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()

    def serve(self):
        while data := self.socket.recvfrom(512):
            if not data[0]:
                return
            self.asked.append(data[0])
            records = self.answers.pop(0)
            if records is not None:
                self.socket.sendto(b"forged" * 9, data[1])
                self.socket.sendto(reply(records, data[0][:2], asked=data[0]), data[1])


LOOPBACK = RECORD[:-4] + b"\x7f\x00\x00\x01"


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def named(server, listener, name="broker.example.com"):
    return NamedPort(TcpPort(name, listener.getsockname()[1]), lambda: "127.0.0.1", server.port)


def until_open(port):
    while not port.is_open():
        pass


def test_a_name_leads_to_the_broker_and_is_asked_again_each_time(listener):
    with Server([ALIAS, LOOPBACK], [LOOPBACK]) as server:
        port = named(server, listener)
        for _ in range(2):
            port.open(0)
            until_open(port)
            there, _ = listener.accept()
            with there:
                assert port.send(b"hello", 5) == 5
                assert there.recv(9) == b"hello"
            port.close()
        assert len(server.asked) == 2
        assert server.asked[0][12:] == ASKED[12:]


def test_without_an_answer_the_last_address_is_tried(listener):
    with Server([LOOPBACK], None, [LOOPBACK]) as server:
        port = named(server, listener)
        port.open(0)
        until_open(port)
        port.close()
        port.open(0)
        assert not port.is_open()  # it may not answer for ever; the client's deadline ends that
        port.close()
        port.open(0)
        until_open(port)
        port.close()
        port.open(0)
        until_open(port)
        port.close()
        assert len(server.asked) == 3


def test_a_name_that_is_none_is_told(listener):
    with Server([]) as server:
        port = named(server, listener)
        port.open(0)
        with pytest.raises(OSError, match=str(errno.ENOENT)):
            until_open(port)
        port.close()


def test_the_clients_deadline_is_the_look_ups(listener):
    """A server that is silent: no connection in time, and the next try asks again."""
    with Server(None, None) as server:
        options = Options(b"gw")
        client = MqttClient(named(server, listener), options)
        now_ms = (1 << 30) - 4_000
        while client.failures < 2:
            assert 0 < client.step(now_ms) <= 100
            assert client.fault in ("", "no connection in time")
            now_ms = ticks_add(now_ms, 100)
        client.leave(now_ms)
        deadline = time.monotonic() + 10
        while len(server.asked) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.001)


def test_localhost_needs_no_server(listener):
    port = NamedPort(TcpPort("localhost", listener.getsockname()[1]), None)
    for _ in range(2):
        port.open(0)
        until_open(port)
        assert port.send(b"hello", 5) == 5
        other, _ = listener.accept()
        with other:
            assert other.recv(5) == b"hello"
        port.close()


def test_micropython_finds_the_broker_by_name(micropython, listener, tmp_path):
    script = tmp_path / "named.py"
    script.write_text(
        "import sys, time\n"
        "from edge.dns import NamedPort\n"
        "from edge.port import TcpPort\n"
        "port = NamedPort(TcpPort('broker.example.com', int(sys.argv[1])), lambda: '127.0.0.1',"
        " int(sys.argv[2]))\n"
        "port.open(0)\n"
        "while not port.is_open():\n"
        "    time.sleep_ms(1)\n"
        "print(port.send(b'hello', 5))\n")
    with Server([ALIAS, LOOPBACK]) as server:
        done = micropython.run(script, listener.getsockname()[1], server.port)
    assert done.stdout == "5\n"
