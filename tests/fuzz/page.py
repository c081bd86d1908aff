"""Any bytes as what a browser asks of the local page: one answer of a few kinds, of the length it
says, and nothing is told to who asks under a foreign name."""

import re

from tests.shown.served import get
from tests.shown.test_page_turns import Bench, Pipe

SEEDS = [get("/"), get("/now.json"), get("/now.json", "localhost:8080"), get("/", "evil.example"),
         b"POST / HTTP/1.1\r\nHost: [fe80::1]:80\r\nContent-Length: 2\r\n\r\nhi",
         b"GET / HTTP/1.0\r\n\r\n"]
_STATUS = {"200", "400", "404", "405", "413"}
_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]+\r\nContent-Type: [^\r\n]+\r\n"
                   rb"Content-Length: (\d+)\r\n(?:[A-Za-z-]+: [^\r\n]*\r\n)*\r\n")
# What no browser looks up as a name: an address, or what only resembles one.
_OWN = re.compile(rb"(localhost(:.*)?|[0-9.:]+|\[[0-9a-f.:\[\]]*)", re.IGNORECASE | re.DOTALL)
_bench = Bench()


def one(data: bytes) -> None:
    """One visitor, until it is gone."""
    pipe = Pipe(data)
    _bench.door.waiting.append(pipe)
    for _ in range(900):
        _bench.page.step(_bench.now_ms)
        _bench.now_ms = (_bench.now_ms + 20) & (1 << 30) - 1
        if pipe.closed:
            break
    assert pipe.closed, "no visit lasts"
    if not pipe.heard:
        assert b"\r\n\r\n" not in data[:2048], "whoever asks is answered"
        return
    head = _HEAD.match(pipe.heard)
    assert head
    assert head[1].decode() in _STATUS
    assert len(pipe.heard) == head.end() + int(head[2])
    if head[1] == b"200":
        lines = data[:data.find(b"\r\n\r\n")].split(b"\r\n")
        hosts = [line[5:].strip() for line in lines if line.lower().startswith(b"host:")]
        assert lines[0].startswith(b"GET /")
        assert len(hosts) == 1
        assert _OWN.fullmatch(hosts[0])
