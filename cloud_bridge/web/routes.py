"""Every question the API takes: who may ask it, what may be said with it, and its answer.

The app, the description (web/document.py) and the tests all walk this one table.
"""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from starlette.responses import JSONResponse, Response, StreamingResponse

from cloud_bridge.queries import answers, files, spans
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.gaps import gaps as find_gaps
from cloud_bridge.queries.messages import NAME
from cloud_bridge.queries.spans import Span
from cloud_bridge.tokens import MONITOR, VIEWER, Grant
from cloud_bridge.web.problems import Problem, not_found

PREFIX = "/v1"
MOST, USUAL = 5_000, 1_000  # of one page
WORK_S = 5.0  # of reading in or adding up for one page: what is left has a page of its own
_PAGE = 1_000  # lines of streamed CSV
_NUMBER = re.compile(r"[0-9]{1,5}")

Told = dict[str, Any]
Work = Callable[[Callable[[Archive], Any]], Awaitable[Any]]  # runs it in a thread, with an archive


class Ask(NamedTuple):
    """A request that may be answered. `path` as it is told back in links."""

    grant: Grant
    path: str
    names: tuple[str, str]  # park and gateway, where the route has them
    query: Mapping[str, str]
    etag: str  # that the client has
    now: int

    def number(self, name: str, usual: int, most: int) -> int:
        """A whole number of the query, from 1 on; Problem."""
        told = self.query.get(name, str(usual))
        if not (_NUMBER.fullmatch(told) and 0 < int(told) <= most):
            raise Problem(400, f"{name}: found {told[:40]!r}, expected a number from 1 to {most}")
        return int(told)

    def span(self, resolution: str) -> Span:
        """The range asked for; QueryError when it is none."""
        return spans.span(self.query.get("start"), self.query.get("end"), resolution,
                          self.query.get("zone", "UTC"), self.now)

    def link(self, **changed: object) -> str:
        """The same question with some of it changed."""
        return f"{self.path}?{urlencode({**self.query, **changed}, quote_via=quote)}"


class Route(NamedTuple):
    """`path` behind the prefix; `parameters` of the query, all optional (web/document.py)."""

    path: str
    name: str
    answer: Callable[[Ask, Work], Awaitable[Response]]
    roles: tuple[str, ...]
    parameters: tuple[str, ...] = ()


async def gateways(ask: Ask, work: Work) -> Response:
    """The gateways that the token reaches, by name."""
    names, following = await work(lambda archive: _page_of_names(archive, ask))
    return JSONResponse({"data": [{"park": park, "gateway": gateway} for park, gateway in names],
                         "next": following})


async def lags(ask: Ask, work: Work) -> Response:
    """How far behind each of them is."""
    late_s = ask.number("late", answers.LATE_S, 99_999)

    def told(archive: Archive) -> Told:
        names, following = _page_of_names(archive, ask)
        return {"data": [answers.lag(archive, *one, ask.now, late_s) for one in names],
                "next": following}

    return JSONResponse(await work(told))


async def lag(ask: Ask, work: Work) -> Response:
    """How far behind a gateway is: ok, late or silent."""
    late_s = ask.number("late", answers.LATE_S, 99_999)
    return JSONResponse(await work(
        lambda archive: answers.lag(archive, *ask.names, ask.now, late_s)))


async def last(ask: Ask, work: Work) -> Response:
    """The newest row: every figure, and how old it is. What was not fresh then is null."""
    return JSONResponse(await work(lambda archive: answers.last(archive, *ask.names, ask.now)))


async def within(ask: Ask, work: Work) -> Response:
    """Rows, or intervals of them: of powers the mean by time, the least and the most; of registers
    what they moved by, also where rows are missing and energies are there. Nothing is interpolated:
    an empty interval stands for all the time until the next entry. A page may be shorter than its
    limit; while `next` is not null there is more."""
    form = ask.query.get("format", "json")
    if form not in ("json", "csv"):
        raise Problem(400, f"format: found {form[:40]!r}, expected json or csv")
    resolution = ask.query.get("resolution", "15min")
    asked, most = ask.span(resolution), ask.number("limit", USUAL, MOST)
    fields = ask.query["fields"].split(",") if "fields" in ask.query else []

    def first(archive: Archive) -> tuple[str, list[str]]:
        etag = _etag(archive, ask, (*asked[:3], asked.zone.key))
        names = answers.columns(archive, *ask.names, resolution)
        known = {name.partition(".")[0] for name in names}
        for field in fields:
            if field not in known:
                raise Problem(400, f"fields: found {field[:40]!r}, which this gateway has not told")
        return etag, files.chosen(names, fields)

    etag, names = await work(first)
    if ask.etag == etag:
        return Response(status_code=304, headers={"ETag": etag})
    if form == "csv":
        return StreamingResponse(_csv(ask, work, asked, names), headers={
            "ETag": etag, "Content-Disposition": f'attachment; filename="{ask.names[1]}.csv"'},
            media_type="text/csv; charset=utf-8")
    page = await work(partial(_page, ask, asked, most))
    return JSONResponse({
        "park": ask.names[0], "gateway": ask.names[1], "resolution": resolution,
        "zone": asked.zone.key, "start": spans.text(asked.start, asked.zone),
        "end": spans.text(asked.end, asked.zone),
        "data": [{name: one[name] for name in names if name in one} for one in page.found],
        "next": None if page.next is None else ask.link(start=spans.text(page.next),
                                                        end=spans.text(asked.end)),
    }, headers={"ETag": etag})


async def gaps(ask: Ask, work: Work) -> Response:
    """Which messages never came, and which time no row speaks for, and what is known of
    the energy in it."""
    asked = ask.span("raw")

    def told(archive: Archive) -> Told:
        _read_in(archive, ask)
        return find_gaps(archive, *ask.names, asked, ask.now, _until())

    found = await work(told)
    if found["next"] is not None:
        found["next"] = ask.link(start=spans.text(found["next"]), end=spans.text(asked.end))
    return JSONResponse({"park": ask.names[0], "gateway": ask.names[1],
                         "start": spans.text(asked.start, asked.zone),
                         "end": spans.text(asked.end, asked.zone), **found})


async def _csv(ask: Ask, work: Work, asked: Span, names: list[str]) -> AsyncIterator[str]:
    """Page after page: nothing of the store is held while the client reads."""
    yield files.csv_text(names)
    start: int | None = asked.start
    while start is not None:
        lines, start = await work(partial(_lines, ask, asked._replace(start=start), names))
        yield lines


def _lines(ask: Ask, asked: Span, names: list[str], archive: Archive) -> tuple[str, int | None]:
    page = answers.table(archive, *ask.names, asked, names, _PAGE, _until())
    return files.csv_text(names, page.found), page.next


def _page(ask: Ask, asked: Span, most: int, archive: Archive) -> answers.Page[Told]:
    return answers.page(archive, *ask.names, asked, most, _until())


def _page_of_names(archive: Archive, ask: Ask) -> tuple[list[tuple[str, str]], str | None]:
    most = ask.number("limit", USUAL, MOST)
    after = tuple(ask.query.get("after", "").split("/"))
    found = [one for one in archive.messages.names() if ask.grant.sees(*one) and one > after]
    more = ask.link(after="/".join(found[most - 1])) if len(found) > most else None
    return found[:most], more


def _etag(archive: Archive, ask: Ask, asked: tuple[object, ...]) -> str:
    """It changes with everything that is read in of this gateway, and with the question."""
    _read_in(archive, ask)
    number = archive.gateway(*ask.names)
    told = (archive.index.id, number, archive.index.revision(number), asked,
            sorted(ask.query.items()))
    return f'"{sha256(repr(told).encode()).hexdigest()[:32]}"'


def _read_in(archive: Archive, ask: Ask) -> None:
    if not archive.refresh(*ask.names, _until()):
        raise Problem(503, "this gateway is being read in for the first time: ask again",
                      {"Retry-After": "1"})


def _until() -> float:
    return time.monotonic() + WORK_S


_RANGE = ("start", "end", "zone")
_ONE = "/gateways/{park}/{gateway}"
ROUTES = (
    Route("/gateways", "gateways", gateways, (VIEWER, MONITOR), ("limit", "after")),
    Route("/lag", "lags", lags, (VIEWER, MONITOR), ("limit", "after", "late")),
    Route(_ONE + "/lag", "lag", lag, (VIEWER, MONITOR), ("late",)),
    Route(_ONE + "/gaps", "gaps", gaps, (VIEWER,), _RANGE),
    Route(_ONE + "/last", "last", last, (VIEWER,)),
    Route(_ONE + "/range", "range", within, (VIEWER,),
          (*_RANGE, "resolution", "fields", "limit", "format")),
)


def names_of(path: Mapping[str, str]) -> tuple[str, str]:
    """Park and gateway out of a path; Problem when they can't be any."""
    if not all(NAME.fullmatch(name) for name in path.values()):
        raise not_found()
    return path.get("park", ""), path.get("gateway", "")
