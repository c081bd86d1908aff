"""Attack 36 on the API: every route without a token, with a wrong one, in every role, by every
method, under a foreign name and from a foreign page. The routes are walked from the app's own."""

import json

import pytest
from starlette.routing import Route

from cloud_bridge.tokens import ROLES, Tokens
from cloud_bridge.web import app, document, routes
from tests.queries.served import Api

OF_ROLE = {"viewer": "anna", "monitor": "mona"}
MEASURED = {"last", "range", "gaps"}  # what only a viewer may ask


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with Api(tmp_path_factory.mktemp("api")) as served:
        yield served


def walked():
    """(name, path) of what the application itself answers to."""
    inside = app.make(None, None, ["x"], print)._app
    assert all(isinstance(route, Route) for route in inside.routes)
    return [(route.name, route.path.replace("{park}", "demo").replace("{gateway}", "hall"))
            for route in inside.routes]


ALL = walked()
CLOSED = [(name, path) for name, path in ALL if path not in app.OPEN_PATHS]


def test_the_table_is_the_app():
    assert {path for _, path in ALL} == {
        *app.OPEN_PATHS, *(routes.PREFIX + one.path.replace("{park}", "demo")
                           .replace("{gateway}", "hall") for one in routes.ROUTES)}
    assert {name for name, _ in ALL} == {
        one["get"]["operationId"] for one in document.describe()["paths"].values()}


@pytest.mark.parametrize(("name", "path"), CLOSED)
@pytest.mark.parametrize("token", [None, "old", "parkedge_" + "A" * 43, "", "é" * 40])
def test_no_route_without_a_valid_token(api, name, path, token):
    if token is not None:
        api.tokens.setdefault(token, token.encode().decode("latin-1"))
    status, detail = api.refused(path, token)
    assert status in (401, 429)
    assert "old" not in detail
    assert "demo" not in detail


@pytest.mark.parametrize(("name", "path"), ALL)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_on_each_route(api, name, path, role):
    status, _, body = api.ask(path, OF_ROLE[role])
    assert status == (403 if role == "monitor" and name in MEASURED else 200), body


@pytest.mark.parametrize(("name", "path"), ALL)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_nothing_can_be_done_but_ask(api, name, path, method):
    status, headers, _ = api.ask(path, "root", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(("name", "path"), ALL)
def test_a_foreign_name_or_page_is_sent_away(api, name, path):
    for host in ("evil.example", f"evil.example:{api.port}", "127.0.0.1", "127.0.0.1:1", ""):
        assert api.refused(path, "root", Host=host)[0] == 421
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{api.port}.evil.example"):
        assert api.refused(path, "root", Origin=origin)[0] == 403
    assert api.ask(path, "root", Origin=f"http://127.0.0.1:{api.port}")[0] == 200


@pytest.mark.parametrize(("name", "path"), ALL)
def test_every_answer_says_how_little_a_browser_may(api, name, path):
    for token in ("root", None):
        _, headers, _ = api.ask(path, token)
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "no-cache" in headers["Cache-Control"]
        assert "Server" not in headers
        assert "Set-Cookie" not in headers


def test_a_token_in_the_address_is_none_and_in_no_log(api):
    token = api.tokens["root"]
    assert api.refused(f"/v1/gateways?token={token}", None)[0] in (401, 429)
    api.refused(f"/v1/gateways?token={token}", "root")
    api.get("/v1/gateways")
    assert api.log
    assert not any(one in line for one in api.tokens.values() if len(one) > 20 for line in api.log)
    assert not any(part in "".join(api.log) for part in (token[9:30], api.tokens["anna"][9:30]))


def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(tmp_path):
    with Api(tmp_path) as fresh:
        told = [fresh.refused("/v1/gateways", "wrong")[0] for _ in range(12)]
        assert told == [401] * 10 + [429] * 2
        assert fresh.ask("/v1/gateways", "wrong")[1]["Retry-After"]
        assert fresh.ask("/v1/gateways", "root")[0] == 200
        lines = fresh.file.read_text().splitlines()
        fresh.file.write_text("".join(f"{line}\n" for line in lines if not line.endswith("anna")))
        assert fresh.refused("/v1/gateways", "anna")[0] == 429
        assert fresh.ask("/v1/gateways", "mona")[0] == 200
        fresh.file.write_text("nonsense\n")
        assert fresh.refused("/v1/gateways", "root")[0] == 503
        fresh.file.unlink()
        assert fresh.refused("/v1/gateways", "root")[0] == 503
        fresh.file.write_text("\n".join(lines) + "\n")
        assert fresh.ask("/v1/gateways", "root")[0] == 200
    assert fresh.code == 0
    assert all(json.loads(line)["event"] in ("request", "trouble", "stopped")
               for line in fresh.log)


def test_the_file_holds_no_token(api):
    text = api.file.read_text()
    assert not any(token.removeprefix("parkedge_") in text for token in api.tokens.values()
                   if token.startswith("parkedge_") and len(token) == 52 and "AAAA" not in token)
    assert api.file.stat().st_mode & 0o777 == 0o600
    assert Tokens(api.file).find("", 0) is None
