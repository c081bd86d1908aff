"""The store that the bench asks is a sound one, and every figure that is promised is measured."""

import pytest

from cloud_bridge.queries import answers, spans
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.gaps import gaps
from cloud_bridge.store import DAY_0_UTC
from hil import bench_query

NAME = ("park", "hall")


def test_two_days_without_a_hole(tmp_path):
    path = tmp_path / "park.db"
    bench_query._fill(path, ["hall"], 2)
    start = DAY_0_UTC + bench_query._FIRST * 86_400
    now = start + 2 * 86_400
    asked = spans.span(spans.text(start), spans.text(now), "1d", "UTC", now)
    with Archive.open(path) as archive:
        archive.refresh(*NAME)
        told = gaps(archive, *NAME, asked, now)
        first, _ = answers.page(archive, *NAME, asked, 9).found
    assert (told["messages"], told["uncovered"], told["unreadable"]) == ([], [], 0)
    assert (first["covered_s"], first["rows"]) == (86_400, 5_760)
    assert first["import_wh.moved"] == pytest.approx(24 * first["grid_w.mean"], rel=0.01)


def test_every_figure_is_there():
    told = bench_query.measure(1, 2)
    assert told.keys() == {
        "query.year.store_bytes", "query.year.index_bytes", "query.year.last_first_ms",
        "query.year.read_in_s", "query.year.refresh_ms", "query.year.csv_s",
        "query.fleet.gateways_ms", "query.fleet.lag_ms", "query.fleet.last_ms",
        "query.fleet.read_in_s", *(f"query.year.{span}_{which}_ms"
                                   for span in ("days", "day", "hour")
                                   for which in ("first", "again"))}
    assert min(told.values()) >= 0
    assert told["query.year.store_bytes"] > 10_000
