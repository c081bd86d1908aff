"""A whole emulation: its local time, its warm-up, what it takes its load from."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from boards.journal_file import JournalReader
from boards.site import load
from edge.journal import FIELDS
from hil import emulation, report, summary
from hil.figures import figures
from hil.series import SeriesError
from tests.hil.little import ROOT, foundry, write_load

OFFICE = ROOT / "examples" / "office" / "site.toml"


def nothing(quarters: int) -> None:
    pass


def emulate(order: emulation.Order, out: Path) -> emulation.Run:
    return emulation.emulate(order, emulation.feeds_of(order), out, nothing)


def test_the_end_of_summer_time(tmp_path: Path) -> None:
    """The load's clock runs on, the local day has 25 hours."""
    path = write_load(tmp_path / "load.csv.gz", [40.0] * 96 * 3, datetime(2026, 10, 24))
    run = emulate(emulation.Order(load(OFFICE), load=path, beat_s=60), tmp_path)
    shown = [time.isoformat(timespec="minutes") for time in run.times]
    assert shown[0] == "2026-10-24T00:00+02:00"
    assert shown[96 + 11:96 + 13] == ["2026-10-25T02:45+02:00", "2026-10-25T02:00+01:00"]
    sunday = [time for time in run.times if time.day == 25]
    assert len(sunday) == 100
    page = report.page(run, figures(run))
    assert page.count("<svg") == 2


def test_the_controller_bills_by_the_same_prices(tmp_path: Path) -> None:
    order = emulation.Order(foundry(), beat_s=60)
    run = emulate(order, tmp_path)
    price, second = FIELDS.index("price_e4"), FIELDS.index("second")
    with JournalReader(tmp_path / emulation.JOURNAL) as journal:
        told = [row[price] for row in journal if row[second] % 900 == 0]
    assert told[:-1] == run.prices_e4


def test_a_warm_up_is_in_the_journal_and_not_in_the_figures(tmp_path: Path) -> None:
    path = write_load(tmp_path / "load.csv.gz", [100.0] * 96 + [50.0] * 96, datetime(2026, 3, 1))
    order = emulation.Order(foundry(), load=path, warm_up_days=1, beat_s=60)
    run = emulate(order, tmp_path)
    found = figures(run)
    assert run.trace.quarters == 96
    assert run.times[0].isoformat() == "2026-03-02T00:00:00+08:00"
    assert found["without"]["peak_kw"] == 50
    assert 80 < found["billed_kw"] <= 100
    assert "billed already" in summary.text(found)
    assert found["energy_kwh"]["load"] == pytest.approx(1200)
    assert found["ledger"]["import_kwh"] == pytest.approx(found["energy_kwh"]["import"], abs=0.002)
    with JournalReader(tmp_path / emulation.JOURNAL) as journal:
        assert len(journal) == 2 * 1440 + 1


def test_a_file_decides_how_many_days_there_are(tmp_path: Path) -> None:
    path = write_load(tmp_path / "load.csv.gz", [50.0] * 96 * 5, datetime(2026, 3, 1))
    assert emulation.feeds_of(emulation.Order(foundry(), load=path)).days == 5
    assert emulation.feeds_of(emulation.Order(foundry(), load=path, warm_up_days=2)).days == 3
    assert emulation.feeds_of(emulation.Order(foundry(), load=path, days=2)).days == 2
    with pytest.raises(SeriesError, match=r"holds 5\.0 days from 2026-03-01 on, expected 6"):
        emulation.feeds_of(emulation.Order(foundry(), load=path, days=4, warm_up_days=2))


def test_a_roof_file_of_another_year_is_told(tmp_path: Path) -> None:
    path = write_load(tmp_path / "load.csv.gz", [50.0] * 96, datetime(2026, 3, 1))
    roof = write_load(tmp_path / "pv.csv.gz", [5.0] * 96, datetime(2025, 3, 1))
    with pytest.raises(SeriesError, match=r"pv\.csv\.gz: ends before 2026-03-01"):
        emulation.feeds_of(emulation.Order(foundry(), load=path, pv=roof))


def test_the_sun_shines_only_where_there_is_a_roof() -> None:
    assert emulation.feeds_of(emulation.Order(foundry())).pv is not None
    assert emulation.feeds_of(emulation.Order(load(OFFICE))).pv is None
