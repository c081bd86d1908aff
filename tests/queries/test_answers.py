"""Single answers: what is newest, what is late, what is missing, whose days; and as files."""

import csv
import json
import subprocess
import sys
from zoneinfo import ZoneInfo

import duckdb
import msgpack
import pytest

from cloud_bridge.queries import answers, spans
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.gaps import gaps
from cloud_bridge.queries.messages import NotFoundError, QueryError, TroubleError
from cloud_bridge.store import Store
from edge.outbox import GAP
from tests.queries.served import ROOT
from tests.queries.stores import DAY_UTC, NAMES, batch, birth, fill, row

DAY_S = 86_400


@pytest.fixture
def path(tmp_path):
    return tmp_path / "park.db"


def ask(path, function, *args):
    with Archive.open(path) as archive:
        archive.refresh(*NAMES)
        return function(archive, *NAMES, *args)


def whole(start, end, resolution="raw", zone="UTC"):
    return spans.span(spans.text(start), spans.text(end), resolution, zone, end)


def test_the_newest_row_of_all_lives(path):
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC, grid_w=1), row(DAY_UTC + 15)]))])
    fill(path, [(1, 2, birth(), 4), (2, 1, batch([row(DAY_UTC + 90, grid_w=7, lo_by=2)]), 4)])
    told = ask(path, answers.last, DAY_UTC + 100)
    assert (told["age_s"], told["values"]["grid_w"], told["values"]["lo_by"]) == (10, 7, "demand")


def test_what_was_not_fresh_is_not_told(path):
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC, flags=4, grid_w=9)]))])
    values = ask(path, answers.last, DAY_UTC)["values"]
    assert (values["grid_w"], values["net_w"], values["soc_pm"]) == (None, None, 500)


def test_a_row_from_the_future_is_not_the_newest(path):
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC)]))])
    fill(path, [(1, 1, batch([row(DAY_UTC + 400 * DAY_S)]), 3)])
    assert ask(path, answers.last, DAY_UTC)["age_s"] == 0
    fill(path, [(1, 1, batch([[1 << 30, 0, 0]]), 2)])
    assert ask(path, answers.last, DAY_UTC)["age_s"] == 0
    assert ask(path, answers.lag, DAY_UTC)["state"] == "ok"


def test_late_and_silent(path):
    fill(path, [(1, 2, birth())], received_utc=DAY_UTC + 5)
    told = ask(path, answers.lag, DAY_UTC + 9)
    assert (told["state"], told["row"], told["message_age_s"]) == ("silent", None, 4)
    fill(path, [(2, 1, batch([row(DAY_UTC)]))], received_utc=DAY_UTC + 70)
    told = ask(path, answers.lag, DAY_UTC + 100, 99)
    assert (told["state"], told["row_age_s"], told["message_age_s"], told["transit_s"]) == (
        "late", 100, 30, 70)
    assert ask(path, answers.lag, DAY_UTC + 99, 99)["state"] == "ok"


def test_nobody_there(path):
    fill(path, [(1, 2, birth())])
    with pytest.raises(NotFoundError, match="demo/hall has sent no row with a time yet"):
        ask(path, answers.last, 0)
    with Archive.open(path) as archive:
        for function in (answers.last, answers.lag):
            with pytest.raises(NotFoundError, match="the store has no gateway demo/none"):
                function(archive, "demo", "none", 0)


def test_which_messages_never_came(path):
    one = batch([row(DAY_UTC)])
    fill(path, [(seq, 1, one) for seq in (1, 2, 5, 8, 12)])
    given_up = msgpack.packb([1, 3, 7])  # 3 to 9, of which 5 and 8 have come after all
    fill(path, [(9, GAP, given_up), (7, GAP, msgpack.packb([1, 6, 2]))])
    told = ask(path, gaps, whole(DAY_UTC, DAY_UTC + 60), DAY_UTC + 60)
    assert [(one["first"], one["last"], one["reason"]) for one in told["messages"]] == [
        (3, 4, "overwritten"), (6, 7, "overwritten"), (9, 9, "overwritten"),
        (10, 11, "missing")]


def test_what_a_hole_in_time_cost(path):
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC, import_wh=100)])),
                (3, 1, batch([row(DAY_UTC + 5_000, import_wh=160), row(DAY_UTC + 5_015)]))])
    told = ask(path, gaps, whole(DAY_UTC - 60, DAY_UTC + 5_100), DAY_UTC + 5_060)
    assert [(one["s"], one["moved"].get("import_wh")) for one in told["uncovered"]] == [
        (60, None), (4_985, 60), (30, None)]
    assert told["uncovered_s"] == 5_075  # and the rest is still to come
    page = ask(path, answers.page, whole(DAY_UTC, DAY_UTC + 5_400, "15min"), 99).found
    assert [(one["time"][11:16], one["covered_s"]) for one in page] == [
        ("00:00", 15), ("00:15", 0), ("01:15", 30)]


def test_a_message_that_nobody_can_read_is_counted(path):
    fill(path, [(1, 2, birth()), (2, 1, b"nonsense"), (3, 1, batch([row(DAY_UTC)])),
                (4, 1, batch([[1], [2]]))])
    told = ask(path, gaps, whole(DAY_UTC, DAY_UTC + 15), DAY_UTC + 15)
    assert (told["unreadable"], told["uncovered"]) == (2, [])


def test_another_store_in_its_place_is_seen(path):
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC, grid_w=1)]))])
    asked = whole(DAY_UTC, DAY_UTC + 900, "15min")
    assert ask(path, answers.page, asked, 9).found[0]["grid_w.max"] == 1
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC, grid_w=2)]))],
         received_utc=DAY_UTC + 1)
    assert ask(path, answers.page, asked, 9).found[0]["grid_w.max"] == 2


@pytest.mark.parametrize("below", [3, 20, 40, 41, 60])
def test_what_the_store_has_dropped_is_in_no_answer(path, below):
    """Also where the index knew it, and no hole is looked for in vain ever after."""
    for seq in range(1, 60):
        body = (2, birth(900)) if seq == 1 else (1, batch([row(DAY_UTC + 900 * seq)]))
        fill(path, [(seq, *body)], received_utc=seq)
    asked = whole(DAY_UTC, DAY_UTC + DAY_S, "1h")
    before = ask(path, answers.page, asked, 99)
    with Store(path) as store:
        while store.drop(below):  # received before that second
            pass
    with Archive.open(path) as grown, Archive.open(path, ":memory:") as other:
        told = []
        for archive in (grown, other):
            for _ in range(2):
                archive.refresh(*NAMES)
            told.append(answers.page(archive, *NAMES, asked, 99))
            assert archive.index.holes(1) == []
        assert told[0] == told[1] != before
        assert sum(one["rows"] for one in told[0].found) == 60 - below
        assert gaps(grown, *NAMES, asked, asked.end)["messages"] == []


def test_a_clock_that_leaps_costs_nothing(path):
    rows = [row(DAY_UTC - 9_000 * DAY_S), row(DAY_UTC), row(DAY_UTC + 15)]
    fill(path, [(1, 2, birth()), (2, 1, batch(rows))])
    page = ask(path, answers.page, whole(DAY_UTC - 9_400 * DAY_S, DAY_UTC + 900, "1d"), 99).found
    assert [one["rows"] for one in page] == [0, 1, 0, 2]


@pytest.mark.parametrize(("zone", "day", "hours"), [
    ("Europe/Berlin", "2026-03-29", 23), ("Europe/Berlin", "2026-10-25", 25),
    ("Asia/Shanghai", "2026-03-29", 24), ("Asia/Kathmandu", "2026-03-29", 24),
    ("Africa/Cairo", "2026-04-24", 23), ("Australia/Lord_Howe", "2026-04-05", 24.5)])
def test_a_day_is_as_long_as_it_is(path, zone, day, hours):
    first = spans.utc_of("start", day, ZoneInfo(zone))
    end = first + round(hours * 3_600)
    fill(path, [(1, 2, birth(900)), (2, 1, batch(
        [row(at, import_wh=(at - first) // 900) for at in range(first - 900, end + 901, 900)]))])
    asked = spans.span(day, spans.text(end), "1d", zone, 0)
    (one,) = ask(path, answers.page, asked, 99).found
    assert one["time"].startswith(day)
    assert (one["covered_s"], one["rows"]) == (end - first, hours * 4)
    assert one["import_wh.moved"] == hours * 4


def test_a_range_grows_to_whole_intervals():
    asked = spans.span("2026-03-01T06:10:01Z", "2026-03-01T07:00:01Z", "1h", "Asia/Kolkata", 0)
    assert (spans.text(asked.start), spans.text(asked.end)) == (
        "2026-03-01T05:30:00Z", "2026-03-01T07:30:00Z")
    with pytest.raises(QueryError, match="start: found 2026"):
        spans.span("2026-03-02", "2026-03-01", "raw", "UTC", 0)


@pytest.mark.parametrize("content", [b"", b"not a database, though long enough to be looked at"])
def test_what_is_no_store_is_told(path, content):
    path.write_bytes(content)
    with pytest.raises(TroubleError, match=r"park\.db: "):
        Archive.open(path)


def run(path, *args):
    return subprocess.run([sys.executable, "-m", "cloud_bridge", "query", *map(str, args),
                           "--store", str(path)], cwd=ROOT, capture_output=True, text=True,
                          check=False)


def test_as_files(path, tmp_path):
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC + 15 * i, grid_w=i, import_wh=i)
                                               for i in range(240)]))])
    for name in ("x.csv", "x.parquet"):
        told = run(path, "range", "demo/hall", "--start", "2026-01-04", "--end", "2026-01-05",
                   "--fields", "grid_w,lo_by,import_wh", "--out", tmp_path / name)
        assert (told.returncode, told.stdout) == (0, f"{tmp_path / name}: 5 lines\n"), told.stderr
    with (tmp_path / "x.csv").open() as file:
        head, *lines = csv.reader(file)
    assert head == ["time", "covered_s", "energies_s", "rows", "grid_w.mean", "grid_w.min",
                    "grid_w.max", "lo_by.last", "import_wh.moved", "import_wh.last"]
    found = duckdb.sql(f"SELECT * FROM '{tmp_path / 'x.parquet'}'")
    assert found.columns == head
    assert [["" if one is None else str(one) for one in line] for line in found.fetchall()] == lines
    told = run(path, "range", "demo/hall", "--out", tmp_path / "x.xls")
    assert (told.returncode, told.stdout) == (1, "")
    assert "expected a name that ends in .csv or .parquet" in told.stderr


def test_commands_say_by_their_status_that_something_is_missing(path):
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC), row(DAY_UTC + 15)]))])
    told = run(path, "gaps", "demo/hall", "--start", "2026-01-04T00:00:00Z", "--end",
               "2026-01-04T00:00:30Z")
    assert (told.returncode, told.stdout) == (
        0, "0 holes in the numbers, 0 s without a row, 0 messages that nobody can read\n")
    told = run(path, "gaps", "demo/hall", "--start", "2026-01-04", "--end", "2026-01-05", "--json")
    assert told.returncode == 1
    assert json.loads(told.stdout)["uncovered_s"] == DAY_S - 30
    told = run(path, "lag")
    assert told.returncode == 1
    assert told.stdout.split()[:4] == ["demo/hall", "late", "row", "2026-01-04T00:00:15Z"]
    assert run(path, "range", "demo/hall", "--fields", "nothing").stderr.startswith(
        "Error: --fields: found 'nothing', expected some of time, covered_s, energies_s, rows, f")


def test_another_store_is_seen_by_all_who_share_its_index(path):
    """What one has decoded of the old store is in no answer when another has read in the new."""
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC, grid_w=1)]))])
    asked = whole(DAY_UTC, DAY_UTC + 900)
    with Archive.open(path) as one:
        one.refresh(*NAMES)
        assert answers.page(one, *NAMES, asked, 9).found[0]["grid_w"] == 1
        with Store(path) as store:
            store._db.execute("DELETE FROM messages")
            store._db.execute("DELETE FROM cursors")
        fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC, grid_w=2)]))],
             received_utc=DAY_UTC + 1)
        with Archive.open(path) as other:
            other.refresh(*NAMES)
        one.refresh(*NAMES)
        assert answers.page(one, *NAMES, asked, 9).found[0]["grid_w"] == 2
