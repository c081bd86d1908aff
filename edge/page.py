"""The local page: a web server that tells whoever stands at the cabinet what is so now.

A step machine like all that is on a wire: no call waits, a step does one reception or sends one
piece for each of a few visitors, and a visit that is not over in time is ended. So slow clients
and endless rubbish can keep other visitors waiting, but not the beat.

It knows GET / and GET /now.json, and takes nothing else: no query, no body, no name. Only an
address (or localhost) is served as Host, so that no page of a stranger can make its own name lead
here and read along (DNS rebinding). The page is a file beside this one.
"""

import os

from edge.compat import TYPE_CHECKING, const
from edge.listener import Listener
from edge.now import Now
from edge.port import TcpPort
from edge.ticks import ticks_add, ticks_diff

if TYPE_CHECKING:
    from typing import Any

_VISITORS = const(3)  # a browser likes to open two connections
_BODY = const(768)  # where an answer's body begins in the buffer; before it stands its head
_BUF_BYTES = const(2048)  # the longest request taken; holds an answer's head and BYTES behind it
_ASK_MS = const(2000)  # for a request to come in whole
_TELL_MS = const(10_000)  # for an answer to be taken
_LINGER_MS = const(500)  # for one who was refused to close: with something unread, we would reset
_PROMPT_MS = const(20)  # between steps while somebody is there
_CALM_MS = const(100)  # between steps otherwise

_FREE = const(0)  # states of a visit
_ASKING = const(1)
_TOLD = const(2)
_LEAVING = const(3)

_FILE = __file__[:__file__.rindex("page.")] + "page.html"
_HTML = "text/html; charset=utf-8"
_HEAD = """HTTP/1.1 %s\r
Content-Type: %s\r
Content-Length: %d\r
Connection: close\r
Cache-Control: no-store\r
X-Content-Type-Options: nosniff\r
Referrer-Policy: no-referrer\r
Cross-Origin-Resource-Policy: same-origin\r
Content-Security-Policy: default-src 'none'; connect-src 'self'; img-src data:; \
script-src 'sha256-qRZdBG55zqr+AvJZYke/FNHh3p+EXZD49kEZ7l5ijbo='; \
style-src 'sha256-v9jCnlzjWgHtomgZxEDr9FJEpPwf33bwcMnXHb2LDRM='; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r
%s\r
"""


def part(app, image: dict) -> "Page":
    """The part of a gateway (edge/app.py) that the image's [page] asks for."""
    keys = image["page"]
    return Page(Now(app.site, image), keys["address"], keys["port"])


class Page:
    """Serves what `now` writes on a TCP port of one of this machine's addresses."""

    def __init__(self, now, address: str, port: int):
        self.listener = Listener(address, port, _VISITORS)
        self._visits = [_Visit(now) for _ in range(_VISITORS)]

    def mend(self, now_ms: int) -> None:
        """After an internal fault: nobody is there, and the port is opened anew."""
        for visit in self._visits:
            visit.end()
        self.listener.lose()

    def step(self, now_ms: int) -> int:
        """Serve everybody who is there for a moment; ms until the next call."""
        wait_ms = _CALM_MS
        more = True
        for visit in self._visits:
            if visit.state == _FREE and more:
                more = self._admit(visit, now_ms)
            if visit.state != _FREE:
                wait_ms = _PROMPT_MS
                visit.step(now_ms)
        return wait_ms

    def _admit(self, visit, now_ms: int) -> bool:
        """Let the next one in, if somebody waits."""
        found = self.listener.accept(now_ms)
        if found is None:
            return False
        try:
            visit.begin(found[0], now_ms)
        except OSError:
            visit.end()
        return True


class _Visit(TcpPort):
    """One connection, for one request; its buffer holds first the request, then the answer."""

    def __init__(self, now):
        super().__init__("", 0)
        self.state = _FREE
        self._now = now
        self._buf = bytearray(_BUF_BYTES)
        self._view = memoryview(self._buf)
        self._at = self._end = 0
        self._file: Any = None  # what is still to be told stands there
        self._due_ms = 0
        self._refused = False  # so that something unread may be on its way

    def begin(self, pipe, now_ms: int) -> None:
        """Take a connection that came in."""
        self._socket = pipe
        pipe.setblocking(False)
        self._read_into = getattr(pipe, "recv_into", None) or pipe.readinto
        self._at = self._end = 0
        self._refused = False
        self._enter(_ASKING, now_ms, _ASK_MS)

    def step(self, now_ms: int) -> None:
        """Do what can be done now; whatever goes wrong ends the visit, and only that."""
        try:
            if self.state == _ASKING:
                self._ask(now_ms)
            elif self.state == _TOLD:
                self._tell(now_ms)
            else:
                self.recv(self._buf, 0)  # until it raises: closed over there
        except (OSError, MemoryError):
            self.end()
        if self.state != _FREE and ticks_diff(now_ms, self._due_ms) >= 0:
            self.end()

    def end(self) -> None:
        """Be free for the next one."""
        self.state = _FREE
        self.close()
        if self._file is not None:
            self._file.close()
        self._file = None

    def _enter(self, state: int, now_ms: int, for_ms: int) -> None:
        self.state = state
        self._due_ms = ticks_add(now_ms, for_ms)

    def _ask(self, now_ms: int) -> None:
        n = self.recv(self._buf, self._end)
        before = self._end - 3 if self._end > 3 else 0
        self._end += n
        if bytes(self._view[before:self._end]).find(b"\r\n\r\n") >= 0:
            self._answer(bytes(self._view[:self._end]), now_ms)
        elif self._end == _BUF_BYTES:
            self._refuse("413 Content Too Large")
        else:
            return
        self._enter(_TOLD, now_ms, _TELL_MS)

    def _answer(self, asked: bytes, now_ms: int) -> None:
        lines = asked[:asked.find(b"\r\n\r\n")].split(b"\r\n")
        words = lines[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1.") or not words[0].isalpha():
            self._refuse("400 Bad Request")
        elif not _is_here(lines):
            self._refuse("400 Bad Request", "open this page by its address")
        elif words[0] != b"GET":
            self._refuse("405 Method Not Allowed", "", "Allow: GET\r\n")
        elif words[1] == b"/":
            self._file = open(_FILE, "rb")  # noqa: SIM115
            self._head("200 OK", _HTML, os.stat(_FILE)[6])
            self._end = _BODY
        elif words[1] == b"/now.json":
            end = self._now.write(self._buf, _BODY, now_ms)
            self._head("200 OK", "application/json", end - _BODY)
            self._end = end
        else:
            self._refuse("404 Not Found")

    def _refuse(self, status: str, why: str = "", more: str = "") -> None:
        self._refused = True
        body = ((why or status) + "\n").encode()
        self._view[_BODY:_BODY + len(body)] = body
        self._head(status, "text/plain", len(body), more)
        self._end = _BODY + len(body)

    def _head(self, status: str, kind: str, n: int, more: str = "") -> None:
        """Write the head so that it ends where the body begins."""
        head = (_HEAD % (status, kind, n, more)).encode()
        self._at = _BODY - len(head)
        self._view[self._at:_BODY] = head

    def _tell(self, now_ms: int) -> None:
        if self._at == self._end and self._file is not None:
            self._at = 0
            self._end = self._file.readinto(self._buf)
        if self._at == self._end:
            if self._refused:
                self._enter(_LEAVING, now_ms, _LINGER_MS)
            else:
                self.end()
            return
        view = self._view[self._at:self._end]
        self._at += self.send(view, len(view))


def _is_here(lines: list) -> bool:
    """Whether the one Host of a request is an address, or localhost."""
    hosts = [line[5:].strip() for line in lines[1:] if line[:5].lower() == b"host:"]
    if len(hosts) != 1:
        return False
    host = hosts[0]
    if host[:9].lower() == b"localhost" and (len(host) == 9 or host[9:10] == b":"):
        return True
    return (len(host) > 0 and all(mark in b"0123456789.:" for mark in host)) \
        or (host[:1] == b"[" and all(mark in b"0123456789abcdefABCDEF.:[]" for mark in host))
