"""The bridge's store: what is kept, what is put aside, and what may be forgotten elsewhere."""

import sqlite3
import tempfile
from array import array
from pathlib import Path

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.store import DAY_0_UTC, Store, StoreError, Stream
from edge.outbox import GAP
from edge.sync import RESUME
from edge.wire.batch import BatchEncoder

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "parkedge/demo/gw07/b"
STREAM = Stream("demo", "gw07", 9)
FIELDS = ["day", "second", "grid_w"]


def message(seq, kind=1, body=None, epoch=9):
    """A payload as a gateway sends it."""
    body = b"body %d" % seq if body is None else body
    return msgpack.packb([1, kind, epoch, seq, body])


def gap(first, last):
    return message(last, GAP, msgpack.packb([1, first, last - first + 1]))


def batch(rows):
    """The body of a telemetry message."""
    encoder = BatchEncoder(len(rows[0]), 1_000)
    for row in rows:
        assert encoder.add(array("i", row))
    return bytes(encoder.buffer[:encoder.finish()])


def commit(store, *payloads):
    """Store messages of one gateway; the number it may forget up to, and the outcome."""
    receipt = store.commit([(TOPIC, payload) for payload in payloads], 1_000)
    return receipt.acks.get(STREAM), dict(receipt.tally)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "park.db"


def numbers(path, table="messages", column="seq"):
    """What a store holds, looked at from outside."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return [value for (value,) in db.execute(f"SELECT {column} FROM {table} ORDER BY 1")]
    finally:
        db.close()


def test_acknowledged_up_to_the_first_hole(path):
    with Store(path) as store:
        assert commit(store, message(2), message(3)) == (None, {"stored": 2})
        assert commit(store, message(1), message(5)) == (3, {"stored": 2})
        assert commit(store, message(2), message(4)) == (5, {"stored": 1, "doubled": 1})
    with Store(path) as store:
        assert commit(store, message(1)) == (5, {"doubled": 1})
    assert numbers(path) == [1, 2, 3, 4, 5]


def test_streams_do_not_mix(path):
    arrivals = [("parkedge/demo/gw07/b", message(1)), ("parkedge/demo/gw08/b", message(1)),
                ("parkedge/park/gw07/b", message(2)), ("parkedge/demo/gw07/b", message(1, epoch=8))]
    with Store(path) as store:
        receipt = store.commit(arrivals, 1_000)
    assert receipt.acks == {("demo", "gw07", 9): 1, ("demo", "gw08", 9): 1, ("demo", "gw07", 8): 1}
    assert receipt.tally == {"stored": 4}


def test_gap_is_recorded_and_passed_over(path):
    with Store(path) as store:
        assert commit(store, message(1), message(30)) == (1, {"stored": 2})
        assert commit(store, gap(2, 29)) == (30, {"gaps": 1})
        assert commit(store, gap(40, 49)) == (30, {"gaps": 1})
        assert commit(store, gap(2, 29), *map(message, range(31, 40))) == (49, {"gaps": 1,
                                                                                "stored": 9})
    assert numbers(path, "gaps", "first") == [2, 40]
    assert set(numbers(path, "gaps", "reason")) == {"overwritten"}


def test_new_store_begins_where_the_gateway_is(path):
    with Store(path) as store:
        assert commit(store, message(5_001), message(5_002)) == (None, {"stored": 2})
        assert commit(store, message(5_001, RESUME, b"")) == (5_002, {"resumed": 1})
        assert commit(store, message(5_002, RESUME, b"")) == (5_002, {"resumed": 1})
    assert numbers(path, "gaps", "last") == [5_000]
    assert numbers(path, "gaps", "reason") == ["elsewhere"]


@given(st.lists(st.integers(1, 12), max_size=40), st.data())
@settings(max_examples=20)
def test_acknowledgement_is_the_unbroken_beginning_in_any_order(arrived, draw):
    stored = set()
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "park.db") as store:
        while arrived:
            n = draw.draw(st.integers(1, len(arrived)))
            now, arrived = arrived[:n], arrived[n:]
            ack, tally = commit(store, *map(message, now))
            new = set(now) - stored
            stored |= new
            assert tally.get("stored", 0) == len(new)
            assert tally.get("doubled", 0) == len(now) - len(new)
            prefix = next(n for n in range(14) if n + 1 not in stored)
            assert (ack or 0) == prefix


@pytest.mark.parametrize(("topic", "payload", "reason"), [
    (TOPIC, b"", "too short"),
    (TOPIC, b"hello", "message"),
    (TOPIC, message(1) + b"x", "something follows"),
    (TOPIC, message(0), "sequence number 0"),
    (TOPIC, message(1, 101), "kind 101"),
    (TOPIC, message(1, GAP, b"x"), "gap"),
    (TOPIC, message(7, GAP, msgpack.packb([1, 2, 3])), "gap to 4 in message 7"),
    ("parkedge/Demo/gw07/b", message(1), "topic"),
    ("parkedge/demo/gw07/b/c", message(1), "topic"),
    ("(not UTF-8)", message(1), "topic")])
def test_malformed_is_put_aside_and_never_acknowledged(path, topic, payload, reason):
    with Store(path) as store:
        receipt = store.commit([(TOPIC, message(1)), (topic, payload), (TOPIC, message(2))], 77)
        assert receipt.acks == {STREAM: 2}
        assert receipt.tally == {"stored": 2, "quarantined": 1}
    (found,) = numbers(path, "quarantine", "reason")
    assert reason in found
    assert numbers(path, "quarantine", "body") == [payload]
    assert numbers(path, "quarantine", "topic") == [topic]


@given(st.lists(st.binary(max_size=60), max_size=20))
@settings(max_examples=20)
def test_any_bytes_are_stored_or_put_aside(payloads):
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "park.db") as store:
        receipt = store.commit([(TOPIC, payload) for payload in payloads], 1_000)
    assert sum(receipt.tally.values()) == len(payloads)


def test_quarantine_is_bounded(path):
    with Store(path) as store:
        for _ in range(3):
            commit(store, *[b"x" * 10_000] * 4_000)
    assert len(numbers(path, "quarantine", "id")) == 10_000
    assert max(numbers(path, "quarantine", "length(body)")) == 8_192


def test_a_number_used_twice_is_noticed(path):
    """Two gateways of one name, or a copied storage: the first one's message stays."""
    with Store(path) as store:
        commit(store, message(1))
        assert commit(store, message(1, body=b"other")) == (None, {"quarantined": 1})
    assert numbers(path, column="body") == [b"body 1"]
    assert "used twice" in numbers(path, "quarantine", "reason")[0]


def test_failed_commit_stores_nothing(path):
    with Store(path, patience_s=0.01) as store:
        commit(store, message(1))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            commit(store, message(2))
        other.execute("ROLLBACK")
        other.close()
        store._db.execute("PRAGMA max_page_count = 1")  # as full as a disk can be
        with pytest.raises(sqlite3.OperationalError, match="full"):
            commit(store, *(message(n, body=bytes(60_000)) for n in range(2, 9)))
        assert numbers(path) == [1]
        store._db.execute("PRAGMA max_page_count = 100000")
        assert commit(store, message(2)) == (2, {"stored": 1})


def test_durable_settings(path):
    """What is acknowledged must survive a power cut: these two settings are the promise."""
    with Store(path) as store:
        assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_only_our_own_files_are_opened(tmp_path):
    text, other, newer = tmp_path / "text", tmp_path / "other.db", tmp_path / "newer.db"
    text.write_text("not a database, but long enough to be looked at " * 20)
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE somebody(elses)")
    db.close()
    Store(newer).close()
    db = sqlite3.connect(newer)
    db.execute("PRAGMA user_version = 99")
    db.close()
    for file in (text, other, newer):
        before = file.read_bytes()
        with pytest.raises(StoreError, match=file.name):
            Store(file)
        assert file.read_bytes() == before
    with pytest.raises(StoreError, match="no such store"):
        Store(tmp_path / "missing.db", create=False)
    assert not (tmp_path / "missing.db").exists()


def birth(fields):
    return msgpack.packb({"v": "0.1.0", "fields": fields, "rules": [], "site": "ab", "beat_s": 1})


def test_rows_of_a_time_with_the_names_of_their_birth(path):
    first = [[9_000, 86_390 + i, i] for i in range(10)]
    second = [[9_001, i, 10 + i] for i in range(10)]
    third = [[9_001, 10 + i, 20 + i, 7] for i in range(10)]
    midnight = DAY_0_UTC + 9_001 * 86_400
    with Store(path) as store:
        commit(store, message(1, 2, birth(FIELDS)), message(2, body=batch(first)))
        assert [row.values[2] for row in store.rows("demo", "gw07", 0, 1 << 40)] == list(range(10))
        commit(store, message(3, body=batch(second)), message(4, 2, birth([*FIELDS, "soc_pm"])),
               message(5, body=batch(third)))
        rows = list(store.rows("demo", "gw07", midnight - 2, midnight + 12))
        assert [row.utc for row in rows] == list(range(midnight - 2, midnight + 12))
        assert [row.values[2] for row in rows] == [8, 9, *range(10, 22)]
        assert rows[0].fields == rows[11].fields == tuple(FIELDS)
        assert rows[12].fields == (*FIELDS, "soc_pm")
        (last,) = store.rows("demo", "gw07", midnight - 1, midnight)
        assert last.values[2] == 9
        assert list(store.rows("demo", "gw08", 0, 1 << 40)) == []
        assert list(store.rows("demo", "gw07", 0, midnight - 10)) == []


def test_rows_without_a_birth_have_numbered_names(path):
    with Store(path) as store:
        commit(store, message(1, body=batch([[0, 5, 6, 7]])), message(2, 2, b"no birth"),
               message(3, body=batch([[0, 6, 6, 7]])))
        rows = list(store.rows("demo", "gw07", 0, 1 << 40))
    assert [row.fields for row in rows] == [("day", "second", "field_2", "field_3")] * 2


def test_undecodable_batch_is_put_aside_once(path):
    """It was acknowledged unread; it stays stored, and the rows around it can be read."""
    with Store(path) as store:
        commit(store, message(1), message(2, body=batch([[0, 5, 6]])),
               message(3, body=batch([[1]])))
        for _ in range(2):
            assert len(list(store.rows("demo", "gw07", 0, 1 << 40))) == 1
    assert len(numbers(path, "quarantine", "reason")) == 2
    assert numbers(path) == [1, 2, 3]
