"""Attack 37 on store and API: what a gateway or a visitor calls things stays data."""

import csv
import io
import subprocess
import sys
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.queries import files
from tests.queries.served import ROOT, Api
from tests.queries.stores import DAY_UTC, FIELDS, batch, birth, fill, row

EVIL = ["=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1",
        "<script>alert(1)</script>", "../../etc/passwd", "x' OR '1'='1", "a\nb: c", "%00", "\x00"]
RANGE = "start=2026-01-04&end=2026-01-05"


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    with Api(folder) as served:
        for i, evil in enumerate(EVIL):
            names = ["device", evil, "x"] if i % 2 else ["device", "x", evil]
            fields = [*FIELDS[:-1], evil] if i % 3 else FIELDS
            fill(served.store, [(1, 2, birth(fields=fields, rules=names)),
                                (2, 1, batch([row(DAY_UTC, lo_by=1), row(DAY_UTC + 15, lo_by=2)]))],
                 ("demo", f"evil-{i}"), DAY_UTC)
        yield served


@pytest.mark.parametrize("number", range(len(EVIL)))
@pytest.mark.parametrize("what", [
    "last", f"range?{RANGE}", f"range?{RANGE}&resolution=raw", f"range?{RANGE}&format=csv",
    f"range?{RANGE}&format=csv&resolution=raw", f"gaps?{RANGE}"])
def test_what_a_gateway_calls_things_is_never_told_as_it_is(api, number, what):
    status, headers, body = api.ask(f"/v1/gateways/demo/evil-{number}/{what}")
    assert status == 200
    assert headers["Content-Type"].partition(";")[0] in ("application/json", "text/csv")
    assert EVIL[number].encode() not in body
    assert b"<" not in body
    if "csv" in what:
        for line in csv.reader(io.StringIO(body.decode())):
            for cell in line:
                assert cell.lstrip("-").isdigit() or cell[:1] not in ("=", "+", "-", "@")


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("path", [
    "/v1/gateways/{}/hall/last", "/v1/gateways/demo/{}/last", "/v1/gateways/demo/{}/range",
    "/v1/{}", "/{}", "/v1/gateways/{}"])
def test_what_a_visitor_calls_things_is_not_there(api, evil, path):
    status, detail = api.refused(path.format(quote(evil, safe="")))
    assert status == 404
    assert detail == "nothing of that name that this token reaches"


@pytest.mark.parametrize("path", [
    "/v1/../../../etc/passwd", "/v1/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/v1/gateways/../..",
    "/v1/gateways/demo/..%2f..%2fetc%2fpasswd/last", "/.git/config"])
def test_no_way_leads_out(api, path):
    status, _, body = api.ask(path)
    assert status == 404
    assert b"root:" not in body


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("name", ["start", "end", "zone", "resolution", "fields", "limit",
                                  "format"])
def test_what_a_visitor_asks_for_is_refused_in_one_line(api, evil, name):
    status, detail = api.refused(f"/v1/gateways/demo/hall/range?{name}={quote(evil)}")
    assert status == 400
    assert detail.startswith(f"{name}: found ")


@given(st.text())
def test_no_text_is_a_formula(text):
    (line,) = csv.reader(io.StringIO(files.csv_text(["lo_by", "b"], [[text, 1]]), newline=""))
    assert line[1] == "1"
    assert line[0].strip()[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
    if text.isprintable():
        assert line[0].removeprefix("'") == text.removeprefix("'")


@given(st.integers())
def test_a_number_stays_a_number(number):
    assert files.csv_text(["a"], [[number]]) == f"{number}\n"


@pytest.mark.parametrize("evil", EVIL[:-1])  # no argument of a process has a zero byte
def test_the_command_refuses_in_one_line(api, evil):
    told = subprocess.run([sys.executable, "-m", "cloud_bridge", "query", "last", "--store",
                           str(api.store), "--", f"demo/{evil}"], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    assert told.returncode == 1
    assert not told.stdout
    assert told.stderr.startswith("Error: found ")
    assert told.stderr.count("\n") == 1
