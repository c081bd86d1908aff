"""Whatever is asked gets an answer in due form: by what the description allows, and by bytes."""

import asyncio
import datetime
import json
import subprocess
import sys
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge import tokens
from cloud_bridge.queries.archive import Archive
from cloud_bridge.tokens import Tokens
from cloud_bridge.web import app, routes
from tests.queries.served import ROOT, Api, store

ALLOWED = {200, 304, 400, 401, 403, 404, 405, 421, 429}


def test_by_the_description(tmp_path):
    with Api(tmp_path) as api:
        told = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "--config-file",
             ROOT / "tests" / "queries" / "schemathesis.toml", "run",
             f"http://{api.host}/v1/openapi.json", "-H",
             f"Authorization: Bearer {api.tokens['root']}", "--max-examples", "3", "--seed", "1",
             "--phases", "fuzzing", "--no-color"], cwd=tmp_path, capture_output=True, text=True,
            check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Tested: 7" in told.stdout, told.stdout


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The application without a socket: what it answers to a path, a query and headers."""
    folder = tmp_path_factory.mktemp("api")
    path = store(folder / "park.db")
    token = tokens.new(folder / "t", "viewer", "demo", "*", datetime.date(2100, 1, 1), "a")
    archives = app.Archives(lambda: Archive.open(path, ":memory:"))
    served = app.make(archives, Tokens(folder / "t"), ["x"], lambda *_, **__: None)

    def ask(way, query, headers, method="GET"):
        told = []
        scope = {"type": "http", "http_version": "1.1", "method": method, "scheme": "http",
                 "path": way, "raw_path": quote(way).encode(), "query_string": query,
                 "root_path": "", "headers": [(b"host", b"x"), (b"authorization",
                                                               b"Bearer " + token.encode()),
                                              *headers], "client": ("1.2.3.4", 5)}

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            told.append(message)

        asyncio.run(served(scope, receive, send))
        return told[0]["status"], b"".join(one.get("body", b"") for one in told[1:])

    yield ask
    archives.close()


WORDS = st.sampled_from([
    "2026-01-04", "2026-01-04T00:00:00Z", "2026-01-05", "2099-12-31T23:59:59+23:59", "1h", "1d",
    "raw", "Asia/Shanghai", "UTC", "grid_w", "5", "-1", "0", "99999", "csv", "demo/hall", "../x",
    "9999-12-31", "2000-01-01T00:00:00-23:59"]) | st.text(max_size=8)
NAMES = st.sampled_from([*{name for route in routes.ROUTES for name in route.parameters}, "x"])
PATHS = st.sampled_from([routes.PREFIX + route.path.format(park=park, gateway="hall")
                         for route in routes.ROUTES for park in ("demo", "other")])


@settings(max_examples=250, deadline=None)
@given(PATHS | st.text(max_size=30).map(lambda text: "/v1/" + text),
       st.lists(st.tuples(NAMES, WORDS), max_size=4), st.binary(max_size=10),
       st.lists(st.tuples(st.sampled_from([b"if-none-match", b"origin", b"accept", b"range"]),
                          st.binary(max_size=12)), max_size=2))
def test_whatever_is_asked(asked, path, query, more, headers):
    text = "&".join(f"{name}={quote(word)}" for name, word in query).encode() + more
    status, body = asked(path, text, headers)
    assert status in ALLOWED, (status, body)
    if status not in (200, 304):
        assert json.loads(body)["status"] == status
