"""Any bytes on any topic, to the store: put aside with a reason, or stored under the topic's own
names alone; acknowledged is what is stored, and nothing else."""

import tempfile
from pathlib import Path

from cloud_bridge.intake import _TOPIC
from cloud_bridge.store import Store
from edge.sync import VERSION
from tests.fuzz.message import SEEDS as MESSAGES

_OWN = "parkedge/demo/gw07/b"
_TOPICS = ("parkedge/demo/gw07/b", "parkedge/demo/gw07/ack", "parkedge/demo/gw07/b\n",
           "parkedge/../gw07/b", "parkedge/DEMO/gw07/b", "parkedge/demo/gw07/b/",
           "parkedge/+/gw07/b", "parkedge/demo/#", "parkedge/d\0/gw07/b", "(not UTF-8)",
           "parkedge/" + "d" * 33 + "/gw07/b", "x" * 65_535, "")
SEEDS = [bytes([at]) + message for message in MESSAGES for at in (0, 1, 255)]
SEEDS += [b"\xfe" + topic.encode() + b"\n" + MESSAGES[0] for topic in _TOPICS[:-2]]
_TABLES = ("messages", "cursors", "gaps")
_folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
_store = Store(Path(_folder.name) / "park.db")
_n = 0


def one(data: bytes) -> None:
    """The first byte says on which topic; 254: it stands before the line's end."""
    global _n
    if not data:
        return
    topic, payload = _TOPICS[data[0] % len(_TOPICS)], data[1:]
    if data[0] == 254:
        told, _, payload = payload.partition(b"\n")
        topic = told.decode("utf-8", "surrogateescape")
    before = _count()
    receipt = _store.commit([(topic, payload)], 1_780_000_000)
    tally = receipt.tally
    assert sum(tally[what] for what in ("stored", "doubled", "gaps", "resumed", "quarantined")) == 1
    if tally["quarantined"]:
        assert not list(receipt.answers()), "an acknowledgement of what was not stored"
        assert _count() == before
        assert sum(receipt.refused.values()) == 1
    else:
        who = _TOPIC.fullmatch(topic)
        assert who
        for stream, (version, epoch, cursor, *ranges) in receipt.answers():
            assert (stream.park, stream.gateway) == who.groups()
            assert (version, epoch) == (VERSION, stream.epoch)
            assert ranges == sorted(ranges)
            assert all(number > cursor for number in ranges)
            assert len(ranges) <= 8
    _n += 1
    if _n % 500 == 0:
        for table in (*_TABLES, "quarantine"):
            _store._db.execute(f"DELETE FROM {table}")


def _count() -> list[int]:
    return [_store._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _TABLES]
