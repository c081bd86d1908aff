"""A build: whole, reproducible, inside its budget, and it runs on MicroPython."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

import pytest

from boards import build
from boards.found import boards, misfits
from boards.image import compile_site, encode
from tests.boards.sites import FOUNDRY, OFFICE, changed, judge, valid

BOARD = "w5500_evb_pico2"
SCRIPT = """
import sys
sys.path[:] = [sys.argv[1], ".frozen"]  # the tree alone, not the project it was built from
from edge import app
from edge.image import load
from edge.site import Site
from edge.controller import Controller
image = load("site.json")
site = Site(image)
Controller(site).beat(1000, 9457, 0)
print(app.__file__, image["hash"], len(site.rules), site.fault)
"""


@pytest.fixture(scope="module")
def built() -> build.Built:
    return build.build(valid(), boards()[BOARD])


def test_the_tree_is_what_a_gateway_needs(built):
    assert {"main.py", "site.json", "manifest.json", "edge/app.mpy", "edge/rules/demand.mpy",
            "edge/devices/driver.mpy", f"boards/{BOARD}.mpy", "boards/sntp.mpy",
            "boards/sector_files.mpy"} <= set(built.files)
    assert "edge/config.mpy" not in built.files  # only a host reads it
    there = {path.removesuffix(".mpy").removesuffix("/__init__").replace("/", ".")
             for path in built.files if path.endswith(".mpy")}
    assert build.closure(there) == there  # nothing that is imported is missing
    assert not [name for name in built.files if name.startswith("boards/")
                and name.removesuffix(".mpy").split("/")[1] not in
                ("__init__", BOARD, "sntp", "sector_files")]
    assert built.files["site.json"] == encode(compile_site(valid()))
    assert built.files["main.py"] == b"import gc\n\ngc.threshold(4096)\n" \
                                     b"from boards.w5500_evb_pico2 import main\n\n" \
                                     b"main('site.json')\n"


@pytest.mark.parametrize(("tariff", "modules"), [
    ("cn_guangdong", {"price_calendar", "price_push"}),
    ("cn_jiangsu", {"price_calendar", "billing"}),
    ("us_california", {"price_calendar", "billing"})])
def test_a_tariff_brings_what_it_needs(tariff, modules):
    text = changed(("cn_two_part", tariff))
    built = build.build(judge(text).site, boards()[BOARD])
    there = {name for name in ("price_calendar", "price_push", "billing")
             if f"edge/{name}.mpy" in built.files}
    assert there == modules
    assert built.over == []


def test_two_builds_are_the_same_bytes(built):
    assert build.build(valid(), boards()[BOARD]) == built


def test_the_manifest_names_every_file(built):
    manifest = json.loads(built.files["manifest.json"])
    assert manifest["board"] == BOARD
    assert manifest["site"] == compile_site(valid())["hash"]
    assert set(manifest["files"]) == set(built.files) - {"manifest.json"}
    for name, entry in manifest["files"].items():
        content = built.files[name]
        assert entry == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_the_build_is_inside_its_budget(built):
    assert built.over == []
    assert 0 < built.sizes["core"] <= 24 * 1024  # of a site with the rules that most sites have
    assert built.sizes["core"] < built.sizes["app"]
    assert built.sizes["app"] == sum(len(content) for name, content in built.files.items()
                                     if name.endswith(".mpy"))


def test_a_build_beyond_its_budget_says_so():
    too_large = build.Built({}, {"core": build.BUDGETS["core"] + 1, "app": build.BUDGETS["app"]})
    assert too_large.over == ["core: found 40961 bytes, expected at most 40960"]


def test_the_core_is_what_a_beat_runs_through():
    core = build.core_modules(compile_site(valid()))
    assert {"edge.controller", "edge.gate", "edge.rules.demand", "edge.ledger.account"} <= core
    assert not {"edge.app", "edge.devices.bus", "edge.mqtt_client", "edge.outbox"} & core


def test_a_build_holds_the_rules_of_its_site_and_no_others(built):
    def rules(files):
        return {path for path in files if path.startswith("edge/rules/")}

    few = compile_site(valid()) | {"rules": [["fresh", {}], ["reserve", {}]]}
    assert rules(built.files) == {"edge/rules/__init__.mpy", *(
        f"edge/rules/{name}.mpy" for name, _ in compile_site(valid())["rules"])}
    assert {name for name in build.edge_modules(few) if "rules" in name} == {
        "edge.rules", "edge.rules.fresh", "edge.rules.reserve"}


def test_nothing_on_the_gateway_reaches_for_what_is_cut(built):
    cut = {name for _, name in build.HOST_ONLY}
    reached = set()
    for module in (path.removesuffix(".mpy") for path in built.files if path.endswith(".mpy")):
        for node in ast.walk(ast.parse(build.lean(build.ROOT / (module + ".py")))):
            if isinstance(node, ast.Attribute):
                reached.add((module, node.attr))
            elif isinstance(node, ast.ImportFrom):
                reached |= {(module, alias.name) for alias in node.names}
    assert {(module, name) for module, name in reached if name in cut} == {  # of other makers
        ("edge/devices/readings", "decode"), ("edge/devices/setpoint", "decode"),
        ("edge/mqtt_client", "_take"), ("edge/uplink", "FIELDS"), (f"boards/{BOARD}", "value")}


def test_it_is_written_and_an_older_one_goes_away(built, tmp_path: Path):
    folder = tmp_path / "out"
    build.write(built, folder)
    (folder / "edge" / "old.mpy").write_bytes(b"")
    build.write(built, folder)
    there = {path.relative_to(folder).as_posix(): path.read_bytes()
             for path in folder.rglob("*") if path.is_file()}
    assert there == dict(built.files)


def test_a_folder_with_something_else_is_left_alone(built, tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(build.BuildError, match="something else than a build"):
        build.write(built, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_tree_runs_on_micropython(built, micropython, tmp_path: Path):
    build.write(built, tmp_path)
    (tmp_path / "script.py").write_text(SCRIPT)
    done = micropython.run(tmp_path / "script.py", tmp_path, cwd=tmp_path, heap="160k")
    file, digest, rules, fault = done.stdout.split()
    assert file.endswith("app.mpy")
    assert file.startswith(str(tmp_path))
    assert (digest, rules, fault) == (compile_site(valid())["hash"], "9", "None")


def test_a_board_that_needs_no_build_says_what_to_do():
    with pytest.raises(build.BuildError, match="needs no build: parkedge run"):
        build.build(valid(OFFICE), boards()["pi"])


@pytest.mark.parametrize(("name", "path", "pair", "line"), [
    (BOARD, OFFICE, ("port = 8040", "port = 0"),
     'bus line path: found "/dev/ttyUSB0", expected the number of a UART, 0 .. 1, on '
     "w5500_evb_pico2"),
    (BOARD, FOUNDRY, ("path = 1", "path = 2"), "bus battery-line path: found 2, expected the "
                                               "number of a UART, 0 .. 1, on w5500_evb_pico2"),
    ("pi", FOUNDRY, ("path = 1", 'path = "/dev/ttyUSB1"'), "bus meter-line path: found 0, expected "
                                                           'a serial device as "/dev/ttyUSB0" on '
                                                           "pi"),
])
def test_what_a_board_cannot_do_is_told(name, path, pair, line):
    site = judge(changed(pair, base=path), path).site
    assert site is not None
    assert misfits(site, boards()[name]) == [f"site.toml: {line}"]


def test_a_beat_longer_than_the_watchdog_is_told():
    site = judge(changed(("beat_s = 1\n", "beat_s = 6\n"), ("lease_ms = 5000", "lease_ms = 12000"),
                         )).site
    assert site is not None
    assert misfits(site, boards()[BOARD]) == [
        "site.toml: site.beat_s: found 6 s, expected at most 5 s: the watchdog of w5500_evb_pico2 "
        "bites after 8000 ms without a beat"]
    assert misfits(site, boards()["emulator"])[0].startswith("site.toml: bus meter-line path")


def test_every_board_is_found_by_its_file():
    assert {"emulator", "pi", BOARD} <= set(boards())
    assert boards()[BOARD].micropython
    assert not boards()["pi"].micropython
    assert all(board.meaning for board in boards().values())
