"""Emulated days whose prices are pushed, do not come, or lie outside the tariff's validity: bill,
account, journal and words say the same."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import pytest

from boards import why
from boards.site import check_bytes
from edge.journal import FIELDS
from hil import emulation, report, summary
from hil.figures import figures
from hil.series import SeriesError
from tests.hil.little import FOUNDRY, write_load

START = datetime(2026, 6, 24)  # a Wednesday
DAYS = [160 + 60 * math.sin(at / 96 * 2 * math.pi) for at in range(96 * 4)]
TARIFFS = FOUNDRY.parents[2] / "edge" / "tariffs"


def run_under(tariff: str, folder: Path, pushes: str = "", kind: str = "inproc") -> emulation.Run:
    """The foundry for four days, with what is pushed meanwhile."""
    text = FOUNDRY.read_text(encoding="utf-8").replace("cn_two_part.toml", tariff)
    site = check_bytes(text.encode(), folder / "site.toml").site
    assert site is not None
    path = None
    if pushes:
        path = folder / "pushes.csv"
        path.write_text(pushes, encoding="utf-8")
    order = emulation.Order(site, load=write_load(folder / "load.csv.gz", DAYS, START), beat_s=60,
                            pushes=path, dut=kind)
    return emulation.emulate(order, emulation.feeds_of(order), folder, lambda quarters: None)


def agree(found: dict) -> None:
    """The gateway has accounted what the bill says."""
    energy = sum(line["amount"] for month in found["months"] for line in month["lines"]
                 if line["unit"] == "kWh")
    assert found["ledger"]["energy_cost"] == pytest.approx(energy, abs=0.01)


def test_a_critical_day_is_billed_and_traded_as_pushed(tmp_path: Path) -> None:
    usual = figures(run_under("cn_guangdong.toml", tmp_path))
    run = run_under("cn_guangdong.toml", tmp_path,
                    "at,day,prices\n2026-06-25T19:10,2026-06-26,critical\n")
    found = figures(run)
    agree(found)
    items = {line["price"]: line["item"] for line in found["months"][0]["lines"]
             if line["unit"] == "kWh"}
    assert "critical" in items[1.4875]
    assert 1.4875 not in {line["price"] for line in usual["months"][0]["lines"]}
    assert [run.prices_e4[day * 96 + 46] for day in range(4)] == [11_900, 11_900, 14_875, 11_900]
    critical = sum(run.trace.store_ws[(2 * 96 + slot) * 15 + minute] for slot in range(44, 48)
                   for minute in range(15))
    assert critical > 0  # used when it is dearest
    said = summary.text(found)
    assert "Prices pushed 2026-06-25 19:10 for 2026-06-26: taken." in said
    assert "Prices pushed" in report.page(run, found)


def test_prices_that_come_and_prices_that_do_not(tmp_path: Path) -> None:
    """Of four days the second has prices of its own; a day-ahead tariff expects them for each."""
    hours = " ".join(f"{0.05 + hour / 100:.2f}" for hour in range(24))
    run = run_under("de_rlm.toml", tmp_path,
                    f"at,day,prices\n2026-06-24T13:00,2026-06-25,{hours}\n")
    found = figures(run)
    agree(found)
    assert run.prices_e4[96:192:4] == [500 + 100 * hour for hour in range(24)]
    pushed = next(line for line in found["months"][0]["lines"] if "pushed" in line["item"])
    assert pushed["item"] == "energy of 1 day at pushed prices, their mean"
    assert pushed["amount"] == pytest.approx(sum(
        ws / 3.6e6 * (500 + 100 * hour) / 1e4 for hour in range(24)
        for ws in run.trace.import_ws[(24 + hour) * 60:(25 + hour) * 60]))
    month = found["months"][0]
    assert sum(line["without"] for line in month["lines"]) == pytest.approx(month["without"])
    assert found["prices"]["unpushed_h"] == 72
    assert found["prices"]["unpriced_h"] == 0
    assert "for 72 hours prices were to be pushed and did not come" in summary.text(found)


def test_a_push_that_is_refused_is_told_and_not_billed(tmp_path: Path) -> None:
    """Late, for a day too far ahead, and of a profile that may not be pushed."""
    run = run_under("cn_guangdong.toml", tmp_path, "at,day,prices\n"
                    "2026-06-26T00:00,2026-06-26,critical\n2026-06-24T12:00,2026-06-26,critical\n"
                    "2026-06-24T12:00,2026-06-25,usual\n")
    found = figures(run)
    agree(found)
    assert max(run.prices_e4) == 11_900
    refused = [told["refused"] for told in found["prices"]["pushed"]]
    assert [any(words in one for one in refused) for words in (
        "has begun or is over", "expected the next one", "found profile usual")] == [True] * 3
    assert "for 2026-06-26: refused, found day" in summary.text(found)


@pytest.mark.parametrize(("text", "line"), [
    ("day,at,prices\n", "line 1: expected at,day,prices"),
    ("at,day,prices\n2026-06-24T12:00,2026-06-25\n", "line 2: found 2026-06-24T12:00,2026-06-25, "
     "expected a local time, a date, and a profile's name or prices"),
    ("at,day,prices\n2026-06-24T12:00,2026-06-25,0.1 x\n", "line 2: found 2026-06-24T12:00,"
     "2026-06-25,0.1 x, expected"),
    ("at,day,prices\n2026-06-24T12:00,2026-06-25,0.12345 0.1\n", "line 2: found"),
    ("at,day,prices\n2026-05-24T12:00,2026-05-25,critical\n", "line 2: found 2026-05-24T12:00, "
     "expected a local time from 2026-06-24 00:00:00 to 2026-06-28 00:00:00"),
])
def test_a_file_that_says_no_push_is_refused(text: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(SeriesError) as caught:
        run_under("cn_guangdong.toml", tmp_path, text)
    assert f"pushes.csv: {line}" in str(caught.value)


def test_pushes_need_the_controller_in_process(tmp_path: Path, micropython) -> None:
    with pytest.raises(SeriesError, match="--dut inproc"):
        run_under("cn_guangdong.toml", tmp_path, "at,day,prices\n2026-06-24T12:00,2026-06-25,"
                  "critical\n", "micropython")


@pytest.mark.parametrize("tariff", ["cn_two_part", "cn_jiangsu", "de_rlm"])
def test_a_tariff_that_ends_on_the_way_trades_no_more(tariff: str, tmp_path: Path) -> None:
    """Plain, with seasons, with pushes: two days inside, two outside."""
    text = (TARIFFS / f"{tariff}.toml").read_text(encoding="utf-8")
    end = next(line for line in text.splitlines() if line.startswith("valid_to"))
    (tmp_path / "own.toml").write_text(text.replace(end, "valid_to = 2026-06-25").replace(
        "holidays/", f"{TARIFFS}/holidays/"), encoding="utf-8")
    run = run_under("own.toml", tmp_path)
    found = figures(run)
    agree(found)
    assert found["prices"]["unpriced_h"] == 48
    assert run.prices_e4[192:288] == run.prices_e4[96:192]  # of the working days
    moved = [sum(abs(ws) for ws in run.trace.store_ws[day * 1440:(day + 1) * 1440])
             for day in range(4)]
    assert moved[1] > 0
    assert moved[3] < max(moved[1] // 20, 360_000)  # or 0.1 kWh, that the peak asked for
    assert "48 hours lie outside the tariff's validity" in summary.text(found)
    journal = tmp_path / emulation.JOURNAL
    assert why.explain(why.find(journal, "2026-06-25T12:00"))["price_doubts"] == (
        [] if tariff != "de_rlm" else why.explain(why.find(journal, "2026-06-24T12:00"))[
            "price_doubts"])
    doubts = why.explain(why.find(journal, "2026-06-27T12:00"))["price_doubts"]
    assert "not valid today" in doubts[0]
    assert run.closing[FIELDS.index("flags")] & 4096
