"""The API against its own description, and what `query` answers against what it answers."""

import csv
import io
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from cloud_bridge.queries.archive import Archive
from cloud_bridge.web import document, routes
from tests.queries.served import ROOT, Api
from tests.queries.stores import DAY_UTC, batch, fill, row

HALL = "/v1/gateways/demo/hall"
HOUR = "start=2026-01-04T00:00:00Z&end=2026-01-04T01:00:00Z"


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with Api(tmp_path_factory.mktemp("api")) as served:
        yield served


def run(*args):
    return subprocess.run([sys.executable, "-m", "cloud_bridge", *map(str, args)], cwd=ROOT,
                          capture_output=True, text=True, check=False)


def test_the_description_is_sound_served_and_committed(api):
    served = api.get("/v1/openapi.json", None)
    OpenAPIV31SpecValidator(served).validate()
    assert served == json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert served == json.loads(run("api", "--openapi", "--store", api.store).stdout)


def test_the_answers_of_the_command_and_of_the_api_are_the_same(api):
    told = run("query", "range", "demo/hall", "--store", api.store, "--start", "2026-01-04",
               "--end", "2026-01-05", "--json")
    page = api.get(f"{HALL}/range?start=2026-01-04&end=2026-01-05")
    assert page["data"] == json.loads(told.stdout)
    assert len(page["data"]) == 5  # four quarter-hours, and that there is nothing behind
    assert page["data"][0]["grid_w.mean"] == 1_000
    assert page["data"][0]["lo_by.last"] == "fresh"
    assert page["next"] is None
    assert api.get(f"{HALL}/last")["values"]["import_wh"] == 2_390
    assert api.get(f"{HALL}/lag")["state"] == "late"
    assert api.get(f"{HALL}/gaps?{HOUR}")["uncovered"] == []


@pytest.mark.parametrize("resolution", ["raw", "1min", "15min", "1h"])
def test_pages_lead_to_all_of_it(api, resolution):
    path = f"{HALL}/range?{HOUR}&resolution={resolution}"
    whole = api.get(path)["data"]
    found, link = [], path + "&limit=3"
    while link:
        page = api.get(link)
        assert len(page["data"]) <= 3
        found += page["data"]
        link = page["next"]
    assert found == whole
    _, headers, body = api.ask(path + "&format=csv&limit=3")
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(body.decode())))
    assert [{name: cell for name, cell in line.items() if cell} for line in lines] == [
        {name: str(value) for name, value in one.items() if value is not None} for one in whole]


def test_what_has_not_changed_is_not_sent_again(api):
    path = f"{HALL}/range?{HOUR}"
    _, headers, _ = api.ask(path)
    assert api.ask(path, If_None_Match=headers["ETag"])[0] == 304
    assert api.ask(path, "anna", If_None_Match=headers["ETag"])[0] == 304
    assert api.ask(path + "&limit=2", If_None_Match=headers["ETag"])[0] == 200
    assert api.refused(path, "nobody", If_None_Match=headers["ETag"])[0] == 401
    fill(api.store, [(9, 1, batch([row(DAY_UTC + 3_600)]))], ("demo", "hall"), DAY_UTC + 3_700)
    assert api.ask(path, If_None_Match=headers["ETag"])[0] == 200


@pytest.mark.parametrize(("query", "expected"), [
    ("start=2026-01-05&end=2026-01-04", "start: found 2026-01-05T00:00:00Z, expected a time"),
    ("limit=0", "limit: found '0', expected a number from 1 to 5000"),
    ("fields=grid", "fields: found 'grid'"), ("fields=", "fields: found ''"),
    ("fields=grid_w,", "fields: found ''"), ("what=1", "found 'what', expected some of start"),
    ("limit=1&limit=2", "limit: found more than once"), ("zone=Mars/Olympus", "zone: found"),
    ("start=2026-01-04T00:00:00", "start: found '2026-01-04T00:00:00', expected a date"),
    ("resolution=7min", "resolution: found '7min', expected one of raw, 1min, 15min, 1h, 1d")])
def test_a_wrong_question_is_told_in_one_line(api, query, expected):
    status, detail = api.refused(f"{HALL}/range?{query}")
    assert status == 400
    assert detail.startswith(expected)


def test_a_store_that_is_gone_is_told_without_its_place(tmp_path):
    with Api(tmp_path) as served:
        served.store.rename(served.store.with_suffix(".away"))
        assert served.refused(f"{HALL}/last") == (503, "the store can't be read now")
        served.store.with_suffix(".away").rename(served.store)
        assert served.get(f"{HALL}/last")
    assert any("no such store" in line for line in served.log)


def test_a_long_reading_in_asks_for_patience(tmp_path):
    fast = "from cloud_bridge.web import routes; routes.WORK_S = 0"
    with Api(tmp_path, prelude=fast) as served:
        rows = [(2 + i, 1, batch([row(DAY_UTC + i)])) for i in range(600)]
        fill(served.store, rows, ("demo", "long"), DAY_UTC)
        path = "/v1/gateways/demo/long/range?start=2026-01-04&end=2026-01-05&resolution=raw"
        told = [served.ask(path)[0] for _ in range(4)]
        assert told == [503, 200, 200, 200]
        found = []
        while path:  # no time for more than a second at once
            page = served.get(path)
            found += page["data"]
            path = page["next"]
        assert len(found) == 600


@pytest.mark.parametrize(("more", "expected"), [
    ((), "--tokens: nobody could ask"),
    (("--tokens", "{}/none"), "No such file"),
    (("--tokens", "{}/empty"), "has no token: python -m cloud_bridge keys token"),
    (("--tokens", "{}/wrong"), "line 1: expected <sha256> <role>"),
    (("--tokens", "{}/open"), "anybody may write it"),
    (("--tokens", "{}/good", "--listen", "8041"), "--listen: found '8041', expected HOST:PORT"),
    (("--tokens", "{}/good", "--certificate", "{}/good"), "one without the other")])
def test_it_does_not_start_without(api, tmp_path, more, expected):
    good = api.file.read_text()
    for name, text in (("empty", "# none\n"), ("wrong", "anna\n"), ("open", good), ("good", good)):
        Path(tmp_path, name).write_text(text)
        Path(tmp_path, name).chmod(0o666 if name == "open" else 0o600)
    told = run("api", "--store", api.store, *(one.format(tmp_path) for one in more))
    assert told.returncode == 1
    assert expected in told.stderr
    assert told.stderr.count("\n") == 1


def test_with_its_own_certificate(tmp_path):
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", chain,
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    with Api(tmp_path, "--certificate", str(chain), "--key", str(key)) as served:
        trust = ssl.create_default_context(cafile=str(chain))
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as pipe, \
                trust.wrap_socket(pipe, server_hostname="localhost") as secret:
            secret.sendall(f"GET /v1/health HTTP/1.1\r\nHost: localhost:{served.port}\r\n"
                           "Connection: close\r\n\r\n".encode())
            told = b"".join(iter(lambda: secret.recv(4_096), b""))
    assert told.startswith(b"HTTP/1.1 200 ")
    assert b"strict-transport-security: max-age=31536000" in told.lower()


def test_a_token_by_the_command(api, tmp_path):
    told = run("keys", "token", "eve", "--parks", "demo", "--gateways", "demo/hall", "--role",
               "monitor", "--days", "2", "--tokens", tmp_path / "t", "--json")
    made = json.loads(told.stdout)
    assert made["token"] not in Path(tmp_path, "t").read_text()
    with api.file.open("a") as file:
        file.write(Path(tmp_path, "t").read_text())
    assert api.get("/v1/gateways", made["token"])["data"] == [{"park": "demo", "gateway": "hall"}]
    again = run("keys", "token", "eve", "--tokens", tmp_path / "t")
    assert (again.returncode, again.stdout) == (1, "")
    assert "there is a token 'eve' already" in again.stderr


def test_the_index_is_all_that_is_written(tmp_path):
    with Api(tmp_path) as served:
        served.get(f"{HALL}/range?{HOUR}")
        served.get(f"{HALL}/gaps?{HOUR}")
    with Archive.open(served.store) as archive:
        assert archive.index.quarters(1, DAY_UTC, DAY_UTC + 3_600)
    made = {path.name for path in tmp_path.iterdir()}
    assert made <= {"tokens", *(f"park.db{end}{more}" for end in ("", ".index")
                                for more in ("", "-wal", "-shm"))}


def test_every_parameter_is_described():
    for route in routes.ROUTES:
        told = document.describe()["paths"][routes.PREFIX + route.path]["get"]["parameters"]
        assert {one["name"] for one in told if one["in"] == "query"} == {*route.parameters}
