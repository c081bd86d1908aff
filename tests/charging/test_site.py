"""Chargers and loads in a site file: what is said of mistakes, and what a gateway is given."""

from __future__ import annotations

import pytest

from boards import build
from boards.image import compile_site
from boards.site import check_bytes
from edge.now import Now
from edge.site import Site
from tests.conftest import ROOT

PATH = ROOT / "examples" / "yard" / "site.toml"
TEXT = PATH.read_text(encoding="utf-8")
RULE = '[rules.charging]\nbattery_first = 0 # vehicles before the battery\nmargin_w = 3000\n'


def said(old, new, text=TEXT):
    """What is said of the example with a piece of its text replaced."""
    assert old in text
    checked = check_bytes(text.replace(old, new, 1).encode(), PATH)
    return [line.removeprefix("site.toml: ") for line in checked.errors]


@pytest.mark.parametrize(("old", "new", "line"), [
    ('device = "box-1"', 'device = "box-9"',
     "charger dock-1.device: found box-9, expected one of box-1 box-2 box-3 box-4 box-5 box-6; did "
     'you mean "box-6"?'),
    ('device = "box-1"', 'device = "pcs"',
     "charger dock-1.device: found pcs with the profile sinexcel_pcs, expected one that takes a "
     "current"),
    ('device = "box-1"', 'device = "box-2"',
     "charger: found 2 with device box-2, expected one"),
    ('device = "box-1"', 'device = "box-2"',
     "device box-1: found a charger that nobody steers, expected a table [[charger]] with device = "
     '"box-1"'),
    ("max_a = 32", "max_a = 32\nmin_a = 40",
     "charger dock-1.max_a: found 32 A, expected at least min_a = 40 A"),
    ("failsafe_a = 6", "failsafe_a = 3",
     "charger dock-1.failsafe_a: found 3 A, expected 0 or 6 .. 32 A, as min_a and max_a"),
    (RULE, "", "charger: found chargers, expected [rules.charging] to share between them"),
    ("on_without = 0\n", "",
     "load heat-pump.on_without: found 1, expected 0: without the gateway nobody knows of a "
     "surplus"),
    ("min_off_s = 600\nsurplus = 1", "min_off_s = 600",
     "rules.surplus: found no load, expected tables [[load]] with surplus = 1"),
    ("[rules.surplus]", "[rules.peak_shed]",
     "load heat-pump.surplus: found 1, expected [rules.surplus]"),
    ("[rules.surplus]", "[rules.shed]\n[rules.peak_shed]\n[rules.surplus]",
     "rules.peak_shed: found beside [rules.shed], expected one of them: the loads are the same"),
])
def test_one_slip_is_told_in_one_clear_line(old, new, line):
    assert line in said(old, new)


def test_a_rule_without_chargers_is_refused():
    text = TEXT[:TEXT.index("# Without the gateway each")] + TEXT[TEXT.index("[[load]]"):]
    assert "rules.charging: found no charger, expected tables [[charger]]" in said(RULE, RULE, text)


def test_a_gateway_loads_what_its_chargers_need_and_others_nothing_of_it():
    of_yard = build.edge_modules(compile_site(check_bytes(TEXT.encode(), PATH).site))
    foundry = ROOT / "examples" / "foundry" / "site.toml"
    of_foundry = build.edge_modules(compile_site(check_bytes(foundry.read_bytes(), foundry).site))
    mine = {"edge.rules.charging", "edge.devices.charger", *(
        f"edge.charging.{name}" for name in ("charger", "cut", "growth", "offers", "room"))}
    assert mine <= of_yard
    assert "edge.charging.shown" not in of_yard, "nobody is shown anything"
    assert not {name for name in of_foundry if "charg" in name or "surplus" in name}


def test_a_charger_is_told_its_safe_limit_before_anything_else():
    image = compile_site(check_bytes(TEXT.encode(), PATH).site)
    box = next(device for device in image["devices"] if device["name"] == "box-6")
    assert box["control"]["enter"][0] == [6, 262, 60]  # 0.1 A
    assert (box["charger"], box["control"]["failsafe_ma"], box["control"]["max_w"]) == (
        5, 6000, 16_000)


def test_the_page_says_what_each_charger_is_offered_and_why():
    text = TEXT.replace("[rules.reserve]", "[page]\nport = 8080\n\n[rules.reserve]")
    image = compile_site(check_bytes(text.encode(), PATH).site)
    assert "edge.charging.shown" in build.edge_modules(image)
    buf = bytearray(2048)
    site = Site(image)
    end = Now(site, image).write(buf, 0, 1000)
    told = buf[:end].decode()
    assert '"charger_dock-1":"no-vehicle","charger_dock-1_ma":0' in told
    assert '"charger_visitor_ma":0' in told
