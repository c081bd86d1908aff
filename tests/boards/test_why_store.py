"""Why, from what the cloud stored of a journal."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgpack
import pytest

from boards import why
from boards.image import compile_site
from boards.why_store import is_store
from cloud_bridge.store import Store
from edge import journal
from edge.site import Site
from edge.uplink import birth
from edge.wire.batch import BatchEncoder
from tests.boards.rows import DAY, header, row
from tests.boards.sites import valid


def store(path: Path, *gateways: str) -> Path:
    """A store with a birth and rows at 0, 15 and 30 s of each gateway."""
    born = birth(Site(compile_site(valid())), 15)
    batch = BatchEncoder(len(journal.FIELDS), 4096)
    for second in (0, 15, 30):
        batch.add(row(second=second, grid_w=1000 * second))
    body = bytes(batch.buffer[:batch.finish()])
    with Store(path) as made:
        for gateway in gateways:
            made.commit([(f"parkedge/demo/{gateway}/b", msgpack.packb([1, kind, 1, seq, content]))
                         for seq, kind, content in ((1, 2, born), (2, 1, body))], 0)
    return path


def test_a_row_of_the_store_is_told(tmp_path: Path):
    path = store(tmp_path / "park.db", "foundry")
    assert is_store(path)
    second = why.find(path)
    assert (second.row["day"], second.row["second"]) == (DAY, 30)
    assert second.header.rules == tuple(header().rules)
    assert second.header.site == header().site
    assert why.text(second).startswith("2025-11-22 00:00:30 +0000  demo/foundry")
    assert why.find(path, "00:00:29").row["grid_w"] == 15_000


def test_several_gateways_must_be_named(tmp_path: Path):
    path = store(tmp_path / "park.db", "foundry", "office")
    with pytest.raises(why.JournalError, match="--gateway: demo/foundry demo/office"):
        why.find(path)
    assert why.find(path, None, "demo/office").header.name == "demo/office"


def test_before_the_first_row_there_is_nothing(tmp_path: Path):
    path = store(tmp_path / "park.db", "foundry")
    with pytest.raises(why.JournalError, match="no row of demo/foundry before that time"):
        why.find(path, "2025-11-21T23:59:59")


def test_another_database_is_refused_in_one_line(tmp_path: Path):
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t(x)")
    other.commit()
    other.close()
    with pytest.raises(why.JournalError) as raised:
        why.find(tmp_path / "other.db")
    assert "\n" not in str(raised.value)
