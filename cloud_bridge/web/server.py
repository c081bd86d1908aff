"""uvicorn, with patience that ends: who is slow in asking, or in taking an answer, is left."""

import asyncio
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_ASK_S = 10.0  # for the head of a request
_TAKE_S = 60.0  # for what is left of an answer when its last byte is written
_CONNECTIONS = 500  # at once; the others get 503
_HEAD_BYTES = 16_384


class Impatient(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; it has no deadline of its own for a request's head."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(_ASK_S)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()  # the head is here; the guard minds the answer
        elif self._late is None:
            self._wait(_ASK_S)  # another request has begun

    def on_response_complete(self) -> None:
        self._stop_waiting()
        self._wait(_TAKE_S)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.cycle is not None and self.cycle.response_complete and \
                self.transport.get_write_buffer_size() == 0:
            self._stop_waiting()  # the last answer is taken: the time for another head begins
        super().data_received(data)

    def _wait(self, for_s: float) -> None:
        self._late = self.loop.call_later(for_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def server(app: ASGIApp, certificate: Path | None, key: Path | None) -> uvicorn.Server:
    """A server whose `run` takes listening sockets, and ends when a signal comes."""
    return uvicorn.Server(uvicorn.Config(
        app, http=Impatient, ws="none", lifespan="off", loop="asyncio", log_config=None,
        access_log=False, server_header=False, proxy_headers=False,
        limit_concurrency=_CONNECTIONS, timeout_keep_alive=5, timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=_HEAD_BYTES, ssl_certfile=certificate, ssl_keyfile=key))
