"""The tables of an index, and how its file is made ready."""

import secrets
import sqlite3

from cloud_bridge.queries import energies, media
from cloud_bridge.queries.messages import TroubleError

_VERSION = 3
_SCHEMA = """
CREATE TABLE about(id TEXT);
CREATE TABLE gateways(
    id INTEGER PRIMARY KEY, park TEXT, gateway TEXT, revision INTEGER, UNIQUE(park, gateway));
-- All up to number `upto` is known that is not in holes. `seen` was the last of them, received
-- then: another time means another store.
CREATE TABLE streams(
    id INTEGER PRIMARY KEY AUTOINCREMENT, gateway INTEGER, epoch INTEGER, upto INTEGER,
    seen INTEGER, seen_utc INTEGER, UNIQUE(gateway, epoch));
-- A batch has a row for each stretch of time that it covers, none of them longer than a day (a
-- clock may leap); one with NULL in place of the time where nobody can read it.
CREATE TABLE batches(
    stream INTEGER, seq INTEGER, gateway INTEGER, first_utc INTEGER, last_utc INTEGER);
CREATE INDEX by_number ON batches(stream, seq);
CREATE INDEX by_time ON batches(gateway, last_utc, first_utc, stream, seq);
CREATE TABLE holes(
    stream INTEGER, first INTEGER, last INTEGER, PRIMARY KEY(stream, first)) WITHOUT ROWID;
CREATE TABLE births(stream INTEGER, seq INTEGER, PRIMARY KEY(stream, seq)) WITHOUT ROWID;
CREATE TABLE quarters(
    gateway INTEGER, start_utc INTEGER, sums BLOB, PRIMARY KEY(gateway, start_utc)) WITHOUT ROWID;
""" + energies.SCHEMA + ";" + media.SCHEMA
_TABLES_1 = {"about", "gateways", "streams", "batches", "holes", "births", "quarters"}
_EARLIER = {1: _TABLES_1, 2: {*_TABLES_1, "energies"}}  # by version


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables where there are none, or only those of an earlier release. TroubleError when
    it is another file."""
    db.execute("PRAGMA busy_timeout = 5000")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = OFF")  # what is lost is worked out again
    db.execute("BEGIN IMMEDIATE")
    try:
        _make(db)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _make(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}
    if tables and tables == _EARLIER.get(version):
        for table in tables:
            db.execute(f"DROP TABLE {table}")
        version, tables = 0, set()
    if version != (_VERSION if tables else 0):
        raise TroubleError(f"not an index of this version (version {version} with {len(tables)}"
                           " tables)")
    if not tables:
        for statement in _SCHEMA.split(";\n"):
            db.execute(statement)
        db.execute("INSERT INTO about VALUES(?)", (secrets.token_hex(6),))
        db.execute(f"PRAGMA user_version = {_VERSION}")
