"""Scoring a site from its file to its share."""

from __future__ import annotations

import json
import random
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from boards.tariff_calendar import FOLDER
from hil import score as scoring
from hil import score_all
from hil.__main__ import main
from tests.hil.little import write_load

HEADER = "timestamp,load_kw,battery_kw,grid_kw,soc_kwh"


def score(folder: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["score", str(folder), "--out", str(out), *more])


@pytest.fixture
def loads(tmp_path: Path) -> Path:
    """Two months of a shop: quiet nights, and a busy hour that is busier on some days."""
    folder = tmp_path / "loads"
    folder.mkdir()
    chance = random.Random(7)
    kilowatts = []
    for _ in range(28 + 31):
        busy = chance.uniform(80, 100)
        kilowatts += [20.0] * 32 + [60.0] * 20 + [round(busy, 3)] * 4 + [60.0] * 20 + [20.0] * 20
    write_load(folder / "shop.csv.gz", kilowatts, datetime(2025, 2, 1))
    return folder


def test_a_site_is_scored(loads: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = score(loads, out, "--mode", "peak", "--battery", "large", "--beat", "60", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    site = found["sites"][0]
    assert [month["month"] for month in site["months"]] == ["2025-03"]
    peaks = site["months"][0]["peak_kw"]
    assert peaks["best"] <= peaks["with"] <= peaks["without"]
    share = (peaks["without"] - peaks["with"]) / (peaks["without"] - peaks["best"])
    assert site["peak_share"] == pytest.approx(share)
    assert site["peak_share"] > 0.5  # a month of days that are all alike
    assert site["bill_share"] is None
    assert found["peak_share"]["worst_site"] == "shop"
    lines = (out / "shop.csv").read_text().splitlines()
    assert lines[0] == HEADER
    assert len(lines) == 1 + 59 * 96
    assert lines[1].startswith("2025-02-01T00:00,20.000000,")


def test_the_site_goes_the_way_of_every_site_file() -> None:
    site = scoring.site_of(100_000, scoring.Case("large", "bill"))
    assert site.sections["battery"]["capacity_wh"] == 50_000
    assert site.sections["battery"]["discharge_max_w"] == 25_000
    assert site.tariff.demand_e4 == 400_000
    assert (site.tariff.prices_e4[0], site.tariff.prices_e4[80]) == (3000, 12_000)
    small = scoring.site_of(100_000, scoring.Case("small", "peak"))
    assert small.sections["battery"]["capacity_wh"] == 10_000
    assert set(small.tariff.prices_e4) == {0}
    assert small.tariff.demand_e4 == 400_000


def test_a_trace_that_breaks_physics_fails(loads: Path, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """A battery that gives a kilowatt more than it has."""
    write = scoring.trace.write

    def doctored(path: Path, *arguments: object) -> None:
        write(path, *arguments)  # type: ignore[arg-type]
        lines = path.read_text().splitlines()
        time, load, battery, grid, soc = lines[500].split(",")
        lines[500] = f"{time},{load},{float(battery) + 1:.6f},{float(grid) - 1:.6f},{soc}"
        path.write_text("\n".join(lines))

    monkeypatch.setattr(scoring.trace, "write", doctored)
    path = loads / "shop.csv.gz"
    result = scoring.score(path, scoring.Case(mode="peak"), tmp_path, lambda quarters: None)
    assert [line[:16] for line in result.wrong] == ["2025-02-06T04:45"]
    monkeypatch.setattr(score_all, "score_all", lambda *_: [result])
    done = score(loads, tmp_path, "--mode", "peak")
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [f"shop: {result.wrong[0]}", "1 violations"]


def test_sites_are_chosen_by_name(loads: Path, tmp_path: Path) -> None:
    done = score(loads, tmp_path, "--sites", "shop,nowhere")
    assert done.exit_code == 2
    assert "found nowhere, expected some of shop" in done.stderr


def test_a_folder_without_loads_is_wrong_use(tmp_path: Path) -> None:
    assert score(tmp_path, tmp_path / "out").exit_code == 2


def test_a_bad_tariff_is_told_at_once(loads: Path, tmp_path: Path) -> None:
    tariff = tmp_path / "my.toml"
    tariff.write_text('name = "x"\ncurrency = "CNY"\ndemand_price = 40.0\n'
                      'periods = [["00:00", "08:00", 0.3]]\n')
    done = score(loads, tmp_path / "out", "--tariff", str(tariff))
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "my.toml: periods: found \"no price 08:00 - 24:00\", "
        "expected a price for every quarter-hour from 00:00 to 24:00"]


def test_a_tariff_the_protocol_cannot_bill_is_refused(loads: Path, tmp_path: Path) -> None:
    tariff = FOLDER / "us_california.toml"
    done = score(loads, tmp_path / "out", "--tariff", str(tariff))
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.strip().endswith("the protocol bills nothing else")


@pytest.mark.parametrize(("peak_kw", "words"), [
    (9000.0, "kW is 9000.0, expected -8000 .. 8000"), (0.0, "a peak of 0.0 kW"),
    (0.04, "battery.capacity_wh: found 20, expected a whole number 100 .. 30000000 Wh")])
def test_a_load_beyond_the_controller_is_refused(tmp_path: Path, peak_kw: float, words: str
                                                 ) -> None:
    path = write_load(tmp_path / "big.csv.gz", [peak_kw, 0.0], datetime(2025, 1, 1))
    done = score(tmp_path, tmp_path / "out")
    assert done.exit_code == 1
    assert words in done.stderr
    assert str(path) in done.stderr
    assert len(done.stderr.splitlines()) == 1
