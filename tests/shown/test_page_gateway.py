"""The page of a gateway that runs, over real sockets: what it answers, and whom it survives.

Whatever is done to the page, beats go on and no beat fails; afterwards the page answers as before.
"""

from __future__ import annotations

import json
import random
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.snapshot import FAULT
from tests.conftest import ROOT, Interpreter, _missing
from tests.shown.served import Served, gateway, get, hear

PAGE = (ROOT / "edge" / "page.html").read_bytes()
HEADS = [b"Cache-Control: no-store", b"X-Content-Type-Options: nosniff", b"Connection: close",
         b"Referrer-Policy: no-referrer", b"Cross-Origin-Resource-Policy: same-origin"]


@pytest.fixture(scope="module", params=["cpython", "micropython"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
           ) -> Iterator[Served]:
    command = [sys.executable]
    if request.param == "micropython":
        command = [*Interpreter("i386").command, "-X", "heapsize=1m"]
        if not Path(command[0]).exists():
            _missing("micropython-i386")
    with gateway(command, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def unharmed(served: Served) -> Iterator[None]:
    """After an attack: another beat, none of which has failed, and the page as it should be."""
    yield
    served.live_on(1)
    assert not any(row["flags"] & FAULT for row in served.rows())
    assert served.get("/")[1] == PAGE


def test_the_page_is_the_file(served: Served) -> None:
    head, body = served.get("/")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n")
    assert f"Content-Length: {len(PAGE)}".encode() in head.split(b"\r\n")
    assert body == PAGE
    assert set(HEADS) <= set(head.split(b"\r\n"))
    assert b"default-src 'none'" in head
    assert b"unsafe" not in head


def test_now_is_json_and_the_newest(served: Served) -> None:
    head, body = served.get("/now.json")
    assert b"Content-Type: application/json\r\n" in head + b"\r\n"
    assert set(HEADS) <= set(head.split(b"\r\n"))
    first = json.loads(body)
    assert (first["park"], first["gateway"], first["by"]) == ("p", "g", "fresh")
    assert (first["grid_w"], first["fault"]) == (None, 0)
    served.live_on(1)
    then = json.loads(served.get("/now.json")[1])
    assert (then["day"], then["second"]) > (first["day"], first["second"])


@pytest.mark.parametrize(("request_", "status"), [
    (get("/now.json").replace(b"GET", b"POST"), b"405"),
    (get("/").replace(b"GET", b"DELETE") + b"x" * 5000, b"405"),
    (get("/").replace(b"GET", b"HEAD"), b"405"),
    (get("/index.html"), b"404"), (get("/../site.json"), b"404"), (get("/now.json?x"), b"404"),
    (get("//"), b"404"), (get("http://127.0.0.1/"), b"404"),
    (get("/", "evil.example"), b"400"), (get("/", "127.0.0.1.evil.example"), b"400"),
    (get("/", ""), b"400"), (get("/", "localhost.evil.example"), b"400"),
    (b"GET / HTTP/1.1\r\n\r\n", b"400"), (b"GET /\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: 1.2.3.4\r\nHost: 1.2.3.4\r\n\r\n", b"400"),
    (b"GET  / HTTP/1.1\r\nHost: 1.2.3.4\r\n\r\n", b"400"), (b"\r\n\r\n\r\n\r\n", b"400"),
    (b"GET / HTTP/2\r\nHost: 1.2.3.4\r\n\r\n", b"400"), (b"\x16\x03\x01\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: 1.2.3.4\r\nX: " + b"x" * 2100, b"413"),
    (get("/", "localhost"), b"200"), (get("/", "localhost:8040"), b"200"),
    (get("/", "192.168.1.7:8040"), b"200"), (get("/", "[fe80::1]:8040"), b"200"),
    (get("/").replace(b"Host", b"hOST"), b"200"),
])
def test_each_request_has_one_status(served: Served, request_: bytes, status: bytes) -> None:
    said = served.ask(request_)
    assert said.startswith(b"HTTP/1.1 " + status)
    head, _, body = said.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    if status != b"200":
        assert body.count(b"\n") == 1, "a refusal is one line"
    assert (b"\r\nAllow: GET" in head) == (status == b"405")


@pytest.mark.usefixtures("unharmed")
def test_a_million_bytes_of_rubbish(served: Served) -> None:
    rubbish = random.Random(1).randbytes(1_000_000).replace(b"\r\n\r\n", b"....")
    with served.connect() as pipe:
        try:
            pipe.sendall(rubbish)
        except ConnectionError:  # it hangs up in the middle, as it should
            return
        assert hear(pipe)[:12] in (b"HTTP/1.1 413", b"")


@pytest.mark.usefixtures("unharmed")
def test_a_hundred_that_never_finish_their_request(served: Served) -> None:
    """Each says a little and then nothing; more than are admitted, and than may wait."""
    with ExitStack() as held:
        pipes = [held.enter_context(socket.socket()) for _ in range(100)]
        for pipe in pipes:
            pipe.setblocking(False)
            pipe.connect_ex(("127.0.0.1", served.port))
        for letter in b"GET":
            for pipe in pipes:
                try:
                    pipe.send(bytes([letter]))
                except OSError:  # not admitted yet, or sent away already
                    continue
            served.live_on(1)


@pytest.mark.usefixtures("unharmed")
def test_those_who_ask_and_do_not_listen(served: Served) -> None:
    for linger in (False, True):
        pipe = served.connect()
        pipe.sendall(get("/"))
        if linger:  # a reset in the midst of the answer
            pipe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        pipe.close()
    with served.connect() as mute:
        mute.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        mute.sendall(get("/"))
        served.live_on(1)


def test_a_request_in_single_bytes(served: Served) -> None:
    with served.connect() as pipe:
        pipe.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in get("/now.json"):
            pipe.send(bytes([byte]))
        assert hear(pipe).startswith(b"HTTP/1.1 200")


@pytest.mark.usefixtures("unharmed")
def test_many_in_a_row(served: Served) -> None:
    for _ in range(40):
        assert served.get("/now.json")[0].startswith(b"HTTP/1.1 200")
