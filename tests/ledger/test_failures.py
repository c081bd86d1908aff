"""The ledger when what it stands on fails: nothing is sent before it is stored, control goes on."""

from __future__ import annotations

from array import array
from types import SimpleNamespace

import pytest

from cloud_bridge.batches import LEDGER
from cloud_bridge.evidence import gathered
from edge.blocks import RamBlocks
from edge.evidence.keeper import part
from tests.ledger.kept import SEED
from tests.ledger.test_keeper import park, verdict


def test_storage_that_fails_is_tried_again_and_nothing_is_sent_before():
    one = park()
    one.quarter()
    one.work()
    one.quarter()
    sync = one.devices[0].sync

    def broken():
        raise OSError(5)

    one.devices[0].sync = broken  # type: ignore[method-assign]
    for _ in range(2000):
        if one.keeper.errors:
            break
        one.keeper.step(0)
    assert one.keeper.step(0) == 5000
    assert not any(kind == LEDGER for kind, _ in one.outbox.messages)
    one.devices[0].sync = sync  # type: ignore[method-assign]
    one.work()
    assert verdict(one.outbox.messages).faults == []
    assert sum(kind == LEDGER for kind, _ in one.outbox.messages) == 2


def test_an_internal_error_ends_the_ledger_until_the_next_start_and_is_told(monkeypatch):
    one = park([])
    for _ in range(3):
        one.quarter()
        one.work()
    broken = MemoryError("no room")
    monkeypatch.setattr(one.keeper.book.pool, "step", lambda flows: (_ for _ in ()).throw(broken))
    one.quarter()
    for _ in range(200):
        one.keeper.step(0)
    assert one.keeper.step(0) == 5000
    assert "no room" in one.keeper.broken
    for _ in range(2):
        one.quarter()
        one.keeper.step(0)
    assert "no room" in gathered.sort(one.outbox.messages).faults[-1]
    one.start()
    one.quarter()
    one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    assert [site.values["span"] for site, _ in found.accounts] == [1, 1, 4]


@pytest.mark.parametrize("name", ["secret", "state"])
def test_a_gateway_whose_ledger_cannot_be_kept_goes_on_without(name):
    def broken(*what):
        raise OSError(5, str(what))

    one = park([])
    board = SimpleNamespace(secret=lambda what: SEED, state=lambda what: RamBlocks(4096, 4))
    setattr(board, name, broken)
    image = {"ledger": one.keys, "site": {"park": "demo", "gateway": "mill"}}
    app = SimpleNamespace(board=board, site=one.site, outbox=one.outbox, shown=[])
    assert part(app, image) is None
    assert "OSError" in gathered.sort(one.outbox.messages).faults[-1]
    one.outbox.append = broken  # the outbox as well
    assert part(app, image) is None


def test_an_outbox_that_fails_is_tried_again():
    one = park()
    append, calls = one.outbox.append, array("i", [0])

    def unsure(kind, data, n):
        calls[0] += 1
        if calls[0] % 3:
            raise OSError(28)
        append(kind, data, n)

    one.outbox.append = unsure  # type: ignore[method-assign]
    for _ in range(5):
        one.quarter()
        for _ in range(3000):
            if one.keeper.step(0) == 1000:
                break
    found = verdict(one.outbox.messages)
    assert found.faults == []
    assert len(found.accounts) == 4
