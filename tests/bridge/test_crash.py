"""The power fails under the store: `hil bench --only crash` plays it ten thousand times."""

import random

import msgpack
import pytest

from cloud_bridge.evidence import gathered
from hil.bench_crash import cut, play
from hil.crash_disk import CrashStore, Disk, Platter
from tests.audit import made

TOPIC = "parkedge/demo/mill/b"


def test_what_was_acknowledged_survives_every_cut():
    played = play(3)
    found = cut(played, len(played.trace), 3)
    assert (found.lost, found.torn) == (0, 0)
    assert found.after > 50  # the cut fell behind the moment that made it durable
    assert found.before > 50


def test_a_store_that_did_not_sync_would_be_found_out(monkeypatch):
    """The same trial finds the loss when there is one: with the log synced at checkpoints only."""
    connect = CrashStore._prepare

    def careless(store):
        connect(store)
        store._db.execute("PRAGMA synchronous = NORMAL")

    monkeypatch.setattr(CrashStore, "_prepare", careless)
    played = play(3)
    assert cut(played, 400, 3).lost > 0


def _after_a_cut(lies):
    """The books of a gateway that was acknowledged all it sent, in a store whose power failed."""
    sent = made.messages(16)
    payloads = [msgpack.packb([1, kind, 7, seq, body]) for seq, (kind, body) in enumerate(sent, 1)]
    half, most = len(payloads) // 2, len(payloads) * 3 // 4
    disk = Disk()
    store = CrashStore(disk)
    store.commit([(TOPIC, payload) for payload in payloads[:half]], 1_000)
    quiet = len(disk.trace)
    for payload in payloads[half:most]:
        assert store.commit([(TOPIC, payload)], 1_001).acks
    platter = Platter(lies)
    for i, op in enumerate(disk.trace):
        platter.do(op)
        if i == quiet - 1:
            platter.settle()  # even a liar writes in the end
    store.close()
    disk.close()
    found = Disk(platter.cut(random.Random(5), [0]))
    store = CrashStore(found)
    for payload in payloads[most:]:  # the gateway has let go of what was acknowledged
        store.commit([(TOPIC, payload)], 1_002)
    evidence = gathered.gather(store, "demo", "mill")
    holes = store.commit([(TOPIC, msgpack.packb([1, 99, 7, len(payloads) + 1, b""]))], 1_003)
    recorded = [row for row in store.signature() if row[0] == "gaps"]
    assert holes.acks
    store.close()
    found.close()
    return sent, evidence, recorded


@pytest.mark.parametrize("lies", [False, True])
def test_a_disk_that_lies_is_found_out_by_the_books(tmp_path, lies):
    sent, evidence, gaps = _after_a_cut(lies)
    whole = gathered.sort(sent)
    folder = tmp_path / "evidence"
    made.write(folder, sent)
    made.put(folder, evidence.leaves)
    verdict = made.audit(folder)
    if not lies:
        assert evidence.leaves == whole.leaves
        assert verdict.faults == []
        assert gaps == []
        return
    lost = next(i for i, leaf in enumerate(whole.leaves) if leaf not in evidence.leaves)
    assert len(whole.leaves) > len(evidence.leaves)
    assert lost > 0
    assert verdict.faults[0].startswith(f"leaf {lost} "), verdict.faults[:3]
    assert gaps  # the store itself also tells which numbers it does not have
