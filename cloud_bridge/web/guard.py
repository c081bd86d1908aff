"""What stands before every request: the right host, a token, and patience that ends.

No cookie and no password: a browser has nothing that a foreign page could make it send, and no
other origin is let in. Wrong tokens are answered more slowly than they come, a right one always,
since 256 bits are not guessed, and whoever shares its address must not lock it out.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_bridge.fields import DocumentError
from cloud_bridge.tokens import Grant, Tokens
from cloud_bridge.web.problems import Problem

Log = Callable[..., None]  # log(event, key=value ...)
_STALL_S = 20.0  # a client that takes nothing this long is left
_WRONG, _WRONG_S = 10, 60.0  # so many wrong tokens of one address in so many seconds
_ADDRESSES = 4_096  # remembered
_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Authorization",
}


class Guard:
    """Wraps the app. `hosts`: names under which it may be spoken to. `open_paths` need no token."""

    def __init__(self, app: ASGIApp, tokens: Tokens, hosts: Collection[str],
                 open_paths: Collection[str], log: Log) -> None:
        self._app = app
        self._tokens = tokens
        self._hosts = frozenset(host.lower() for host in hosts)
        self._open = frozenset(open_paths)
        self._log = log
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.monotonic()
        told: dict[str, Any] = {"token": "-", "status": 0}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await asyncio.wait_for(send(message), _STALL_S)

        try:
            try:
                grant = self._admit(Request(scope))
            except Problem as problem:
                await problem.response()(scope, receive, sending)
            else:
                scope["grant"] = grant
                told["token"] = grant.name if grant else "-"
                await self._app(scope, receive, sending)
        except TimeoutError:
            told["status"] = "stalled"
            raise
        finally:
            self._log("request", method=scope["method"], status=told["status"],
                      path=ascii(scope["path"][:200])[1:-1], token=told["token"],
                      client=_address(scope), ms=round(1_000 * (time.monotonic() - began_s)))

    def _admit(self, request: Request) -> Grant | None:
        """What the request may see; Problem."""
        host = request.headers.get("host", "").lower()
        if host not in self._hosts:
            raise Problem(421, "this server does not go by that name: --host names it")
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host:
            raise Problem(403, "another page's script may not ask here")
        if request.scope["path"] in self._open:
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Problem(401, "expected a header Authorization: Bearer TOKEN",
                          {"WWW-Authenticate": 'Bearer realm="parkedge"'})
        try:
            grant = self._tokens.find(token.strip(), time.time())
        except DocumentError as error:
            self._log("trouble", place="tokens", reason=str(error))
            raise Problem(503, "the tokens can't be read", {"Retry-After": "60"}) from None
        if grant is None:
            self._refuse(_address(request.scope))
        return grant

    def _refuse(self, address: str) -> None:
        now_s = time.monotonic()
        times = [at for at in self._wrong.pop(address, []) if now_s - at < _WRONG_S]
        if len(times) >= _WRONG:
            self._wrong[address] = times
            raise Problem(429, "too many wrong tokens from this address",
                          {"Retry-After": str(int(_WRONG_S - (now_s - times[0])) + 1)})
        self._wrong[address] = [*times, now_s]
        if len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)
        raise Problem(401, "the token is wrong, or its time is over",
                      {"WWW-Authenticate": 'Bearer realm="parkedge", error="invalid_token"'})


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else "-"
