"""A site file of one that can live without the grid: valid as shipped, each mistake in one line."""

from __future__ import annotations

import pytest

from boards import build
from boards.found import boards
from boards.image import compile_site
from tests.boards.sites import ROOT, changed, judge, valid

CLINIC = ROOT / "examples" / "clinic" / "site.toml"
CONTACTS = '[[device]]\nname = "contacts"'
DIESEL = '[[device]]\nname = "diesel"\nprofile = "dse_gencomm"\nbus = "diesel-net"\n'


def test_the_example_is_valid():
    assert judge(CLINIC.read_bytes(), CLINIC).errors == ()


def test_a_gateway_has_room_for_it():
    assert build.build(valid(CLINIC), boards()["w5500_evb_pico2"]).over == []


def test_the_image_holds_loads_and_gate_with_their_rules_and_nothing_elsewhere():
    image = compile_site(valid(CLINIC))
    rules = dict(image["rules"])
    assert [load[0] for load in rules["shed"]["loads"]] == [80_000, 60_000, 90_000]
    assert rules["island"]["gate"]["generator_max_w"] == 160_000
    assert "island_gate" not in image
    (relays,) = [device["control"] for device in image["devices"]
                 if device["control"] and device["control"]["shape"] == "coils"]
    assert (relays["min_w"], relays["max_w"]) == (0, 32_767)
    assert "island_gate" not in compile_site(valid())


@pytest.mark.parametrize(("old", "new", "said"), [
    ("[rules.island]", "[rules.rejoin2]", "rules.rejoin2: unknown rule"),
    ('priority = 2', 'priority = 1', "load: found 2 with priority 1, expected one"),
    ('name = "laundry"', 'name = "cooling"', "load: found 2 with name cooling, expected one"),
    ("shed_pm = 350", "shed_pm = 100", "load laundry.shed_pm: found 100 per mille, expected at "
     "least 200 per mille as cooling, which is more important"),
    ("coil = 6", "coil = 5",
     "load laundry.coil: found 5, expected another one: it is load cooling.coil's"),
    ("coil = 6", "coil = 16", "load[1] laundry.coil: found 16, expected a whole number 1 .. 15"),
    ("start_coil = 3", "start_coil = 1", "rules.generator.start_coil: found 1, expected another "
     "one: it is rules.island.permit_coil's"),
    ("best_w = 120_000", "best_w = 40_000", "rules.generator.best_w: found 40000 W, expected at "
     "least rules.generator.min_w = 50000 W"),
    ("max_w = 160_000\nbest", "max_w = 170_000\nbest", "rules.generator.max_w: found 170000 W, "
     "expected at most island_gate.generator_max_w = 160000 W"),
    ("start_pm = 300", "start_pm = 800", "rules.generator.start_pm: found 800 per mille, expected "
     "less than rules.generator.stop_pm = 700 per mille"),
    ("forming = 1", "forming = 0", "rules.generator.always: found 0, expected 1, as "
     "rules.island.forming = 0: nothing else forms the island"),
    (DIESEL, "", "rules.generator: found no device that reads gen_w, expected one with a profile "
     "as dse_gencomm"),
    ('"grid_ok"]', '"gen_ready"]', "rules.island: found no device that reads grid_ok, expected one "
     "with a profile as wago_750_io"),
    ('profile = "wago_750_io"', 'profile = "dse_gencomm"', 'contacts.signals: found "islanded"'),
])
def test_each_mistake_is_one_clear_line(old, new, said):
    errors = judge(changed((old, new), base=CLINIC), CLINIC).errors
    assert any(said in line for line in errors), errors
    assert all("\n" not in line for line in errors)


def test_what_belongs_together_must_stand_together():
    text = CLINIC.read_text(encoding="utf-8")
    gate = text.index("[island_gate]")
    without = text[:gate] + text[text.index("[ages]"):]
    assert "site.toml: rules.island: found without [island_gate], expected both or none" in \
        judge(without, CLINIC).errors
    loads = text[:text.index("[[load]]")] + text[text.index("[[bus]]"):]
    assert "site.toml: rules.shed: found no load to shed, expected tables [[load]]" in \
        judge(loads, CLINIC).errors


def test_no_load_is_shed_before_the_battery_helps():
    text = CLINIC.read_text("utf-8")
    low = text.replace("import_max_w = 560_000 # on", "import_max_w = 559_999 # on")
    assert low != text
    assert judge(low, CLINIC).errors == (
        "site.toml: rules.shed.import_max_w: found 559999 W, expected at least "
        "rules.contract.import_max_w = 560000 W, from which on the battery helps",)
    start = text.index("[rules.contract]")
    without = text[:start] + text[text.index("[rules.export]"):]
    assert ("site.toml: rules.shed.import_max_w: found 560000 W, expected [rules.contract], by "
            "which the battery helps before a load is shed" in judge(without, CLINIC).errors)
