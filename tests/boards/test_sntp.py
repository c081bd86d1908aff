"""The time of day is taken from a server that answers the very question, and from nothing else."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.sntp import Sntp

NOW_S = 9457 * 86400 + 12_345  # since 2000
SINCE_1900 = 3_155_673_600


def answer(request: bytes, *, seconds: int = NOW_S, first: int = 0x24, stratum: int = 2,
           echo: bytes | None = None) -> bytes:
    """A server's reply to a request."""
    head = struct.pack("!BBBb", first, stratum, 6, -20) + bytes(20)
    stamp = struct.pack("!II", (seconds + SINCE_1900) % (1 << 32), 0)
    return head + (request[40:48] if echo is None else echo) + stamp + stamp


class Server:
    """Answers each request with what `reply` makes of it."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)
        self.port: int = self.socket.getsockname()[1]

    def serve(self, reply: Callable[[bytes], bytes]) -> None:
        request, address = self.socket.recvfrom(100)
        assert len(request) == 48
        assert request[0] == 0x23
        self.socket.sendto(reply(request), address)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.socket.close()


def ask(server: Server, reply: Callable[[bytes], bytes]) -> tuple[Sntp, bool]:
    """One question and its answer; whether it was believed."""
    client = Sntp()
    assert not client.step(0, "127.0.0.1", server.port)
    server.serve(reply)
    believed = any(client.step(1, "127.0.0.1", server.port) for _ in range(1000))
    client.close()
    return client, believed


def test_an_answer_is_the_time(server):
    client, believed = ask(server, answer)
    assert believed
    assert client.known
    assert (client.day, client.second) == (9457, 12_345)


@given(st.integers(9131 * 86400, 40_000 * 86400))
def test_any_time_even_after_the_era_of_2036(seconds):
    server = Server()
    client, believed = ask(server, lambda request: answer(request, seconds=seconds))
    server.socket.close()
    assert believed
    assert client.day * 86400 + client.second == seconds


@pytest.mark.parametrize("reply", [
    lambda request: answer(request, echo=bytes(8)),  # of another question
    lambda request: answer(request, first=0x23),  # a client
    lambda request: answer(request, first=0xE4),  # not synchronized
    lambda request: answer(request, stratum=0),  # a kiss of death
    lambda request: answer(request, stratum=16),
    lambda request: answer(request, seconds=86400),  # before this was written
    lambda request: answer(request)[:47],
    lambda request: b"",
])
def test_anything_else_is_no_time(reply, server):
    client, believed = ask(server, reply)
    assert not believed
    assert not client.known


def test_it_asks_again_each_minute_until_it_knows_and_each_hour_then(server):
    client = Sntp()
    asked = []
    for now_ms in range(0, 8_000_000, 1000):
        before = client._asked_ms
        client.step(now_ms, "127.0.0.1", server.port)
        if client._asked_ms != before or now_ms == 0:
            asked.append(now_ms)
            if len(asked) == 4:
                thread = threading.Thread(target=lambda: server.serve(answer))
                for _ in range(3):
                    server.socket.recvfrom(100)  # the unanswered ones
                thread.start()
                thread.join()
                assert any(client.step(now_ms, "127.0.0.1", server.port) for _ in range(1000))
    client.close()
    assert asked == [0, 64_000, 128_000, 192_000, 3_792_000, 7_392_000]


def test_without_a_network_it_goes_on_asking():
    client = Sntp()
    for now_ms in (0, 1, 64_000, 64_001):
        assert not client.step(now_ms, "255.255.255.255", 9)
    client.close()
