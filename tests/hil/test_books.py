"""The ledger of an emulated site: it stands, on the plant's meters, and hides nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from boards.site import Site
from cloud_bridge.__main__ import main as cloud
from edge.ledger.leaf import METERS
from edge.ledger.matrix import SOURCES
from hil import amend, emulation, scenario, summary
from hil.__main__ import main as hil
from hil.books import Kept
from hil.emulation import Order, Run
from hil.figures import figures
from hil.laundered import columns, wrong
from hil.rig import stage
from hil.rig_lockstep import LockstepRig
from tests.conftest import ROOT

LEDGER = {"factors": "cn_910_fossil cn_average_2023", "head_h": 24}


def with_ledger(name: str) -> Site:
    """An example, with a ledger."""
    path = ROOT / "examples" / name / "site.toml"
    return amend.site({**amend.read(path), "ledger": LEDGER}, path)


def run(site: Site, out: Path, **order: Any) -> tuple[Run, Kept]:
    given = Order(site, beat_s=60, **order)
    done = emulation.emulate(given, emulation.feeds_of(given), out, lambda passed: None)
    assert done.kept is not None
    return done, done.kept


@pytest.mark.parametrize("name", ["mill", "foundry", "depot", "clinic"])
def test_the_books_of_every_kind_of_site_stand_on_the_plants_meters(name: str, tmp_path: Path
                                                                    ) -> None:
    """One battery and several, with a line and tenants, with hours without the grid."""
    outages = ((36_000, 45_000),) if name == "clinic" else ()
    done, kept = run(with_ledger(name), tmp_path, warm_up_days=1, days=1, outages=outages)
    found, moved = kept.verdict, kept.moved_wh
    quarters = sum(site.values["span"] for site, _ in found.accounts)
    assert (found.faults, quarters, found.signed) == ([], 96, found.leaves)
    terms = next(iter(found.terms.values()))
    for meter in METERS[:5]:
        flowed = sum(sum(site.flows[3 * SOURCES.index(part):][:3]) for site, _ in found.accounts
                     for part in SOURCES if part == {"import": "grid", "discharge": "store"}.get(
                         meter, meter))
        if terms.mask >> METERS.index(meter) & 1:
            assert flowed == moved[meter], meter
    assert moved["import"] > 0
    assert abs(3600 * moved["import"] - (done.after.import_ws - done.before.import_ws)) < 3600
    tenants = [site.values for _, site in found.accounts if site]
    if name == "mill":
        load_wh = sum(site.load_wh for site, _ in found.accounts)
        parts = [sum(values[f"{who}_wh"] for values in tenants)
                 for who in ("tenant_0", "tenant_1", "common")]
        assert sum(parts) == load_wh
        assert all(abs(part - load_wh // 3) < load_wh // 1000 for part in parts)


def test_what_emulate_prints_and_writes_an_auditor_can_check(tmp_path: Path) -> None:
    done = CliRunner().invoke(hil, ["emulate", str(ROOT / "examples/mill/site.toml"), "--beat",
                                    "60", "--warm-up", "7", "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    kept = told["carbon_ledger"]
    assert (kept["stands"], kept["quarters"], kept["leaves"]) == (True, 96, 192)
    first, _ = kept["views"]
    assert first["name"] == "cn_910_fossil"
    assert first["delivered_kwh"] > 10
    assert 832 < first["hidden_g_per_kwh"] < 1100
    assert first["hidden_kg"] == pytest.approx(
        first["load_kg"] + first["export_kg"] + first["loss_kg"] - first["naive_kg"])
    assert "hides" in (tmp_path / "report.html").read_text()
    assert any("the books stand" in line for line in summary.ledger_lines(told))
    key = tmp_path / "evidence" / "key.txt"
    audited = CliRunner().invoke(cloud, ["audit", str(tmp_path / "evidence"), "--key", str(key)])
    assert audited.exit_code == 0, audited.output
    assert "audit of demo/mill: the books stand" in audited.output.lower()


def test_a_site_without_a_ledger_has_no_evidence(tmp_path: Path) -> None:
    path = ROOT / "examples/foundry/site.toml"
    order = Order(amend.site(amend.read(path), path), beat_s=60)
    done = emulation.emulate(order, emulation.feeds_of(order), tmp_path, lambda passed: None)
    assert done.kept is None
    found = figures(done)
    assert found["carbon_ledger"] is None
    assert summary.ledger_lines(found) == []
    assert not (tmp_path / "evidence").exists()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """What the scenario `laundered` leaves."""
    setting = stage(scenario.read_rig(scenario.find("rigs", "mill")),
                    scenario.read(scenario.find("scenarios", "laundered")))
    record = LockstepRig(setting, tmp_path_factory.mktemp("kept")).play(lambda done: None)
    assert record.kept is not None
    return record.kept


def test_a_green_battery_hides_what_the_grid_gave_it_to_the_microgram(kept: Kept) -> None:
    assert list(wrong(kept)) == []
    assert all(one.hidden > 0 for one in columns(kept.verdict))
    first = columns(kept.verdict)[0]
    assert first.hidden_g_per_kwh is not None
    assert first.hidden_g_per_kwh > 832.5, "the grid's own, and what was lost on top"


@pytest.mark.parametrize(("meter", "wh", "words"), [
    ("charge", 1, "hides"), ("import", -1, "by the plant's meters"),
    ("discharge", -(1 << 30), "nothing is proven"), ("charge", -(1 << 30), "nothing is proven")])
def test_a_watt_hour_that_is_not_the_plants_is_found(kept: Kept, meter: str, wh: int, words: str
                                                     ) -> None:
    moved = {**kept.moved_wh, meter: kept.moved_wh[meter] + wh}
    assert any(words in line for line in wrong(replace(kept, moved_wh=moved)))


def test_a_microgram_that_is_not_accounted_is_found(kept: Kept) -> None:
    site, tenants = kept.verdict.accounts[5]
    other = replace(site, values={**site.values, "load_ug_0": site.values["load_ug_0"] - 1})
    accounts = [*kept.verdict.accounts]
    accounts[5] = (other, tenants)
    said = wrong(replace(kept, verdict=replace(kept.verdict, accounts=accounts)))
    assert any("by the plant's meters" in line for line in said)
