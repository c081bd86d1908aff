"""Both databases give the same answers to everything."""

import msgpack
import pytest

from cloud_bridge.databases import opener
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.messages import TroubleError
from edge.energies import ENERGY
from edge.outbox import GAP
from tests.queries.stores import DAY_UTC, batch, birth, energy, message, row
from tests.queries.test_exact import everything


def test_the_same_answers_as_of_sqlite(postgres_url, tmp_path):
    rows = [[row(DAY_UTC + 900 * i + 15 * j, grid_w=j, import_wh=60 * i + j) for j in range(60)]
            for i in range(12)]
    sent = [(1, 2, birth()), *((2 + i, 1, batch(some)) for i, some in enumerate(rows)),
            (20, 3, b"a leaf"), (21, 1, b"nonsense"), (23, 2, birth(60)),
            (18, GAP, msgpack.packb([1, 14, 5])), (5, 1, batch([row(DAY_UTC + 9_000)]), 4),
            (1, 2, birth(), 10), (2, ENERGY, batch([energy(DAY_UTC + 900 * i, 90 * i)
                                                    for i in range(9, 17)]), 10)]
    told = []
    for where, index in ((str(tmp_path / "park.db"), "a"), (postgres_url, "b")):
        with opener(where)() as store:
            for part in (sent[1::2], sent[::2]):
                store.commit([("parkedge/demo/hall/b", message(*one)) for one in part], DAY_UTC)
                with Archive.open(where, tmp_path / index) as archive:
                    last = everything(archive)
                    assert archive.messages.names() == [("demo", "hall")]
        told.append(last)
    assert told[0] == told[1]
    assert [one["energies_s"] for one in told[0]["15min", "UTC"]][12:] == [900, 900, 900, 900]
    assert len(told[0]["gaps"]["messages"]) == 4


def test_a_server_that_is_away_is_told(tmp_path):
    with pytest.raises(TroubleError, match="PostgreSQL: "):
        Archive.open(f"postgresql:///x?host={tmp_path}", tmp_path / "i")
    with pytest.raises(TroubleError, match="--index: expected a file"):
        Archive.open("postgresql:///x")
