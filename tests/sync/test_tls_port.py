"""The port of TLS over a pipe that a test scripts."""

import errno
import ssl
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.host_tls import Context
from edge.tls_port import TlsPort, Wire
from tests.sync import pki


class Pipe:
    """A port between a client and a server of OpenSSL's in this process; it takes and gives little
    at a time, and counts."""

    def __init__(self, folder, takes=1 << 20, gives=1 << 20):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pki.issue(pki.NAME, pki.park()).write(folder, "server"))
        self.takes, self.gives = takes, gives
        self.to, self.back = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = context.wrap_bio(self.to, self.back, server_side=True)
        self.got, self.waiting = b"", b""
        self.broken = False

    def open(self, now_ms):
        pass

    def is_open(self):
        return True

    def send(self, buf, n):
        n = min(n, self.takes)
        self.to.write(bytes(buf[:n]))
        self.work()
        return n

    def work(self):
        try:
            while piece := self.server.read(4096):
                self.got += piece
        except ssl.SSLError:
            pass
        self.waiting += self.back.read()

    def say(self, data):
        self.server.write(data)
        self.work()

    def recv(self, buf, at):
        n = min(len(buf) - at, len(self.waiting), self.gives)
        if self.broken and n == 0:
            raise OSError(errno.ECONNRESET)
        buf[at:at + n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n

    def close(self):
        pass


def met(pipe, free_ms=lambda: 1000):
    """A port whose handshake is over; it has sent "hello"."""
    port = TlsPort(pipe, Context(pki.park().der, b"", None), pki.NAME, free_ms)
    port.open(0)
    assert port.is_open()
    for _ in range(5_000):
        if port.send(b"hello", 5):
            return port
    raise AssertionError("the handshake does not end")


@given(st.integers(1, 60), st.integers(1, 60), st.lists(st.binary(min_size=1, max_size=2_000),
                                                        max_size=5))
def test_every_byte_arrives_once_and_in_order(takes, gives, pieces):
    """However little the pipe takes and gives, and though a message grows while it is sent."""
    pipe = met_pipe(takes, gives)
    port, sent = pipe.port, pipe.got
    for piece in pieces:
        sent += piece
        rest = piece
        while rest:
            rest = rest[port.send(rest, len(rest)):]
        pipe.say(piece)
    while not port._wire.flushed():
        pass
    got = b""
    buf = bytearray(300)
    for _ in range(20_000):
        got += bytes(buf[:port.recv(buf, 0)])
        if not pipe.waiting and len(got) == sum(map(len, pieces)):
            break
    assert got == b"".join(pieces)
    assert pipe.got == sent


def met_pipe(takes, gives):
    with tempfile.TemporaryDirectory() as folder:
        pipe = Pipe(Path(folder), takes, gives)
    pipe.port = met(pipe)
    while pipe.got != b"hello":
        pipe.port._wire.flushed()
    return pipe


def test_the_handshake_waits_until_no_beat_is_near(tmp_path):
    """And once hands are shaken nothing waits any more."""
    free_ms = [699]
    pipe = Pipe(tmp_path)
    port = TlsPort(pipe, Context(pki.park().der, b"", None), pki.NAME, lambda: free_ms[0])
    port.open(0)
    assert port.is_open()
    for _ in range(10):
        assert port.send(b"hello", 5) == 0
    assert pipe.to.pending == 0
    free_ms[0] = 700
    calls = 0
    while not port.send(b"hello", 5):
        calls += 1
    assert calls > 3  # a record a call
    free_ms[0] = 0
    assert port.send(b"hello", 5) == 5


def test_one_record_a_call():
    """A broker that has much to say is heard a piece at a time."""
    class Flood:
        waiting = b"".join(b"\x16\x03\x03\x00" + bytes([n]) + bytes(n) for n in range(1, 200))

        def recv(self, buf, at):
            n = min(len(buf), len(self.waiting))
            buf[:n] = self.waiting[:n]
            self.waiting = self.waiting[n:]
            return n

    wire, buf = Wire(Flood()), bytearray(4_096)
    for n in range(1, 200):
        assert wire.readinto(buf) is None
        wire.let_one()
        got = 0
        while piece := wire.readinto(buf):
            got += piece
        assert got == 5 + n


def test_what_is_not_read_yet_stays_with_the_broker(tmp_path):
    """A flood of large records: no more of it lies here than one."""
    pipe = Pipe(tmp_path)
    port, buf = met(pipe), bytearray(128)
    for _ in range(50):
        pipe.say(bytes(16_000))
    for _ in range(100):
        port.recv(buf, 0)
    assert len(pipe.waiting) > 45 * 16_000
    got = 0
    while pipe.waiting:
        got += port.recv(buf, 0)
    assert got > 48 * 16_000


def test_a_pipe_that_breaks_in_the_handshake(tmp_path):
    pipe = Pipe(tmp_path)
    port = TlsPort(pipe, Context(pki.park().der, b"", None), pki.NAME, lambda: 1000)
    port.open(0)
    port.is_open()
    assert port.send(b"hello", 5) == 0
    pipe.broken, pipe.waiting = True, b""
    with pytest.raises(OSError, match=str(errno.ECONNRESET)):
        port.send(b"hello", 5)
    port.close()


def test_a_byte_that_was_altered_ends_the_connection(tmp_path):
    pipe = Pipe(tmp_path)
    port, buf = met(pipe), bytearray(100)
    for _ in range(10):
        port.recv(buf, 0)
    pipe.say(b"command")
    pipe.waiting = pipe.waiting[:-1] + bytes([pipe.waiting[-1] ^ 1])
    with pytest.raises(OSError, match="RECORD_MAC"):
        port.recv(buf, 0)
