"""`emulate` from the command line: its files, its page, its figures."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from hil import figures, summary
from hil.__main__ import main
from hil.bill import Bill, Line
from hil.recheck import Limits, read, recheck
from hil.summary import amount
from tests.hil.little import FOUNDRY


class Made(NamedTuple):
    folder: Path
    figures: dict[str, Any]
    page: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The shipped factory, two days of minutes."""
    folder = tmp_path_factory.mktemp("emulated")
    done = CliRunner().invoke(main, ["emulate", str(FOUNDRY), "--days", "1", "--warm-up", "1",
                                     "--beat", "60", "--out", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    return Made(folder, json.loads(done.stdout), (folder / "report.html").read_text("utf-8"))


def test_the_trace_is_the_run(made: Made) -> None:
    with (made.folder / "trace.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["timestamp", "load_kw", "pv_kw", "battery_kw", "grid_kw", "soc_kwh",
                             "price", "target_kw"]
    assert len(rows) == 96
    assert rows[0]["timestamp"] == "2026-07-01T00:00+08:00"
    grid = [float(row["grid_kw"]) for row in rows]
    assert max(grid) == pytest.approx(made.figures["with"]["peak_kw"], abs=1e-5)
    energy = made.figures["energy_kwh"]
    assert sum(grid) / 4 == pytest.approx(energy["import"] - energy["export"], abs=1e-3)
    assert sum(float(row["load_kw"]) for row in rows) / 4 == pytest.approx(energy["load"], abs=1e-3)
    assert float(rows[-1]["soc_kwh"]) == pytest.approx(energy["stored_end"], abs=1e-5)
    assert {row["price"] for row in rows[40:48]} == {"1.0856"}
    for row in rows:
        net = float(row["load_kw"]) - float(row["pv_kw"]) - float(row["battery_kw"])
        assert float(row["grid_kw"]) == pytest.approx(net, abs=3e-6)


def test_the_trace_keeps_to_physics(made: Made) -> None:
    energy = made.figures["energy_kwh"]
    limits = Limits(200, 20, 380, energy["stored_start"], 0.9**0.5)
    rows = read(made.folder / "trace.csv")
    with (made.folder / "trace.csv").open() as file:
        pv = [float(row["pv_kw"]) for row in csv.DictReader(file)]
    net = [row._replace(load_kw=row.load_kw - sun) for row, sun in zip(rows, pv, strict=True)]
    assert recheck(net, [row.load_kw for row in net], limits).violations == []


def test_energy_closes_and_the_ledger_agrees(made: Made) -> None:
    found, energy = made.figures, made.figures["energy_kwh"]
    assert found["balance_uj"] == 0
    came = energy["import"] + energy["pv"] + energy["discharged"]
    assert came == pytest.approx(energy["export"] + energy["load"] + energy["charged"], abs=1e-6)
    stored = energy["stored_end"] - energy["stored_start"]
    assert energy["charged"] - energy["discharged"] - energy["lost"] == pytest.approx(stored)
    ledger = found["ledger"]
    assert ledger["import_kwh"] == pytest.approx(energy["import"], abs=0.002)
    assert ledger["energy_cost"] == pytest.approx(found["with"]["energy"], abs=0.01)
    assert ledger["carbon_kg"] == pytest.approx(found["carbon"]["with_kg"], abs=0.002)


def test_nothing_beats_the_best(made: Made) -> None:
    for key in ("peak_kw", "demand", "energy", "total"):
        assert made.figures["best"][key] <= made.figures["without"][key]
    assert made.figures["best"]["peak_kw"] <= made.figures["with"]["peak_kw"]
    assert made.figures["best"]["total"] <= made.figures["with"]["total"]


def test_the_bill_adds_up(made: Made) -> None:
    found = made.figures
    lines = [line for month in found["months"] for line in month["lines"]]
    assert sum(line["amount"] for line in lines) == pytest.approx(
        found["with"]["demand"] + found["with"]["energy"])
    bought = sum(line["quantity"] for line in lines if line["item"].startswith("energy"))
    assert bought == pytest.approx(found["energy_kwh"]["import"])


def test_the_bill_stands_beside_the_one_without_the_battery(made: Made) -> None:
    found = made.figures
    for column, key in (("with", "amount"), ("without", "without")):
        lines = [line[key] for month in found["months"] for line in month["lines"]]
        assert sum(lines) == pytest.approx(found[column]["demand"] + found[column]["energy"])
    [month] = found["months"]
    assert month["total"] == pytest.approx(sum(line["amount"] for line in month["lines"]))
    assert month["without"] == pytest.approx(sum(line["without"] for line in month["lines"]))


def test_the_bill_is_printed_and_shown_line_by_line(made: Made) -> None:
    [month] = made.figures["months"]
    printed = summary.text(made.figures)
    for line in month["lines"]:
        said = next(one for one in printed.splitlines() if line["item"] in one)
        for value in (line["amount"], line["without"]):
            assert summary.money(value) in said
            assert f">{summary.money(value)}<" in made.page
    total = next(one for one in printed.splitlines() if one.startswith("  total  ")
                 and summary.money(month["total"]) in one)
    assert summary.money(month["without"]) in total


def test_a_line_of_only_one_of_the_bills_is_nothing_on_the_other() -> None:
    def bill(*lines: Line) -> Bill:
        return Bill("2026-07", lines)

    demand, export = Line("demand", 2, "kW", 40, 80), Line("export", 3, "kWh", -0.4, -1.2)
    found = figures._month(bill(demand), bill(demand._replace(quantity=3, amount=120), export))
    assert [(line["item"], line["amount"], line["without"]) for line in found["lines"]] == [
        ("demand", 80, 120), ("export", 0, -1.2)]
    assert (found["total"], found["without"]) == (80, pytest.approx(118.8))


def test_money_and_carbon_are_told_against_doing_nothing(made: Made) -> None:
    """The store ends emptier than it began: what fills it again is neither free nor clean."""
    found, carbon = made.figures, made.figures["carbon"]
    energy = found["energy_kwh"]
    missing_kwh = (energy["stored_start"] - energy["stored_end"]) / 0.9**0.5
    assert carbon["refill_kg"] == pytest.approx(missing_kwh * carbon["factor_kg_per_kwh"])
    assert carbon["saved_kg"] == pytest.approx(
        carbon["without_kg"] - carbon["with_kg"] - carbon["refill_kg"])
    saved = found["without"]["total"] - found["with"]["total"]
    tiles = dict(summary.headline(found))
    for value, unit in ((saved, "CNY"), (carbon["saved_kg"], "kg CO₂")):
        words = tiles[f"{amount(abs(value))} {unit}"]
        assert words.startswith("saved against" if value >= 0 else "more than")
        assert amount(value) in summary.text(found)
        assert f">{amount(value)}<" in made.page


def test_shares_of_time_add_up(made: Made) -> None:
    for key in ("low", "high", "ruled"):
        assert sum(line[key] for line in made.figures["bounds"]) == pytest.approx(1)


class _Links(HTMLParser):
    """Everything in a page that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs
                       if name in ("src", "href", "srcset", "action", "data", "xlink:href")]


def test_the_page_fetches_nothing(made: Made) -> None:
    links = _Links()
    links.feed(made.page)
    assert links.links == []
    assert not {"script", "link", "iframe", "img", "object"} & links.tags
    assert "http://" not in made.page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in made.page
    assert not re.search(r"url\(|@import", made.page)


def test_the_page_tells_the_figures(made: Made) -> None:
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", made.page, flags=re.S)
    for column in ("without", "with", "best"):
        for value in made.figures[column].values():
            assert f">{amount(value)}<" in text
    for line in made.figures["bounds"]:
        assert f"{line['ruled'] * 100:.1f}" in text
    assert made.figures["carbon"]["source"] in text
    assert "closes to 0" in text


def test_a_page_says_when_nothing_was_learned_and_where_it_ran(made: Made) -> None:
    hint = "began without knowing any day"
    assert hint not in made.page
    assert hint in summary.text({**made.figures, "warm_up_days": 0})
    assert summary.remark({**made.figures, "warm_up_days": 0, "dut": "wire"}) == ""
    assert summary.title(made.figures)[0] == "demo/foundry, emulated"
    assert summary.title({**made.figures, "dut": "wire"})[0] == "demo/foundry, on the wire"


def test_a_target_of_nothing_learned_does_not_flatten_the_day(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["emulate", str(FOUNDRY), "--beat", "60", "--out",
                                     str(tmp_path)])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "report.html").read_text("utf-8")
    scale = [int(kw) for kw in re.findall(r'text-anchor="end">(-?\d+)</text>', page)]
    assert 400 <= max(scale) <= 800


def test_a_share_is_told_in_whole_per_cent() -> None:
    assert [summary.percent(share) for share in (0.784, -0.0001, 0.0, -0.014)] == [
        "78 %", "0 %", "0 %", "\u22121 %"]


def test_the_page_bears_any_name(tmp_path: Path) -> None:
    """What a site file may hold does not become markup."""
    text = FOUNDRY.read_text("utf-8").replace(
        'source = "illustrative; replace', 'source = "<script>alert(1)</script> & illustrative;')
    site = tmp_path / "site.toml"
    site.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["emulate", str(site), "--beat", "60", "--out",
                                     str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_same_run_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    CliRunner().invoke(main, ["emulate", str(FOUNDRY), "--days", "1", "--warm-up", "1",
                              "--beat", "60", "--out", str(tmp_path)])
    for name in ("journal", "trace.csv", "report.html"):
        assert (tmp_path / name).read_bytes() == (made.folder / name).read_bytes(), name
