"""The page under virtual time, against visitors that a test makes up byte by byte."""

from __future__ import annotations

import errno
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import page as module
from edge.now import BYTES
from edge.page import Page
from edge.ticks import ticks_add, ticks_diff
from tests.shown.served import get

START_MS = (1 << 30) - 3_000  # the clock wraps into every test
STATUS = {b"200", b"400", b"404", b"405", b"413"}


class Pipe:
    """A visitor: `says` comes in as asked for, `heard` is what was answered."""

    def __init__(self, says: bytes = b"", gives: int = 1 << 20, takes: int = 1 << 20) -> None:
        self.says, self.gives, self.takes = says, gives, takes
        self.heard = b""
        self.stays = True
        self.closed = False
        self.calls = 0

    def setblocking(self, flag: bool) -> None:
        assert flag is False, "no call may wait"

    def recv_into(self, view: memoryview) -> int:
        self.calls += 1
        part, self.says = self.says[:min(len(view), self.gives)], \
            self.says[min(len(view), self.gives):]
        if not part and self.stays:
            raise OSError(errno.EAGAIN)
        view[:len(part)] = part
        return len(part)

    def send(self, view: memoryview) -> int:
        self.calls += 1
        if not self.takes:
            raise OSError(errno.EAGAIN)
        n = min(len(view), self.takes)
        self.heard += bytes(view[:n])
        return n

    def close(self) -> None:
        self.closed = True


class Door:
    """The listening socket, and its poll."""

    def __init__(self) -> None:
        self.waiting: list[Pipe] = []
        self.closed = False
        self.broken = 0

    def poll(self, ms: int) -> list[Any]:
        assert ms == 0, "no call may wait"
        return [1] if self.waiting or self.broken else []

    def accept(self) -> tuple[Pipe, None]:
        if self.broken:
            raise OSError(self.broken)
        return self.waiting.pop(0), None

    def close(self) -> None:
        self.closed = True


def write(buf: bytearray, start: int, now_ms: int) -> int:
    """What edge/now.py does, in short."""
    buf[start:start + 2] = b"{}"
    return start + 2


class Bench:
    """A page behind a door, and a clock that only the test moves."""

    def __init__(self) -> None:
        self.page: Any = Page(SimpleNamespace(write=write), "127.0.0.1", 1)
        self.door = Door()
        self.page.listener._socket = self.page.listener._poll = self.door
        self.now_ms = START_MS

    def run(self, for_ms: int, pipes: tuple[Pipe, ...] = ()) -> None:
        end_ms = ticks_add(self.now_ms, for_ms)
        while ticks_diff(end_ms, self.now_ms) > 0:
            before = [pipe.calls for pipe in pipes]
            wait_ms = self.page.step(self.now_ms)
            assert wait_ms in (20, 100)
            for pipe, calls in zip(pipes, before, strict=True):
                assert pipe.calls - calls <= 1, "one reception or one piece a step"
            self.now_ms = ticks_add(self.now_ms, wait_ms)

    def visit(self, *pipes: Pipe, for_ms: int = 13_000) -> None:
        self.door.waiting += pipes
        self.run(for_ms, pipes)


def test_an_answer_and_goodbye() -> None:
    bench, pipe = Bench(), Pipe(get("/now.json"))
    bench.visit(pipe, for_ms=60)
    assert pipe.heard.endswith(b"\r\n\r\n{}")
    assert pipe.closed


@given(st.binary(max_size=4000), st.integers(1, 3000), st.integers(0, 3000), st.booleans())
def test_whatever_comes_is_answered_in_one_way_and_ends(
        says: bytes, gives: int, takes: int, stays: bool) -> None:
    bench, pipe = Bench(), Pipe(says, gives, takes)
    pipe.stays = stays
    bench.visit(pipe)
    assert pipe.closed
    assert not pipe.heard or pipe.heard.startswith(b"HTTP/1.1 "[:len(pipe.heard)])
    if len(pipe.heard) > 12:
        assert pipe.heard[9:12] in STATUS - {b"200"}


TOKENS = st.sampled_from([b"GET", b"get", b"POST", b"/", b"/now.json", b"/x", b"HTTP/1.1", b" ",
                          b"HTTP/1.0", b"HTTP/", b"\r\n", b"\n", b"Host: 1.2.3.4", b"Host: a.b",
                          b"host:127.0.0.1:80", b"X: y", b"\0", b"Content-Length: 9"])


@given(st.lists(TOKENS, max_size=14), st.integers(1, 60))
def test_only_what_is_meant_is_served(tokens: list[bytes], gives: int) -> None:
    asked = b"".join(tokens) + b"\r\n\r\n"
    bench, pipe = Bench(), Pipe(asked, gives)
    bench.visit(pipe)
    lines = asked[:asked.index(b"\r\n\r\n")].split(b"\r\n")
    hosts = [line for line in lines[1:] if line.lower().startswith(b"host:")]
    good = lines[0] in [b"GET " + path + b" HTTP/1." + minor for path in (b"/", b"/now.json")
                        for minor in (b"0", b"1")] and len(hosts) == 1 and b"a" not in hosts[0]
    assert (pipe.heard[9:12] == b"200") == good
    assert pipe.closed


def test_who_says_nothing_is_gone_in_two_seconds() -> None:
    bench = Bench()
    mute = [Pipe() for _ in range(3)]
    bench.door.waiting += [*mute, Pipe(get("/now.json"))]
    bench.run(1900)
    assert not any(pipe.closed for pipe in mute)
    assert len(bench.door.waiting) == 1, "not more are admitted"
    bench.run(300)
    assert all(pipe.closed for pipe in mute)
    assert not bench.door.waiting


def test_one_byte_a_second_is_too_slow_a_request() -> None:
    bench, pipe = Bench(), Pipe(b"")
    bench.door.waiting.append(pipe)
    for byte in get("/")[:10]:
        pipe.says = bytes([byte])
        bench.run(1000)
    assert pipe.closed
    assert pipe.heard == b""


def test_who_takes_nothing_is_gone_in_ten_seconds() -> None:
    bench, pipe = Bench(), Pipe(get("/"), takes=0)
    bench.visit(pipe, for_ms=9_900)
    assert not pipe.closed
    bench.run(300)
    assert pipe.closed


def test_a_slow_visitor_gets_the_whole_page() -> None:
    bench, pipe = Bench(), Pipe(get("/"), takes=20)
    bench.visit(pipe)
    with open(module._FILE, "rb") as file:
        assert pipe.heard.partition(b"\r\n\r\n")[2] == file.read()


def test_who_was_refused_is_heard_out_for_half_a_second() -> None:
    """To close with something unread would reset the connection, and take the answer along."""
    bench, pipe = Bench(), Pipe(b"x" * 20_000)
    bench.visit(pipe, for_ms=300)
    assert pipe.heard.startswith(b"HTTP/1.1 413")
    assert not pipe.closed
    bench.run(600)
    assert pipe.closed


@pytest.mark.parametrize("path", ["/", "/now.json"])
def test_a_visit_that_fails_harms_no_other(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    first, second = Pipe(get(path)), Pipe(get(path))
    monkeypatch.setattr(first, "send", lambda view: _raise(MemoryError()))
    bench.visit(first, second, for_ms=1000)
    assert second.closed
    assert first.closed
    assert second.heard.startswith(b"HTTP/1.1 200")


def _raise(error: Exception) -> None:
    raise error


def test_a_lost_door_is_opened_again() -> None:
    bench = Bench()
    bench.door.broken = errno.ENETDOWN
    bench.page.step(bench.now_ms)
    assert bench.door.closed
    assert bench.page.listener.failures == 1


def test_a_port_that_is_taken_is_tried_again_every_ten_seconds() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        page: Any = Page(None, "127.0.0.1", taken.getsockname()[1])
        for ms in range(0, 30_000, 100):
            assert page.step(ticks_add(START_MS, ms)) == 100
    assert page.listener.failures == 3
    page.step(ticks_add(START_MS, 30_000))
    assert page.listener.failures == 3
    page.listener._socket.close()


def test_the_longest_head_fits() -> None:
    bench = Bench()
    for request in (get("/").replace(b"GET", b"POST"), get("/"), b"x" * 3000):
        pipe = Pipe(request)
        bench.visit(pipe)
        assert 9 < pipe.heard.index(b"\r\n\r\n") + 4 <= module._BODY - 40
    assert module._BODY + BYTES <= module._BUF_BYTES
