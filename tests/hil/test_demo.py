"""The demo as a newcomer starts it, and the parts that draw it."""

import csv
import os
import re
import subprocess
import sys
from array import array
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.journal_file import Header, JournalReader, files
from cloud_bridge.store import Store
from edge.journal import FIELDS
from hil import amend, demo_day, demo_view, feed
from hil.demo_day import Seen
from hil.series import SeriesError
from tests.hil.little import FOUNDRY, ROOT, START

SITE = ROOT / "demo" / "site.toml"
RAW = demo_day.slowed(SITE, 30)
BEATS = 1440  # --fast: a minute each
HEADER = Header(FIELDS, ("device", "fresh", "ramp", "demand"), "x", 30)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What it printed, and where its files are."""
    out = tmp_path_factory.mktemp("demo")
    done = subprocess.run([sys.executable, "-m", "hil", "demo", "--fast", "--out", str(out)],
                          cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout, out


def journal(out: Path) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = []
    for path in files(out / "journal"):
        with JournalReader(path) as reader:
            rows += [tuple(row) for row in reader]
    return rows


def figure(said: str, label: str) -> list[float]:
    """The figures of a line of the table."""
    line = next(line for line in said.splitlines() if line.strip().startswith(label))
    found = re.findall(r"\d[\d\u202f]*(?:\.\d+)?", line.split(label)[1])
    return [float(text.replace("\u202f", "")) for text in found]


def test_every_row_arrives_once(demo: tuple[str, Path]) -> None:
    said, out = demo
    kept = journal(out)
    with Store(out / "park.db", create=False) as store:
        stored = [row.values for row in store.rows("demo", "foundry", 0, 1 << 40)]
    assert len(kept) == BEATS + 1
    assert sorted(stored) == sorted(kept)
    assert f"{BEATS + 1} rows in the store: 0 lost, 0 doubled" in said


def test_the_table_is_the_trace(demo: tuple[str, Path]) -> None:
    said, out = demo
    with (out / "trace.csv").open() as file:
        trace = list(csv.DictReader(file))
    grid = [float(row["grid_kw"]) for row in trace]
    bare = [float(row["load_kw"]) - float(row["pv_kw"]) for row in trace]
    without, with_, best = figure(said, "peak, 15 min")
    assert (without, with_) == (round(max(bare), 1), round(max(grid), 1))
    assert best <= with_ < without - 50, "the shaved day convinces"


def test_the_ledger_agrees_with_the_plant(demo: tuple[str, Path]) -> None:
    said, _ = demo
    counted, *_ = figure(said, "ledger")
    meant = float(re.findall(r"([\d\u202f.]+) kWh by the plant", said)[0].replace("\u202f", ""))
    blind_min = int(re.findall(r"missed (\d+) min", said)[0])
    # while the meter is silent nothing is counted: at most the load's 520 kW; the rest is rounding
    assert abs(meant - counted) < 520 * (blind_min + 1) / 60 + meant / 500


def test_it_fits_a_terminal(demo: tuple[str, Path]) -> None:
    said, out = demo
    for line in said.replace(str(out), "out/demo").splitlines():
        assert len(line) < 80, line


def test_what_happens_is_told(demo: tuple[str, Path]) -> None:
    said, _ = demo
    for line in ("10:05  ! meter silent for 4 min", "10:05  ! battery to 0 W: not to be trusted",
                 "10:09  + meter back", "13:20  ! network lost for 20 min"):
        assert line in said
    back = re.search(r"13:40  \+ network back, (\d+) frames delivered", said)
    assert back
    assert int(back[1]) >= 5
    assert "\x1b" not in said, "no terminal, no colours"


def test_the_files_it_names_are_there(demo: tuple[str, Path]) -> None:
    said, out = demo
    page = (out / "report.html").read_text(encoding="utf-8")
    assert str(out / "report.html") in said
    assert not re.search(r'(src|href)="https?:', page)
    assert "<h1>demo/foundry, on the wire</h1>" in page
    why = next(line.split() for line in said.splitlines() if "boards why" in line)
    done = subprocess.run([sys.executable, *why[1:]], cwd=ROOT, capture_output=True, text=True,
                          check=True, timeout=60)
    assert "fresh: not to be trusted: grid meter" in done.stdout


def test_a_second_demo_takes_the_first_one_s_place(tmp_path: Path) -> None:
    from hil import demo as command

    (tmp_path / "journal").mkdir()
    for name in ("park.db", "mine.txt", "journal/20260701.journal"):
        (tmp_path / name).write_text("old")
    command._clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_wrong_files_end_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("timestamp,kW\n2026-01-01T00:00,1\n2026-01-01T00:15,2\n")
    done = subprocess.run([sys.executable, "-m", "hil", "demo", "--load", str(path), "--out",
                           str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "NO_COLOR": "1"}, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"Error: {path}: holds no whole day, from midnight to midnight"]


def load_file(path: Path, peaks_kw: list[float], first: datetime = START) -> Path:
    lines = ["timestamp,kW"]
    for day, peak_kw in enumerate(peaks_kw):
        for quarter in range(96):
            moment = first + timedelta(days=day, minutes=15 * quarter)
            lines.append(f"{moment.isoformat()},{peak_kw if quarter == 40 else 100}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(("peaks", "learned", "day", "before"), [
    ([300, 900, 400, 500], 2, 3, 2),  # 900 kW has too few days before it
    ([300, 200, 900, 500], 2, 2, 2),
    ([300], 5, 0, 0),
    ([300, 400], 5, 1, 1),
])
def test_a_load_of_ones_own_shows_its_worst_day(tmp_path: Path, peaks: list[float], learned: int,
                                                day: int, before: int) -> None:
    plan = demo_day.measured(RAW, SITE, load_file(tmp_path / "load.csv", peaks), learned)
    assert plan.start == START + timedelta(days=day)
    assert plan.learned == before
    assert max(plan.load.quarter(before * 96 + 40)) == peaks[day] * 1000
    assert plan.raw["rules"]["demand"]["target_w"] == 0
    assert plan.raw["rules"]["contract"]["import_max_w"] == 2000 * peaks[day]


def test_a_load_that_only_feeds_in_is_no_day_to_show(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("timestamp,kW\n" + "".join(
        f"{(START + timedelta(minutes=15 * quarter)).isoformat()},-5\n" for quarter in range(96)))
    with pytest.raises(SeriesError, match="never draws any power"):
        demo_day.measured(RAW, SITE, path, 1)


def test_a_site_of_ones_own_is_slowed_as_a_whole() -> None:
    raw = demo_day.slowed(FOUNDRY, 30)
    assert (raw["site"]["beat_s"], raw["battery"]["lease_ms"]) == (30, 60_000)
    assert raw["gate"]["step_max_w"] == 30 * 60_000
    plan = demo_day.factory(raw, FOUNDRY, 3)
    assert plan.load.quarters == 4 * 96
    assert list(plan.load.quarter(3 * 96 + 40)) == list(feed.factory(START, 30, 1).quarter(40)), \
        "the day shown is the factory's own"
    assert demo_day.slowed(SITE, 30) == amend.read(SITE)


def test_a_step_that_fits_no_beat_is_told(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    moments = [START + timedelta(seconds=45 * at) for at in range(2 * 1920)]
    path.write_text("timestamp,kW\n" + "".join(f"{one.isoformat()},1\n" for one in moments))
    with pytest.raises(SeriesError, match="45 s cannot be cut into beats of 30 s"):
        demo_day.measured(RAW, SITE, path, 1)


ROWS = st.fixed_dictionaries({name: st.integers(-(1 << 30), (1 << 30) - 1) for name in FIELDS})


@given(ROWS, st.integers(0, 86_399), st.integers(0, 3), st.integers(0, 3), st.integers(0, 9),
       st.booleans())
def test_any_row_can_be_shown(row: dict[str, int], at_s: int, low: int, high: int, waiting: int,
                              connected: bool) -> None:
    row |= {"day": 9657, "second": at_s, "lo_by": low, "hi_by": high,
            "target_w": abs(row["target_w"]) % 8_000_000, "demand_w": row["demand_w"] % 16_000_000}
    seen = Seen(at_s, array("i", [row[name] for name in FIELDS]), waiting, connected)
    lines = demo_view.picture(seen, HEADER)
    assert len(lines) >= 6
    assert all("\n" not in line for line in lines)
    assert all(len(line) < 80 for line in lines if "why" in line or line.startswith("      "))
    bars = [line for line in lines if "[" in line and "|" in line]
    if row["target_w"]:
        filled = bars[0].count("#")
        assert bars[0].index("|") == len(" demand [") + 30
        assert filled == min(row["demand_w"] * 30 // row["target_w"], 30)
        assert bars[0].count("!") <= 6
