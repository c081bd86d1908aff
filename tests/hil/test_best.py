"""The best column tells what could have been, or nothing; a gateway accounts what the bill says."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import pytest

from boards.site import check_bytes
from edge.journal import FIELDS
from hil import emulation, summary
from hil.figures import figures
from hil.trace import MINUTES
from tests.hil.little import FOUNDRY, write_load

START = datetime(2026, 6, 24)
FOUR_DAYS = [120 + 80 * math.sin(at / 96 * 2 * math.pi) + (150 if at % 96 in range(66, 71) else 0)
             for at in range(96 * 4)]


def run_under(tariff: str, folder: Path, **keys: str) -> emulation.Run:
    """The foundry for four days over the 26th, under another tariff."""
    text = FOUNDRY.read_text(encoding="utf-8").replace("cn_two_part.toml", tariff)
    for old, new in keys.items():
        assert old in text
        text = text.replace(old, new)
    site = check_bytes(text.encode(), folder / "site.toml").site
    assert site is not None
    load = write_load(folder / "load.csv.gz", FOUR_DAYS, START)
    order = emulation.Order(site, load=load, beat_s=60)
    return emulation.emulate(order, emulation.feeds_of(order), folder, lambda quarters: None)


@pytest.mark.parametrize("tariff", ["cn_guangdong", "cn_jiangsu", "de_rlm", "us_california"])
def test_a_gateway_accounts_what_the_bill_says(tariff: str, tmp_path: Path) -> None:
    run = run_under(f"{tariff}.toml", tmp_path)
    found = figures(run)
    energy = sum(line["amount"] for month in found["months"] for line in month["lines"]
                 if line["unit"] == "kWh")
    assert found["ledger"]["energy_cost"] == pytest.approx(energy, abs=0.01)
    assert found["with"]["energy"] == pytest.approx(energy)
    if found["best"]:
        assert found["best"]["total"] <= found["with"]["total"] + 1e-6
        assert found["best"]["total"] <= found["without"]["total"] + 1e-6
        assert found["best"]["peak_kw"] <= found["with"]["peak_kw"] + 1e-9


def test_the_best_begins_and_ends_as_the_run_did(tmp_path: Path) -> None:
    """After a day of trading the store is empty at midnight, when the cheap hours begin: from a
    full store the best would be worse than what was done."""
    (tmp_path / "own.toml").write_text(
        'name = "own"\ncurrency = "CNY"\ndemand_price = 0\n'
        'periods = [["00:00", "08:00", 0.3], ["08:00", "24:00", 1.0]]\n', encoding="utf-8")
    text = FOUNDRY.read_text(encoding="utf-8").replace("cn_two_part.toml", "own.toml")
    site = check_bytes(text.encode(), tmp_path / "site.toml").site
    assert site is not None
    load = write_load(tmp_path / "load.csv.gz", FOUR_DAYS, START)
    order = emulation.Order(site, load=load, warm_up_days=2, beat_s=60)
    run = emulation.emulate(order, emulation.feeds_of(order), tmp_path, lambda quarters: None)
    found = figures(run)
    assert found["energy_kwh"]["stored_start"] < 100
    assert found["best"]["total"] <= found["with"]["total"] + 1e-6
    assert 0.9 < found["share_of_best"]["bill"] <= 1


def test_the_month_that_begins_on_the_26th_has_its_own_peak(tmp_path: Path) -> None:
    """A contract so small that every month exceeds it; the gateway's peak is that of its month."""
    text = (FOUNDRY.parents[2] / "edge/tariffs/cn_jiangsu.toml").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(
        text.replace("contract_kw = 500", "contract_kw = 20").replace("least_pm = 400", ""),
        encoding="utf-8")
    run = run_under("own.toml", tmp_path)
    found = figures(run)
    assert [month["month"] for month in found["months"]] == ["2026-05", "2026-06"]
    quarters = [sum(run.trace.import_ws[at:at + MINUTES]) // 900
                for at in range(0, len(run.trace.import_ws), MINUTES)]
    peak_w = max(quarters[2 * 96:])
    assert abs(run.closing[FIELDS.index("peak_w")] - peak_w) <= 1
    over = found["months"][1]["lines"][-1]
    assert over["item"] == "demand above 105 % of the contract"
    assert over["quantity"] == pytest.approx(peak_w / 1000 - 21, abs=0.01)
    assert over["price"] == 80


def test_what_the_best_cannot_express_it_does_not_tell(tmp_path: Path) -> None:
    found = figures(run_under("us_california.toml", tmp_path))
    assert found["best"] is None
    assert found["share_of_best"] == {"peak": None, "bill": None}
    assert "best: not told, demand is charged by the hour of the day" in summary.text(found)
    worn = figures(run_under("cn_two_part.toml", tmp_path,
                             **{"lease_ms = 5000": "lease_ms = 5000\nwear_e4 = 1000"}))
    assert worn["best_hidden"] == "wear has a price"
    assert worn["with"]["wear"] == pytest.approx(0.1 * worn["energy_kwh"]["discharged"])
    assert worn["with"]["wear"] > 0


def test_a_capacity_leaves_no_peak_to_shave(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'name = "own"\ncurrency = "CNY"\nvalid_from = 2026-01-01\n'
        'periods = [["00:00", "12:00", 0.3], ["12:00", "24:00", 1.0]]\n'
        '[demand]\nby = "capacity"\nprice = 23\ncapacity_kva = 630\n', encoding="utf-8")
    run = run_under("own.toml", tmp_path)
    found = figures(run)
    assert found["without"]["demand"] == found["with"]["demand"] == 23 * 630
    assert found["best"]["demand"] == 23 * 630
    assert found["share_of_best"]["peak"] is None
    assert dict(run.image["tariff"])["demand_e4"] == 0
