"""Older stores become newer ones, whole or not at all; newer and foreign ones are left alone."""

import sqlite3
from contextlib import closing

import psycopg
import pytest

from cloud_bridge import migrations
from cloud_bridge.databases import opener
from cloud_bridge.intake import StoreError, Stream
from cloud_bridge.store import Store
from tests.sync.test_mqtt_store import STREAM, TOPIC, message, numbers

OLD = """
CREATE TABLE messages(
    park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER, kind INTEGER, received_utc INTEGER,
    body BLOB, PRIMARY KEY(park, gateway, epoch, seq)) WITHOUT ROWID;
CREATE TABLE cursors(
    park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER,
    PRIMARY KEY(park, gateway, epoch)) WITHOUT ROWID;
CREATE TABLE gaps(
    park TEXT, gateway TEXT, epoch INTEGER, first INTEGER, last INTEGER, reason TEXT,
    received_utc INTEGER, PRIMARY KEY(park, gateway, epoch, first, last)) WITHOUT ROWID;
CREATE TABLE quarantine(
    id INTEGER PRIMARY KEY, received_utc INTEGER, topic TEXT, reason TEXT, body BLOB);
CREATE TABLE spans(
    park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER, first_utc INTEGER, last_utc INTEGER,
    PRIMARY KEY(park, gateway, epoch, seq)) WITHOUT ROWID;
CREATE INDEX spans_by_time ON spans(park, gateway, first_utc);
CREATE TABLE undated(
    park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER,
    PRIMARY KEY(park, gateway, epoch, seq)) WITHOUT ROWID;
CREATE INDEX births ON messages(park, gateway, epoch, seq) WHERE kind = 2;
CREATE TRIGGER date_later AFTER INSERT ON messages WHEN NEW.kind = 1 BEGIN
    INSERT INTO undated VALUES(NEW.park, NEW.gateway, NEW.epoch, NEW.seq);
END;
PRAGMA user_version = 1;
"""


def test_a_file_of_the_first_version_goes_on(tmp_path):
    path = tmp_path / "park.db"
    db = sqlite3.connect(path)
    db.executescript(OLD)
    db.executemany("INSERT INTO messages VALUES('demo', 'gw07', ?, ?, 1, 500, ?)",
                   [(9, n, b"body %d" % n) for n in (1, 2, 3, 6, 7, 9)] + [(8, 2, b"body 2")])
    db.execute("INSERT INTO cursors VALUES('demo', 'gw07', 9, 3)")
    db.execute("INSERT INTO gaps VALUES('demo', 'gw07', 9, 8, 8, 'overwritten', 500)")
    db.commit()
    db.close()
    with Store(path) as store:
        receipt = store.commit([(TOPIC, message(1))], 1_000)
        assert list(receipt.answers()) == [(STREAM, [1, 9, 3, 6, 9])]
        receipt = store.commit([(TOPIC, message(1, epoch=8))], 1_000)
        assert list(receipt.answers()) == [(Stream("demo", "gw07", 8), [1, 8, 2])]
        assert store.drop(900) == 4  # 6, 7 and 9 are ahead of the cursor, 1 of the other is new
    shapes = []
    Store(tmp_path / "new.db").close()
    for file in (path, tmp_path / "new.db"):
        db = sqlite3.connect(file)
        shapes.append([" ".join(sql.split()) for (sql,) in db.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")])
        db.close()
    assert shapes[0] == shapes[1]


def test_a_migration_that_is_cut_is_taken_again(tmp_path, monkeypatch):
    path = tmp_path / "park.db"
    db = sqlite3.connect(path)
    db.executescript(OLD)
    db.execute("INSERT INTO messages VALUES('demo', 'gw07', 9, 1, 1, 500, x'00')")
    db.commit()
    db.close()

    def cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cloud_bridge.migrations.Cursor", cut)
        with pytest.raises(KeyboardInterrupt):
            Store(path)
    assert numbers(path, "pragma_user_version", "user_version") == [1]
    with Store(path) as store:
        assert store.commit([(TOPIC, message(2))], 1_000).acks == {STREAM: 2}


def test_a_newer_postgres_is_refused(postgres_url):
    opener(postgres_url)().close()
    with psycopg.connect(postgres_url) as db:
        db.execute("UPDATE parkedge_version SET version = 99")
    with pytest.raises(StoreError, match="newer"):
        opener(postgres_url)()


def test_a_database_of_somebody_else_is_left_alone(postgres_url):
    with psycopg.connect(postgres_url) as db:
        db.execute("CREATE TABLE messages(theirs int)")
    with pytest.raises(StoreError, match="not ours"):
        opener(postgres_url)()
    with pytest.raises(StoreError, match="PostgreSQL: "):
        opener("postgresql://host?what=this")()


def test_a_store_that_another_program_makes_meanwhile_is_one(tmp_path):
    path = tmp_path / "park.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db, \
            closing(sqlite3.connect(path, isolation_level=None)) as other:
        db.execute("PRAGMA journal_mode = WAL")

        def between(statement):
            if "sqlite_master" in statement:
                migrations.migrate(other)

        db.set_trace_callback(between)
        migrations.check(db, str(path))
        db.set_trace_callback(None)
        migrations.check(db, str(path))
