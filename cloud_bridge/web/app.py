"""The ASGI application: the routes behind the guard, on a few archives that take turns."""

import queue
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as WebRoute
from starlette.types import ASGIApp

from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.messages import NotFoundError, QueryError, TroubleError
from cloud_bridge.tokens import Tokens
from cloud_bridge.web import document
from cloud_bridge.web.guard import Guard, Log
from cloud_bridge.web.problems import Problem, not_found
from cloud_bridge.web.routes import PREFIX, ROUTES, Ask, Route, names_of

_ARCHIVES = 4  # at once; others wait their turn
_TURN_S = 10.0
_CLOSED_S = 1.0  # for archives that are still out when the app ends
HEALTH, DOCUMENT = f"{PREFIX}/health", f"{PREFIX}/openapi.json"
OPEN_PATHS = (HEALTH, DOCUMENT)  # they tell nothing of any gateway


class Archives:
    """Opened when they are first needed, each used by one thread at a time."""

    def __init__(self, make: Callable[[], Archive]) -> None:
        self._make = make
        self._free: queue.LifoQueue[Archive | None] = queue.LifoQueue()
        for _ in range(_ARCHIVES):
            self._free.put(None)

    @contextmanager
    def one(self) -> Iterator[Archive]:
        """One of them. Problem: all are busy. TroubleError: it can't be opened."""
        try:
            archive = self._free.get(timeout=_TURN_S)
        except queue.Empty:
            raise Problem(503, "too many questions at once", {"Retry-After": "5"}) from None
        try:
            archive = archive or self._make()
            yield archive
        except (sqlite3.Error, TroubleError):
            if archive:
                archive.close()  # the next one opens it anew
            archive = None
            raise
        finally:
            self._free.put(archive)

    def close(self) -> None:
        """Give all files back."""
        for _ in range(_ARCHIVES):
            archive = self._free.get(timeout=_CLOSED_S)
            if archive:
                archive.close()


def make(archives: Archives, tokens: Tokens, hosts: Collection[str], log: Log) -> ASGIApp:
    """The whole of it; `hosts` are the names it may be spoken to by, with their ports."""
    described = document.describe()

    async def work(task: Callable[[Archive], Any]) -> Any:
        def run() -> Any:
            with archives.one() as archive:
                return task(archive)
        return await run_in_threadpool(run)

    async def health(request: Request) -> Response:
        return JSONResponse({"state": "ok"})

    async def openapi(request: Request) -> Response:
        return JSONResponse(described)

    async def refused(request: Request, error: Exception) -> Response:
        return _problem(error, log).response()

    app = Starlette(
        routes=[WebRoute(HEALTH, health, name="health"),
                WebRoute(DOCUMENT, openapi, name="openapi"),
                *(WebRoute(PREFIX + route.path, _endpoint(route, work), name=route.name)
                  for route in ROUTES)],
        exception_handlers=dict.fromkeys((Problem, QueryError, sqlite3.Error, HTTPException,
                                          Exception), refused))
    return Guard(app, tokens, hosts, OPEN_PATHS, log)


def _endpoint(route: Route, work: Callable[[Callable[[Archive], Any]], Awaitable[Any]]
              ) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        grant = request.scope["grant"]
        names = names_of(request.path_params)
        if request.path_params and not grant.sees(*names):
            raise not_found()  # before anything is looked up
        if grant.role not in route.roles:
            raise Problem(403, f"a {grant.role} may not ask this")
        for name, told in request.query_params.multi_items():
            if name not in route.parameters:
                raise Problem(400, f"found {name[:40]!r}, expected "
                              + (f"some of {', '.join(route.parameters)}" if route.parameters
                                 else "no query"))
            if request.query_params.getlist(name) != [told]:
                raise Problem(400, f"{name}: found more than once")
        return await route.answer(
            Ask(grant, request.scope["path"], names, dict(request.query_params),
                request.headers.get("if-none-match", ""), int(time.time())), work)
    return endpoint


def _problem(error: Exception, log: Log) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, NotFoundError):
        return not_found()
    if isinstance(error, TroubleError | sqlite3.Error):  # where it is is for the log alone
        log("trouble", place="store", reason=str(error))
        return Problem(503, "the store can't be read now", {"Retry-After": "5"})
    if isinstance(error, QueryError):
        return Problem(400, str(error))
    if isinstance(error, HTTPException):
        if error.status_code == 405:
            return Problem(405, "only GET and HEAD", {"Allow": "GET, HEAD"})
        return not_found()
    log("fault", reason=f"{type(error).__name__}: {error}")
    return Problem(500, "this is a fault of the server; it is in its log")
