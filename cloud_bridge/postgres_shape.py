"""The bridge's tables in PostgreSQL: how they are made, how older ones become newer, how days go.

Bodies lie by the day they came, so that age is dropped by the day; no key of such a table could
tell a number that comes twice, so `numbers` has every number once, with a digest of its message.
All begins with park and gateway, so that the tables can be distributed by them (Citus), and
`messages_by_day` has no key that would keep it from being a hypertable (Timescale); neither was
tried here. Each step is one transaction, and one program at a time takes it.
"""

import psycopg

from cloud_bridge.intake import StoreError, Stream
from cloud_bridge.store import runs

DAY_S = 86_400
_LOCK = 0x7061726B  # of all bridges in one database, for what changes its shape
_STREAM = "(park, gateway, epoch) = (%s, %s, %s)"
_KEY = "park text, gateway text, epoch bigint, seq bigint"
_STEPS = (f"""
CREATE TABLE numbers({_KEY}, digest bytea NOT NULL, PRIMARY KEY(park, gateway, epoch, seq));
CREATE TABLE messages({_KEY}, kind smallint NOT NULL, received_utc bigint NOT NULL,
    body bytea NOT NULL, is_kept boolean NOT NULL) PARTITION BY LIST (is_kept);
ALTER TABLE messages ALTER body SET STORAGE EXTERNAL; -- it is packed already
CREATE TABLE messages_kept PARTITION OF messages FOR VALUES IN (true);
CREATE TABLE messages_by_day PARTITION OF messages FOR VALUES IN (false)
    PARTITION BY RANGE (received_utc);
CREATE INDEX messages_key ON messages(park, gateway, epoch, seq);
CREATE TABLE cursors(park text, gateway text, epoch bigint, seq bigint NOT NULL,
    ahead bigint[] NOT NULL, PRIMARY KEY(park, gateway, epoch)) WITH (fillfactor = 50);
CREATE TABLE gaps(park text, gateway text, epoch bigint, first bigint, last bigint,
    reason text NOT NULL, received_utc bigint NOT NULL,
    PRIMARY KEY(park, gateway, epoch, first, last));
CREATE TABLE dropped(park text, gateway text, epoch bigint, first bigint, last bigint NOT NULL,
    received_utc bigint NOT NULL, PRIMARY KEY(park, gateway, epoch, first));
CREATE TABLE quarantine(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_utc bigint NOT NULL, topic text NOT NULL, reason text NOT NULL, body bytea NOT NULL);
CREATE TABLE spans({_KEY}, first_utc bigint, last_utc bigint,
    PRIMARY KEY(park, gateway, epoch, seq));
CREATE INDEX spans_by_time ON spans(park, gateway, first_utc);
CREATE TABLE copied(name text, park text, gateway text, epoch bigint, seq bigint NOT NULL,
    turn bigint NOT NULL, PRIMARY KEY(name, park, gateway, epoch));
""",)


def migrate(db: psycopg.Connection) -> None:
    """Make the tables, or take the steps that are missing. StoreError when they are not ours."""
    row = db.execute("SHOW fsync").fetchone()
    if row != ("on",):
        raise StoreError("PostgreSQL runs with fsync off: nothing it commits is durable")
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if db.execute("SELECT to_regclass('parkedge_version')").fetchone() == (None,):
            if db.execute("SELECT to_regclass('messages')").fetchone() != (None,):
                raise StoreError("this database has a table messages that is not ours")
            db.execute("CREATE TABLE parkedge_version(version int NOT NULL);"
                             " INSERT INTO parkedge_version VALUES(0)")
        (version,) = db.execute("SELECT version FROM parkedge_version").fetchone() or (0,)
        if version > len(_STEPS):
            raise StoreError(f"a store of version {version}, and this parkedge knows"
                             f" {len(_STEPS)}: made by a newer one")
        for step in _STEPS[version:]:
            db.execute(step)
        db.execute("UPDATE parkedge_version SET version = %s", (len(_STEPS),))


def open_day(db: psycopg.Connection, day: int) -> None:
    """A table for the day, before any other lock is held: making one waits for all writers."""
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        db.execute(
            f"CREATE TABLE IF NOT EXISTS messages_{day:d} PARTITION OF messages_by_day"
            f" FOR VALUES FROM ({day * DAY_S:d}) TO ({(day + 1) * DAY_S:d})")


def drop_day(db: psycopg.Connection, day: int) -> int:
    """Drop a day's table, but for what is ahead of its cursor; how many messages."""
    table = f"messages_{day:d}"
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        db.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        db.execute(
            f"INSERT INTO messages_kept SELECT m.park, m.gateway, m.epoch, m.seq, m.kind,"
            f" m.received_utc, m.body, true FROM {table} m JOIN cursors c"
            " USING(park, gateway, epoch) WHERE m.seq > c.seq")
        old = runs((Stream(*row[:3]), row[3]) for row in db.execute(
            f"SELECT park, gateway, epoch, m.seq FROM {table} m JOIN cursors c"
            " USING(park, gateway, epoch) WHERE m.seq <= c.seq"))
        for stream, first, last in old:
            db.execute(
                "INSERT INTO dropped VALUES(%s, %s, %s, %s, %s, %s) ON CONFLICT"
                " (park, gateway, epoch, first) DO UPDATE"
                " SET last = greatest(dropped.last, excluded.last)",
                (*stream, first, last, (day + 1) * DAY_S))
        db.execute(f"DROP TABLE {table}")
    for stream, first, last in old:  # `dropped` speaks for them now
        for numbered in ("spans", "numbers"):
            db.execute(f"DELETE FROM {numbered} WHERE {_STREAM}"
                       " AND seq BETWEEN %s AND %s", (*stream, first, last))
    return sum(last - first + 1 for _, first, last in old)


def days(db: psycopg.Connection) -> list[int]:
    """The days that have a table, since 1970, the oldest first."""
    return sorted(int(name.rpartition("_")[2]) for (name,) in db.execute(
        "SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid"
        " WHERE inhparent = 'messages_by_day'::regclass").fetchall())
