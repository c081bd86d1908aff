"""The image of a site: the same bytes each time, and what a gateway can load and run."""

from __future__ import annotations

import hashlib
import json
from array import array
from pathlib import Path

import pytest

from boards.image import compile_site, encode
from edge import image as site_image
from edge import journal
from edge.controller import Controller
from edge.site import Site
from tests.boards.sites import FOUNDRY, OFFICE, changed, judge, valid

SCRIPT = """
import sys
from array import array
from edge.image import load
from edge.site import Site
from edge.controller import Controller
image = load(sys.argv[1])
site = Site(image)
Controller(site).beat(1000, 9457, 0)
print(image["hash"], len(site.rules), list(site.journal.row) == eval(sys.argv[2]))
"""


@pytest.mark.parametrize("path", [FOUNDRY, OFFICE])
def test_the_same_site_gives_the_same_bytes(path):
    assert encode(compile_site(valid(path))) == encode(compile_site(valid(path)))
    moved = judge(path.read_bytes(), path.parent / "other.toml").site
    assert moved is not None
    assert encode(compile_site(moved)) == encode(compile_site(valid(path)))


def test_every_change_of_the_site_changes_its_hash():
    hashes = {compile_site(valid())["hash"]}
    for change in (("charge_max_w = 180_000", "charge_max_w = 179_999"), ("floor_pm = 100",
                   "floor_pm = 101"), ("[rules.refill]", ""), ("unit = 1", "unit = 2"),
                   ("cn_two_part", "de_flat"), ("Asia/Shanghai", "Asia/Tokyo")):
        site = judge(changed(change)).site
        assert site is not None
        hashes.add(compile_site(site)["hash"])
    assert len(hashes) == 7


def test_it_holds_what_the_gateway_reads():
    made = compile_site(valid())
    assert made["name"] == "demo/foundry"
    assert [name for name, _ in made["rules"]] == ["fresh", "ramp", "reserve", "contract", "export",
                                                   "demand", "self_use", "tariff", "refill"]
    assert len(made["tariff"]["prices_e4"]) == 96
    assert made["tariff"]["demand_e4"] == 420_000
    assert made["ages"]["grid_ms"] == 5000
    assert made["telemetry"] == {"period_s": 15, "batch_rows": 60, "linger_s": 900,
                                 "flush_s": 60}
    bus = made["buses"][0]
    assert (bus["link"], bus["path"], bus["baud"], bus["echo"]) == ("rtu", 0, 9600, 0)
    pcs = next(device for device in made["devices"] if device["name"] == "pcs")
    assert (pcs["control"]["min_w"], pcs["control"]["max_w"]) == (-180_000, 180_000)
    assert [device["name"] for device in made["devices"] if device["control"]] == ["pcs"]


def test_a_device_may_be_asked_for_part_of_its_readings():
    site = judge(changed(('profile = "acrel_adw300"', 'profile = "acrel_adw300"\n'
                          'signals = ["grid_w"]'))).site
    assert site is not None
    meter = compile_site(site)["devices"][0]
    assert [point[0] for point in meter["points"]] == ["grid_w"]


def small_ints(value: object) -> bool:
    """Whether every number is one a gateway holds without the heap."""
    if isinstance(value, dict):
        return all(map(small_ints, value.values()))
    if isinstance(value, list | tuple):
        return all(map(small_ints, value))
    return isinstance(value, str | None) or (type(value) is int and -(1 << 30) <= value < 1 << 30)


@pytest.mark.parametrize("path", [FOUNDRY, OFFICE])
def test_every_number_is_a_small_int(path):
    assert small_ints({key: value for key, value in compile_site(valid(path)).items()
                       if key != "devices"})


@pytest.mark.parametrize("path", [FOUNDRY, OFFICE])
def test_it_loads_and_beats_here(path, tmp_path: Path):
    (tmp_path / "site.json").write_bytes(encode(compile_site(valid(path))))
    loaded = site_image.load(str(tmp_path / "site.json"))
    assert loaded == json.loads(encode(compile_site(valid(path))))
    site = Site(loaded)
    assert Controller(site).beat(1000, 9457, 0) == 0  # nothing was read: rest
    assert site.fault is None
    assert len(site.journal.row) == len(journal.FIELDS)


@pytest.mark.parametrize("path", [FOUNDRY, OFFICE])
def test_it_loads_and_beats_on_micropython(path, micropython, tmp_path: Path):
    made = compile_site(valid(path))
    (tmp_path / "site.json").write_bytes(encode(made))
    (tmp_path / "script.py").write_text(SCRIPT)
    site = Site(made)
    Controller(site).beat(1000, 9457, 0)
    row: array[int] = site.journal.row
    done = micropython.run(tmp_path / "script.py", tmp_path / "site.json", list(row))
    assert done.stdout.split() == [made["hash"], str(len(made["rules"])), "True"]


def test_the_hash_is_over_all_the_rest():
    made = compile_site(valid())
    digest = made.pop("hash")
    assert len(digest) == 16
    assert hashlib.sha256(encode(made)).hexdigest().startswith(digest)
