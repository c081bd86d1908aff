"""What steps a site's registers guarantee: declared in its image, used by its gateway, or not."""

from __future__ import annotations

import shutil
from array import array
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import profiles, quanta, storage
from boards.build import core_modules, edge_modules
from boards.image import compile_site
from cloud_bridge.batch_body import head
from cloud_bridge.batches import decode_batch
from edge import journal
from edge.batching import Batching
from edge.site import Site
from edge.wire.quanta import quantum
from tests.boards.sites import DEPOT, FOUNDRY, MILL, OFFICE, valid

METER = '"i32", 1, "W"]\ne_imp'  # of the Acrel's total power
SUN = 'w = [3, 40084, "i16", "w_sf", "W"'


@pytest.fixture
def bent(tmp_path, monkeypatch):
    """Changes the shipped profiles: a text is replaced by another, in the file of that name."""
    for path in profiles.FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(profiles, "FOLDER", tmp_path)

    def bend(name: str, old: str, new: str) -> None:
        path = tmp_path / f"{name}.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return bend


def coarse(bend, scale: str = '0.1, "kW"') -> None:
    """A grid meter whose register counts in 0.1 kW."""
    bend("acrel_adw300", METER, METER.replace('1, "W"', scale))


def steps_of(site) -> dict[str, int]:
    pairs = quanta.pairs(site)
    assert [*pairs[::2]] == sorted({*pairs[::2]})
    return {journal.FIELDS[field]: quantum(byte)
            for field, byte in zip(pairs[::2], pairs[1::2], strict=True)}


@pytest.mark.parametrize("path", [FOUNDRY, DEPOT, MILL, OFFICE])
def test_a_site_of_fine_meters_has_none_and_loads_nothing(path):
    image = compile_site(valid(path))
    assert "step" not in image["telemetry"]
    assert "edge.wire.quanta" not in edge_modules(image)


def test_a_meter_of_a_tenth_of_a_kilowatt(bent):
    coarse(bent)
    assert steps_of(valid()) == {"grid_w": 100, "store_w": 10, "soc_pm": 10, "net_w": 10}
    assert "soc_pm" not in steps_of(valid(DEPOT)), "a mean of several batteries"
    image = compile_site(valid())
    assert image["telemetry"]["step"] == [4, 0x21, 8, 0x11, 10, 0x11, 14, 0x11]
    assert "edge.wire.quanta" in edge_modules(image) - core_modules(image)


@pytest.mark.parametrize(("scale", "step"), [
    ('0.25, "kW"', 50), ('1, "kW"', 1000), ('0.012, "kW"', 12), ('3, "MW"', 3_000_000),
    ('0.0007, "MW"', 700)])
def test_the_quantum_is_the_greatest_that_every_step_is_a_multiple_of(bent, scale, step):
    coarse(bent, scale)
    assert steps_of(valid())["grid_w"] == step


@pytest.mark.parametrize("point", ['"i32", 0.5, "W"', '"i32", 0.0005, "kW"', '"f32", 0.1, "kW"',
                                   '"i32", 17, "W"'])
def test_what_guarantees_nothing_is_no_quantum(bent, point):
    bent("acrel_adw300", METER, f"{point}]\ne_imp")
    assert steps_of(valid()) == {}


def test_every_source_of_a_field_has_to_guarantee_it(bent):
    """Two batteries, of which one counts in 10 W and the other in 15 W."""
    coarse(bent)
    site = valid(DEPOT)
    assert steps_of(site)["store_w"] == 10
    last = max(number for number, device in enumerate(site.devices)
               if "store_w" in device.profile.signals)
    profile = site.devices[last].profile
    point = profile.signals["store_w"].removeprefix("-")
    points = {**profile.points, point: replace(profile.points[point], scale=Fraction(15))}
    devices = list(site.devices)
    devices[last] = replace(devices[last], profile=replace(profile, points=points))
    mixed = steps_of(replace(site, devices=tuple(devices)))
    assert (mixed["store_w"], mixed["net_w"], mixed["grid_w"]) == (5, 5, 100)


READINGS = st.lists(st.tuples(st.sampled_from(["grid_w", "store_w", "store_w"]),
                              st.integers(-90_000, 90_000), st.integers(0, 4_000)), max_size=40)


@pytest.mark.parametrize("path", [FOUNDRY, DEPOT])
@given(readings=READINGS)
@settings(max_examples=40)
def test_the_load_is_a_multiple_of_what_both_its_readings_are(path, readings):
    """Whatever their values, also beyond what a beat computes with, and their ages."""
    site = Site(compile_site(valid(path)))
    row, now_ms = site.now.row, 1_000
    for number, (signal, steps, wait_ms) in enumerate(readings):
        now_ms += wait_ms
        role = site.grid_meter if signal == "grid_w" else site.fleet[number % len(site.fleet)]
        role.take(signal, 100 * steps, now_ms - wait_ms // 3)
        site.now.settle(now_ms)
        fields = [row[journal.FIELDS.index(name)] for name in ("grid_w", "store_w", "net_w")]
        assert [value % 100 for value in fields] == [0, 0, 0]


def test_coarse_sun_alone_is_enough(bent):
    bent("sunspec_pv", SUN, 'w = [3, 40084, "i16", 100, "W"')
    assert steps_of(valid()) == {"pv_w": 100, "store_w": 10, "soc_pm": 10}


def test_a_gateway_tells_such_rows_in_steps_and_any_other_exactly(bent):
    coarse(bent)
    image = compile_site(valid())
    site = Site(image)
    batching = Batching(site.telemetry, image["telemetry"])
    rows = []
    for number in range(40):
        site.grid_meter.take("grid_w", 300_000 + 100 * (number % 7) + (number == 20), number)
        site.storage.take("store_w", 1_230, number)
        site.now.settle(number)
        site.telemetry.keep(site.now.row, 15)
        rows.append(list(site.now.row))
        while batching.busy():
            batching.take()
    batching.flush()
    body = bytes(batching.batch.buffer[:batching.batch.finish()])
    assert head(body) == bytes((3, 128, 4, *image["telemetry"]["step"]))
    assert decode_batch(body).rows == rows
    del image["telemetry"]["step"]
    fine = Batching(site.telemetry, image["telemetry"]).batch
    assert all(fine.add(array("i", row)) for row in rows)
    assert fine.finish() > len(body)


def test_check_tells_days_with_them(bent):
    said = [storage.told(compile_site(valid()))]
    coarse(bent)
    said.append(storage.told(compile_site(valid())))
    fine, steps = (one["telemetry_bytes_a_day"] / one["rows_a_day"] for one in said)
    assert steps < 0.97 * fine
