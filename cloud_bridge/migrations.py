"""The shape of the bridge's SQLite file, and how an older one becomes a newer one.

A new file takes all steps that an old one took, so both are alike. Each step is one transaction; a
power cut leaves the file at a version. A file that is newer than this program is refused.
"""

import json
import sqlite3
from collections.abc import Callable

from cloud_bridge.intake import Cursor, StoreError


def check(db: sqlite3.Connection, path: str) -> None:
    """StoreError when the file is not ours, or newer. Nothing is written."""
    db.execute("BEGIN")  # both of one moment: another program may be making the file
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        db.execute("ROLLBACK")
    if (version == 0) != (tables == 0) or version < 0:
        raise StoreError(f"{path}: not a store of parkedge (version {version} with {tables}"
                         " tables)")
    if version > len(_STEPS):
        raise StoreError(f"{path}: a store of version {version}, and this parkedge knows"
                         f" {len(_STEPS)}: made by a newer one")


def migrate(db: sqlite3.Connection) -> None:
    """Take the steps that are missing; another program may be at it too."""
    while db.execute("PRAGMA user_version").fetchone()[0] < len(_STEPS):
        db.execute("BEGIN IMMEDIATE")
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version < len(_STEPS):
                _STEPS[version](db)
                db.execute(f"PRAGMA user_version = {version + 1}")
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")


def _first(db: sqlite3.Connection) -> None:
    for statement in (
        """CREATE TABLE messages(
            park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER, kind INTEGER, received_utc INTEGER,
            body BLOB, PRIMARY KEY(park, gateway, epoch, seq)) WITHOUT ROWID""",
        # Up to seq a stream has no hole, or only holes that will never be filled.
        """CREATE TABLE cursors(
            park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER,
            PRIMARY KEY(park, gateway, epoch)) WITHOUT ROWID""",
        # Messages first to last may never come: overwritten on the gateway, or sent to another
        # store.
        """CREATE TABLE gaps(
            park TEXT, gateway TEXT, epoch INTEGER, first INTEGER, last INTEGER, reason TEXT,
            received_utc INTEGER, PRIMARY KEY(park, gateway, epoch, first, last)) WITHOUT ROWID""",
        """CREATE TABLE quarantine(
            id INTEGER PRIMARY KEY, received_utc INTEGER, topic TEXT, reason TEXT, body BLOB)""",
        # Which time a batch covers: made when rows are first asked for, of what is still undated.
        """CREATE TABLE spans(
            park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER, first_utc INTEGER,
            last_utc INTEGER, PRIMARY KEY(park, gateway, epoch, seq)) WITHOUT ROWID""",
        "CREATE INDEX spans_by_time ON spans(park, gateway, first_utc)",
        """CREATE TABLE undated(
            park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER,
            PRIMARY KEY(park, gateway, epoch, seq)) WITHOUT ROWID""",
        "CREATE INDEX births ON messages(park, gateway, epoch, seq) WHERE kind = 2",
        """CREATE TRIGGER date_later AFTER INSERT ON messages WHEN NEW.kind = 1 BEGIN
            INSERT INTO undated VALUES(NEW.park, NEW.gateway, NEW.epoch, NEW.seq);
        END""",
    ):
        db.execute(statement)


def _ranges_and_copies(db: sqlite3.Connection) -> None:
    """Ranges ahead of a cursor, what was dropped with age, how far those who copy have come."""
    db.execute("ALTER TABLE cursors ADD COLUMN ahead TEXT NOT NULL DEFAULT '[]'")
    db.execute("CREATE INDEX ages ON messages(received_utc) WHERE kind = 1")
    db.execute("""CREATE TABLE dropped(
        park TEXT, gateway TEXT, epoch INTEGER, first INTEGER, last INTEGER, received_utc INTEGER,
        PRIMARY KEY(park, gateway, epoch, first)) WITHOUT ROWID""")
    db.execute("""CREATE TABLE copied(
        name TEXT, park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER, turn INTEGER,
        PRIMARY KEY(name, park, gateway, epoch)) WITHOUT ROWID""")
    # A stream of which nothing but what is ahead has come had no cursor.
    db.execute("INSERT OR IGNORE INTO cursors(park, gateway, epoch, seq)"
               " SELECT DISTINCT park, gateway, epoch, 0 FROM messages")
    for park, gateway, epoch, seq in db.execute(
            "SELECT park, gateway, epoch, seq FROM cursors").fetchall():
        cursor = Cursor(seq)
        for (found,) in db.execute("SELECT seq FROM messages WHERE park = ? AND gateway = ?"
                                   " AND epoch = ? AND seq > ?", (park, gateway, epoch, seq)):
            cursor.cover(found, found)
        for first, last in db.execute("SELECT first, last FROM gaps WHERE park = ?"
                                      " AND gateway = ? AND epoch = ?", (park, gateway, epoch)):
            cursor.cover(first, last)
        db.execute("UPDATE cursors SET seq = ?, ahead = ? WHERE (park, gateway, epoch) = (?, ?, ?)",
                   (cursor.seq, json.dumps(cursor.ahead), park, gateway, epoch))


_STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _ranges_and_copies)
