"""[live] and [page] of a site file: what becomes of them, and what is said to a mistake."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from boards import build, describe, page
from boards.found import boards, misfits
from boards.image import compile_site
from boards.site import Checked
from tests.boards.sites import OFFICE, ROOT, changed, judge
from tests.conftest import Interpreter
from tests.shown.served import free_port, wait

BOARD = "w5500_evb_pico2"
PAGE = '[page]\nport = 8040\naddress = "192.168.10.9"\n'
START = """
import gc, sys
sys.path[:] = [sys.argv[1], ".frozen"]
gc.threshold(4096)
from edge.app import App
from edge.image import load
from edge.page import _FILE

class Board:
    def open_port(self, bus):
        return None
    def flash_device(self):
        return None

image = load("site.json")
app = App(image, Board())
print(_FILE, len(app.shown), len(open(_FILE).read()))
"""


def site(more: str, *pairs: tuple[str, str]) -> Checked:
    return judge(changed(("[telemetry]", f"{more}\n[telemetry]"), *pairs))


def image(more: str, *pairs: tuple[str, str]) -> dict[str, object]:
    checked = site(more, *pairs)
    assert checked.site is not None, checked.errors
    return compile_site(checked.site)


BROKER = ('host = ""', 'host = "192.168.10.2"')


def test_a_site_that_asks_for_nothing_gets_nothing() -> None:
    bare = image("")
    assert not {"live", "page"} & bare.keys()
    assert bare == image("[live]\nperiod_s = 0\n[page]\nport = 0\n")
    assert not {"edge.now", "edge.live", "edge.page"} & build.edge_modules(bare)


@pytest.mark.parametrize(("more", "modules"), [
    ("[live]\nperiod_s = 60\n", {"edge.now", "edge.live"}),
    (PAGE, {"edge.now", "edge.page", "edge.listener"}),
    (PAGE + "[live]\nperiod_s = 5\n",
     {"edge.now", "edge.live", "edge.page", "edge.listener"}),
])
def test_it_gets_what_it_asks_for_and_the_beat_nothing(more: str, modules: set[str]) -> None:
    made, bare = image(more, BROKER), image("", BROKER)
    assert build.edge_modules(made) - build.edge_modules(bare) == modules
    assert build.core_modules(made) == build.core_modules(bare)


def test_what_check_tells() -> None:
    checked = site(PAGE + "[live]\nperiod_s = 5\n", BROKER)
    said = describe.summary(checked)
    assert said["shown"] == {"live": {"period_s": 5},
                             "page": {"port": 8040, "address": "192.168.10.9"}}
    assert "page    port 8040, address 192.168.10.9" in describe.text(said)


@pytest.mark.parametrize(("more", "line"), [
    ("[live]\nperiod_s = -1\n", "live.period_s: found -1, expected a whole number 0 .. 3600 s"),
    ("[page]\nport = 80_000\n", "page.port: found 80000, expected a whole number 0 .. 65535"),
    ('[page]\naddress = "gateway"\n',
     'page.address: found "gateway", expected an IP address as 127.0.0.1'),
    ("[page]\naddress = 2130706433\n",
     "page.address: found 2130706433, expected an IP address as 127.0.0.1"),
    ("[pages]\nport = 1\n", "pages: unknown table; did you mean page?"),
])
def test_a_mistake_is_told(more: str, line: str) -> None:
    assert site(more).errors == (f"site.toml: {line}",)


def test_a_topic_without_a_broker_is_warned_of() -> None:
    line = "site.toml: live.period_s: 5 s, but broker.host is empty: nobody is told"
    assert line in site("[live]\nperiod_s = 5\n").warnings
    assert line not in site("[live]\nperiod_s = 5\n", BROKER).warnings
    assert line not in site("").warnings


@pytest.mark.parametrize(("address", "warned"), [
    ("127.0.0.1", False), ("::1", False), ("127.0.0.2", False), ("0.0.0.0", True), ("::", True),
    ("192.168.1.7", True)])
def test_a_page_for_others_is_warned_of(address: str, warned: bool) -> None:
    def about(more: str) -> list[str]:
        return [line for line in site(more).warnings if "page.address" in line]

    assert bool(about(f'[page]\nport = 8040\naddress = "{address}"\n')) == warned
    assert not about(f'[page]\naddress = "{address}"\n'), "without a port there is no page"


def test_a_page_for_nobody_is_told_to_whoever_builds_it() -> None:
    checked = site("[page]\nport = 8040\n")
    assert checked.site is not None
    assert misfits(checked.site, boards()[BOARD]) == [
        'site.toml: page.address: found "127.0.0.1", expected 0.0.0.0 or the address of '
        f"{BOARD}: there is nobody on the board itself to read it"]
    office = judge(OFFICE.read_bytes(), OFFICE).site
    assert office is not None
    assert misfits(office, boards()["pi"]) == []


def test_the_page_goes_with_its_module(micropython: Interpreter, tmp_path: Path) -> None:
    """The tree alone, on a real MicroPython, finds the page where it lies."""
    checked = site(PAGE)
    assert checked.site is not None
    built = build.build(checked.site, boards()[BOARD])
    html = (ROOT / "edge" / "page.html").read_bytes()
    assert built.files["edge/page.html"] == html
    assert "edge/page.html" in json.loads(built.files[build.MANIFEST])["files"]
    assert built.over == []
    build.write(built, tmp_path)
    (tmp_path / "script.py").write_text(START)
    done = micropython.run(tmp_path / "script.py", tmp_path, cwd=tmp_path, heap="160k")
    assert done.stdout.split() == [f"{tmp_path}/edge/page.html", "1", str(len(html.decode()))]


def test_an_emulator_shows_its_page_and_says_where(tmp_path: Path) -> None:
    """As an integrator starts it; a port that is taken is told, and control runs all the same."""
    port = free_port()
    text = changed(("port = 8040", f"port = {port}"), base=OFFICE)
    (tmp_path / "site.toml").write_text(text)
    command = [sys.executable, "-m", "boards", "run", str(tmp_path / "site.toml"),
               "--board", "emulator"]
    for taken in (False, True):
        with socket.socket() as other, (tmp_path / "log").open("w+b") as log:
            if taken:
                other.bind(("127.0.0.1", port))
                other.listen()
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
            try:
                wait(lambda: b"Ctrl-C stops" in (tmp_path / "log").read_bytes(), "it did not start")
                said = (tmp_path / "log").read_text()
                assert f"page http://127.0.0.1:{port}/; Ctrl-C stops" in said
                assert bool(re.search(rf"^warning: page.port: .*{port}.*in use.*$", said,
                                      re.MULTILINE)) == taken
                if not taken:
                    wait(lambda: _told(port), "no page")
                assert process.poll() is None
            finally:
                process.kill()
                process.wait()


def test_where_a_page_is() -> None:
    assert page.place("127.0.0.1", 8040) == "http://127.0.0.1:8040/"
    assert page.place("::1", 80) == "http://[::1]:80/"
    assert page.place("0.0.0.0", 80) == "on port 80 of all addresses of this machine"
    assert page.trouble("127.0.0.1", free_port()) == ""
    assert "192.0.2.1 port 80: Cannot assign" in page.trouble("192.0.2.1", 80)  # RFC 5737: nobody's


def _told(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/now.json", timeout=30) as answer:
            return bool(json.load(answer)["gateway"] == "office")
    except OSError:
        return False
