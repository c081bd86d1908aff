"""The central system's door: who may open a websocket, how many, how often, how large.

Names and passwords are those of the file (OCPP 1.6 security whitepaper, profile 1: HTTP basic over
ws:// or, better, profile 2: the same inside TLS). Of two sockets with one name the newer is right,
as a charge point that has lost its connection knows it long before this end does.
"""

import asyncio
import hmac
import http
import logging
import ssl
import time
import urllib.parse
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import click
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.headers import parse_authorization_basic
from websockets.http11 import Request, Response

from boards.ocpp_bucket import Bucket
from boards.ocpp_connector import Connector
from boards.ocpp_file import CentralSystem, ChargePoint, hashed
from boards.ocpp_session import Session
from boards.ocpp_wire import trace

SUBPROTOCOL = "ocpp1.6"
MAX_FRAME = 64 * 1024
_OPEN_S = 10
_CLOSE_S = 5
_PING_S = 20  # a peer that is silent for two of them is gone
_SPARE = 8  # connections beyond two for each charge point, from one address or all
_COMES, _COMES_PER_S = 5, 0.2  # of one charge point
_LINES, _LINES_PER_S = 20, 0.2  # about one charge point

_SILENT = logging.Logger("websockets", logging.CRITICAL + 1)  # strangers would fill it


class Point:
    """One charge point of the file, there or not."""

    def __init__(self, table: ChargePoint) -> None:
        self.table = table
        self.connectors = {wiring.number: Connector(wiring) for wiring in table.connectors}
        self.session: Session | None = None
        self.comes = Bucket(_COMES, _COMES_PER_S)
        self._lines = {known: Bucket(_LINES, _LINES_PER_S) for known in (True, False)}

    def say(self, text: str, known: bool = True) -> None:
        """A line for people, but not more than they can read; strangers have lines of their own."""
        if self._lines[known].take(1, time.monotonic()):
            click.echo(f"{self.table.name}: {text}", err=True)

    def values(self, number: int) -> Mapping[str, int | Fraction] | None:
        """What the gateway reads of a connector; None: the charge point is not there."""
        if self.session is None:
            return None
        return self.connectors[number].values(time.monotonic())

    def on_write(self, number: int, name: str, value: Fraction) -> bool:
        """A write of the gateway: taken where the charge point is there and obeys."""
        if self.session is None:
            return False
        self.session.wake()
        return self.connectors[number].on_write(name, value, time.monotonic())


class Door:
    """Lets charge points in, each to a session of its own."""

    def __init__(self, file: CentralSystem, points: Mapping[str, Point], answer_s: float) -> None:
        self._file, self._points, self._answer_s = file, points, answer_s
        self._ending: set[asyncio.Task[None]] = set()

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse before a websocket exists: 404 for a name nobody knows, 401 without its password,
        429 for one that comes too often."""
        name = urllib.parse.unquote(request.path.partition("?")[0].rpartition("/")[2])
        point = self._points.get(name)
        if point is None:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "")
        if not _proves(request.headers, point.table):
            point.say("came without its password: refused", known=False)
            response = connection.respond(http.HTTPStatus.UNAUTHORIZED, "")
            response.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
            return response
        if not point.comes.take(1, time.monotonic()):
            point.say("comes too often: refused")
            return connection.respond(http.HTTPStatus.TOO_MANY_REQUESTS, "")
        connection.point = point  # type: ignore[attr-defined]
        return None

    async def handle(self, connection: ServerConnection) -> None:
        """One websocket, from its opening to its end."""
        point: Point = connection.point  # type: ignore[attr-defined]
        table, file = point.table, self._file
        session = Session(table.name, connection, point.connectors, file.cards, file.sample_s,
                          table.rate_unit, point.say, self._answer_s)
        older, point.session = point.session, session
        if older is not None:
            ending = asyncio.create_task(older.end("another connection of its name has come"))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
        else:
            point.say("connected")
        try:
            await session.run()
        except Exception as error:
            point.say(f"internal error: {trace(error)}")
        finally:
            if point.session is session:
                point.session = None
                point.say("gone")


def _proves(headers: Headers, table: ChargePoint) -> bool:
    """Whether the request names the charge point and its password (basic authentication)."""
    try:
        name, password = parse_authorization_basic(headers.get("Authorization", ""))
    except (InvalidHeader, LookupError, ValueError):  # none, no such kind, two of them, not UTF-8
        return False
    right = hmac.compare_digest(hashed(password), table.password)
    return right and name == table.name


def _bounded(most: int) -> type[ServerConnection]:
    """Connections of which one address, whatever it has proven, has no more than `most`."""

    class Bounded(ServerConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            ours = _address(self)
            if sum(_address(one) == ours for one in self.server.handlers) > most:
                self.transport.abort()

    return Bounded


def _address(connection: ServerConnection) -> Any:
    place = connection.transport.get_extra_info("peername")
    return place and place[0]


def _tls(file: CentralSystem) -> ssl.SSLContext | None:
    if not file.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(file.certificate, file.key)
    return context


@asynccontextmanager
async def open_door(file: CentralSystem, points: Mapping[str, Point], answer_s: float = 10.0
                    ) -> AsyncIterator[int]:
    """Listen for charge points; yields the port. OSError, ssl.SSLError: it cannot."""
    door = Door(file, points, answer_s)
    tls = _tls(file)
    shaking: dict[str, Any] = {"ssl": tls, "ssl_handshake_timeout": _OPEN_S} if tls else {}
    server: Server = await serve(
        door.handle, file.address, file.port, subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
        process_request=door.admit, create_connection=_bounded(2 * len(points) + _SPARE),
        open_timeout=_OPEN_S, ping_interval=_PING_S, ping_timeout=_PING_S, close_timeout=_CLOSE_S,
        max_size=MAX_FRAME, compression=None, server_header=None, logger=_SILENT, **shaking)
    async with server:
        yield next(iter(server.sockets)).getsockname()[1]
