"""Attack 38 on the API: a hundred that are slow to ask or to listen, and the others are answered.
The gateway's own page has the same in tests/shown/test_page_turns.py."""

import socket

import pytest

from tests.queries.served import Api
from tests.queries.stores import DAY_UTC, batch, birth, fill, row

SLOW = 100
ROWS = 20_000  # more than what a kernel takes in for both ends
IMPATIENT = """
from cloud_bridge.web import guard, server
server._ASK_S, server._TAKE_S, guard._STALL_S = 0.5, 0.5, 0.5
"""
HALF = b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: "
BIG = "/v1/gateways/demo/big/range?start=2026-01-04&end=2026-01-06&resolution=raw&format=csv"


@pytest.fixture
def api(tmp_path):
    with Api(tmp_path, prelude=IMPATIENT) as served:
        yield served


@pytest.fixture
def pipes(api):
    found = [socket.create_connection(("127.0.0.1", api.port), timeout=20) for _ in range(SLOW)]
    yield found
    for pipe in found:
        pipe.close()


def wait_closed(pipe):
    """Read until the server has left; what it said."""
    told = b""
    while True:
        try:
            more = pipe.recv(1 << 16)
        except ConnectionResetError:
            return told
        if not more:
            return told
        told += more


@pytest.mark.parametrize("start", [b"", b"G", HALF, b"GET /v1/health HTTP/1.1\r\nHost: localhost:1"
                                                    b"\r\n\r\nGET /v1/health HT"])
def test_slow_to_ask(api, pipes, start):
    for pipe in pipes:
        pipe.sendall(start)
    assert api.ask("/v1/gateways/demo/hall/range?start=2026-01-04&end=2026-01-05")[0] == 200
    for pipe in pipes:
        told = wait_closed(pipe)
        assert told.count(b"HTTP/1.1 ") == start.count(b"\r\n\r\n")
    assert api.ask("/v1/health", None)[0] == 200


def test_a_byte_now_and_then_is_slow_too(api):
    with socket.create_connection(("127.0.0.1", api.port), timeout=0.1) as pipe:
        pipe.sendall(HALF)
        for _ in range(1_000):  # of a tenth of a second at most
            try:
                if not pipe.recv(1_000):
                    return
            except TimeoutError:
                pass
            except ConnectionResetError:
                return
            try:
                pipe.sendall(b"x")
            except OSError:
                return
    raise AssertionError("it waits as long as one likes")


def test_slow_to_listen(api, pipes):
    rows = [row(DAY_UTC + i, grid_w=1_000 * i, import_wh=i) for i in range(ROWS)]
    fill(api.store, [(1, 2, birth(1)), *((2 + i, 1, batch(rows[250 * i:250 * i + 250]))
                                         for i in range(ROWS // 250))], ("demo", "big"), DAY_UTC)
    ask = (f"GET {BIG} HTTP/1.1\r\nHost: {api.host}\r\nAuthorization: Bearer"
           f" {api.tokens['root']}\r\n\r\n").encode()
    for pipe in pipes[:8]:
        pipe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        pipe.sendall(ask)
    status, _, body = api.ask(BIG)
    assert status == 200
    assert body.count(b"\n") == ROWS + 1
    while sum('"stalled"' in line for line in api.log) < 8:
        assert api.ask("/v1/health", None)[0] == 200
    assert api.get("/v1/lag")["data"]


def test_too_long_a_head_is_refused(api):
    with socket.create_connection(("127.0.0.1", api.port), timeout=20) as pipe:
        pipe.sendall(HALF + b"x" * 20_000)
        assert wait_closed(pipe).startswith(b"HTTP/1.1 400 ")
    assert api.ask("/v1/health", None)[0] == 200
