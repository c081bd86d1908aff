"""The way to a server (VTN) of OpenADR 3: a token, GET and POST, and lists that are whole.

Whatever a server does ends in an answer or in VtnError: no redirect is followed (the token would
go along), no body is read without end, nothing takes longer than its time.
"""

import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

from cloud_bridge.fields import mistake

_BODY_MAX = 4 << 20
_PAGE = 50  # what the specification allows at most
_ITEMS_MAX = 2000
_EARLY_S = 30.0  # a token is renewed so long before it ends
_FAILURES = (OSError, http.client.HTTPException)


class VtnError(Exception):
    """The server was not reached, or said what is no answer; the text is one line. `refused`: it
    has understood and will say the same again."""

    def __init__(self, text: str, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


class Vtn:
    """The server at a URL, e.g. https://host/openadr3/3.1.0. DocumentError when it is none, or is
    asked for without TLS and is not on this machine."""

    def __init__(self, url: str, client_id: str, secret: str, token_url: str | None = None,
                 ca: str | None = None, plain: bool = False, wait_s: float = 20) -> None:
        self._url = _checked("vtn", url.rstrip("/"), plain)
        self._token_url = _checked("token-url", token_url or f"{self._url}/auth/token", plain)
        self._credentials = {"grant_type": "client_credentials", "client_id": client_id,
                             "client_secret": secret}
        self._tls = ssl.create_default_context(cafile=ca)
        self._wait_s = wait_s
        self._token = ""
        self._until_s = 0.0

    def get(self, path: str, **query: object) -> Any:
        """What is at a path, e.g. "events". VtnError."""
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        return self._ask("GET", f"{self._url}/{path}{asked}", None)

    def post(self, path: str, made: object) -> Any:
        """Create something. VtnError."""
        return self._ask("POST", f"{self._url}/{path}", json.dumps(made).encode())

    def listed(self, path: str, **query: object) -> list[Any]:
        """The whole list: up to a page that is empty, however short those before it were. What
        takes several pages is read twice, as it may have changed on the way. VtnError: it did not
        come whole."""
        found, pages = self._pages(path, query)
        if pages > 1 and self._pages(path, query)[0] != found:
            raise VtnError(f"{path}: the list has changed while it was read")
        return found

    def _pages(self, path: str, query: dict[str, object]) -> tuple[list[Any], int]:
        found: list[Any] = []
        pages = 0
        while page := self._page(path, query, len(found)):
            if page == found:
                break  # it knows no pages: this is the whole list again
            found += page
            pages += 1
            if len(found) > _ITEMS_MAX:
                raise VtnError(f"{path}: found more than {_ITEMS_MAX}")
        return found, pages

    def _page(self, path: str, query: dict[str, object], skip: int) -> list[Any]:
        page = self.get(path, **query, skip=skip, limit=_PAGE)
        if not isinstance(page, list):
            raise VtnError(f"{path}: found a {type(page).__name__}, expected a list")
        return page

    def _ask(self, method: str, url: str, body: bytes | None) -> Any:
        fresh = not self._token or time.monotonic() > self._until_s
        if fresh:
            self._fetch_token()
        status, answer = self._send(method, url, body, "application/json")
        if status in (401, 403) and not fresh:  # it may have ended early
            self._fetch_token()
            status, answer = self._send(method, url, body, "application/json")
        if status == 401:
            self._token = ""
        return _read(f"{method} {urlsplit(url).path}", status, answer)

    def _fetch_token(self) -> None:
        self._token = ""
        status, answer = self._send("POST", self._token_url,
                                    urlencode(self._credentials).encode(),
                                    "application/x-www-form-urlencoded")
        found = _read("token", status, answer)
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() \
                or not 0 < len(token) <= 4096:
            raise VtnError("token: found none in the answer")
        lasts_s = found.get("expires_in")
        self._token = token
        self._until_s = time.monotonic() + (
            max(0.0, min(lasts_s, 86_400) - _EARLY_S) if type(lasts_s) is int else 3600.0)

    def _send(self, method: str, url: str, body: bytes | None, kind: str) -> tuple[int, bytes]:
        """Status and body of one exchange."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        line = http.client.HTTPSConnection(host, parts.port, timeout=self._wait_s,
                                           context=self._tls) if parts.scheme == "https" else \
            http.client.HTTPConnection(host, parts.port, timeout=self._wait_s)
        headers = {"Accept": "application/json", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = kind
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            line.connect()
            with _in_time(line.sock, 2 * self._wait_s):
                line.request(method, target, body, headers)
                response = line.getresponse()
                answer = response.read(_BODY_MAX + 1)
        except _FAILURES as error:
            raise VtnError(f"{host}: {str(error) or type(error).__name__}") from None
        finally:
            line.close()
        if len(answer) > _BODY_MAX:
            raise VtnError(f"{host}: found a body of more than {_BODY_MAX} bytes")
        wanted = response.getheader("Content-Length", "")
        if wanted.isdecimal() and int(wanted) != len(answer):
            raise VtnError(f"{host}: found {len(answer)} bytes, expected {wanted}")
        return response.status, answer


@contextmanager
def _in_time(sock: socket.socket, wait_s: float) -> Iterator[None]:
    """Hang up when that is over, whatever has come: a time-out begins anew with every byte."""
    over = threading.Event()

    def hang_up() -> None:
        over.set()
        with suppress(OSError):  # it has gone by itself
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(wait_s, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if over.is_set():
        raise TimeoutError("no whole answer in time")


def _read(what: str, status: int, answer: bytes) -> Any:
    """The JSON of an answer that is one. VtnError."""
    if not 200 <= status < 300:
        raise VtnError(f"{what}: found status {status}",
                       400 <= status < 500 and status not in (401, 408, 425, 429))
    try:
        return json.loads(answer, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise VtnError(f"{what}: found what is no JSON") from None


def _no_number(text: str) -> None:
    raise ValueError(text)


def _checked(name: str, url: str, plain: bool) -> str:
    """The URL, when it may be asked."""
    expected = "https://..., or http:// to this machine"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise mistake(name, url, expected) from None
    good = parts.scheme == "https" or (
        parts.scheme == "http" and (plain or _is_here(parts.hostname)))
    if not good or not parts.hostname or parts.username is not None or parts.query \
            or parts.fragment or not url.isprintable() or " " in url:
        raise mistake(name, url.rpartition("@")[2], expected)
    return url


def _is_here(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
