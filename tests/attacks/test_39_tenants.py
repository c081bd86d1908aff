"""Attack 39: one tenant asks for the other's, by every id, on every route."""

import itertools
import json

import pytest

from cloud_bridge.web import routes
from tests.queries.served import PARKS, SECRET_W, Api

SEES = {"anna": {("demo", "hall"), ("demo", "yard")}, "hal": {("demo", "hall")},
        "mona": {("demo", "hall"), ("demo", "yard")}}
IDS = [*itertools.product(["demo", "other", "none"], ["hall", "yard", "mill", "none"])]
NAMED = [route for route in routes.ROUTES if "{park}" in route.path]
LISTS = [route for route in routes.ROUTES if "{park}" not in route.path]
QUERIES = ["", "?start=2026-01-04&end=2026-01-05", "?nonsense=1", "?start=x"]


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with Api(tmp_path_factory.mktemp("api")) as served:
        yield served


def told(api, path, name, **headers):
    """All of an answer but its date."""
    status, found, body = api.ask(path, name, **headers)
    return status, sorted(item for item in found.items() if item[0].lower() != "date"), body


@pytest.mark.parametrize("name", SEES)
@pytest.mark.parametrize("route", NAMED, ids=lambda route: route.name)
def test_what_is_not_yours_is_as_if_it_were_not(api, name, route):
    nothing = {query: told(api, routes.PREFIX + route.path.format(park="none", gateway="none")
                           + query, name) for query in QUERIES}
    for park, gateway in IDS:
        path = routes.PREFIX + route.path.format(park=park, gateway=gateway)
        for query in QUERIES:
            found = told(api, path + query, name, If_None_Match="*")
            if (park, gateway) in SEES[name]:
                assert found[0] in (200, 400, 403)
            elif park == "demo" and name != "hal":  # within reach, but not there
                assert found[0] in (404, 400, 403)
            else:
                assert found == nothing[query]
                assert found[0] == 404
            assert str(SECRET_W).encode() not in found[2]
            assert b"mill" not in found[2]


@pytest.mark.parametrize("name", SEES)
@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.name)
def test_lists_hold_what_is_yours(api, name, route):
    path, found = routes.PREFIX + route.path + "?limit=1", []
    while path:
        page = api.get(path, name)
        found += page["data"]
        path = page["next"]
    assert {(one["park"], one["gateway"]) for one in found} == SEES[name]
    assert len(found) == len(SEES[name])
    for after in ("other/mill", "demo/zzz", "z", ""):
        body = json.dumps(api.get(f"{routes.PREFIX}{route.path}?after={after}", name))
        assert "mill" not in body
        assert "other" not in body


def test_who_may_sees_it(api):
    assert api.get("/v1/gateways/other/mill/last")["values"]["grid_w"] == SECRET_W
    assert {(one["park"], one["gateway"]) for one in api.get("/v1/gateways")["data"]} == {*PARKS}
