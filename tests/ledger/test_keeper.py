"""The ledger kept: through power cuts, failing storage and restarts, the same on a gateway."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_bridge import notes
from cloud_bridge.batches import HEAD, KEY, TERMS
from cloud_bridge.evidence import bundle, gathered
from cloud_bridge.evidence.judge import judge
from cloud_bridge.evidence.terms import id_of, make
from edge.blocks import RamBlocks
from edge.ledger.leaf import EXCHANGED, GAP, OPENED
from tests.conftest import ROOT
from tests.ledger.kept import FACTORS, LIMITS, ORIGIN, SEED, TENANTS, Park, keys_of

SCRIPT = ROOT / "tests" / "ledger" / "kept.py"
PUBLIC = notes.Key(ORIGIN, Ed25519PrivateKey.from_private_bytes(SEED).public_key()
                   .public_bytes_raw())


def terms_text(tenants=TENANTS, factors=FACTORS):
    limits = (LIMITS[0], LIMITS[1])
    return make(factors, ["cn_910_fossil", "other"], [bytes(8), bytes(range(8))],
                [limits, None, limits, limits, limits, limits, limits],
                [(name, limits) for name in tenants])


def park(tenants=TENANTS, head_quarters=4):
    text = terms_text(tenants)
    return Park(keys_of(tenants, text, id_of(text).hex(), head_quarters))


def told(messages) -> bundle.Bundle:
    """What an auditor would be given of such messages."""
    found = gathered.sort(messages)
    terms = [bundle.terms.parse(text) for text in found.terms]
    return bundle.Bundle(found.leaves, [(f"{size}.note", note) for size, note in
                                        sorted(found.heads.items())],
                         {one.id: one for one in terms})


def verdict(messages):
    return judge(told(messages), [PUBLIC])


@pytest.mark.parametrize("tenants", [[], TENANTS])
def test_what_a_gateway_sends_is_a_ledger_that_stands(tenants):
    one = park(tenants)
    for _ in range(13):
        one.quarter()
        one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    assert len(found.accounts) == 12  # the first quarter-hour only opens the account
    assert found.leaves == 12 * (1 + bool(tenants))
    assert found.heads == 4  # the first as soon as there is a leaf, then on every full hour
    assert found.signed == found.leaves - found.leaves // 12
    assert [site.values["flags"] & OPENED for site, _ in found.accounts] == [OPENED] + [0] * 11
    kinds = [kind for kind, _ in one.outbox.messages]
    assert kinds[0] == TERMS
    assert kinds.count(KEY) == 1
    told_key = next(body for kind, body in one.outbox.messages if kind == KEY)
    assert notes.Key.read(told_key.decode()) == PUBLIC


def begun(quarters=3):
    """A park whose ledger is under way, with a head for every quarter-hour."""
    one = park(head_quarters=1)
    for _ in range(quarters):
        one.quarter()
        one.work()
    return one


def goes_on(one):
    """Two more quarter-hours; the ledger stands, and no time is missing in it."""
    for _ in range(2):
        one.quarter()
        one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    spans = [site.values["span"] for site, _ in found.accounts]
    assert sum(spans) == found.accounts[-1][0].quarter - found.accounts[0][0].quarter + spans[0]
    assert [site.values["flags"] & GAP for site, _ in found.accounts] == [
        GAP * (span > 1) for span in spans]
    return spans


def test_a_power_cut_after_any_slice_loses_no_leaf_and_makes_no_two():
    """A quarter-hour that was being booked when the power went is part of a gap."""
    base = begun()
    whole = base.again()
    whole.quarter()
    slices = whole.work()
    assert slices > 300
    seen = set()
    for cut in range(0, slices, 7):
        one = base.again()
        one.quarter()
        one.work(cut)
        seen.add(max(goes_on(one.again())))
    assert seen == {1, 2}


def test_a_power_cut_within_the_storage_leaves_what_was_or_what_comes(monkeypatch):
    one = begun()
    images: list[tuple[tuple[bytes, ...], int]] = []
    program = RamBlocks.program

    def torn(device, sector, offset, buf, n):
        for cut in range(0, n, 23):
            half = RamBlocks(4096, 4)
            half.memory[:] = device.memory
            program(half, sector, offset, buf, cut)
            images.append((tuple(bytes(half.memory if other is device else other.memory)
                                 for other in one.devices), len(one.outbox.messages)))
        program(device, sector, offset, buf, n)

    one.quarter()
    monkeypatch.setattr(RamBlocks, "program", torn)
    one.work()
    monkeypatch.undo()
    assert len(images) > 15
    for image, sent in images:
        goes_on(one.again(image, one.outbox.messages[:sent]))


def test_other_tenants_open_another_account_in_the_same_chain():
    one = park()
    for _ in range(5):
        one.quarter()
        one.work()
    text = terms_text(TENANTS[:1])
    one.keys = keys_of(TENANTS[:1], text, id_of(text).hex())
    one.start()
    assert "other meters" in one.keeper.broken
    for _ in range(5):
        one.quarter()
        one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    assert any("a new account is opened" in note for note in found.notes)
    assert [one.why for one in found.missing] == ["no account was kept"]


def test_other_factors_go_on_with_the_account():
    one = park()
    for _ in range(5):
        one.quarter()
        one.work()
    rows = [[827_300, 827_300, 827_300, 0, 0], [1, 2, 3, 4, 5]]
    text = terms_text(factors=rows)
    one.keys = {**keys_of(TENANTS, text, id_of(text).hex()), "factors": rows}
    one.start()
    for _ in range(5):
        one.quarter()
        one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    assert len(found.accounts) == 9
    assert len({site.terms_id for site, _ in found.accounts}) == 2


def test_other_limits_of_the_same_meters_go_on_with_the_account():
    one = park()
    for _ in range(4):
        one.quarter()
        one.work()
    text = terms_text().replace(b"4000000", b"3000000")
    one.keys = keys_of(TENANTS, text, id_of(text).hex())
    one.start()
    for _ in range(4):
        one.quarter()
        one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    assert len({site.terms_id for site, _ in found.accounts}) == 2


@pytest.mark.parametrize("late", ["grid", "tenant"])
def test_a_register_that_is_read_for_the_first_time_later_leaps_and_is_no_energy(late):
    """An audit must not take it for a register that was tampered with."""
    one = park()
    read = one.read

    def silent():
        read()
        if late == "grid":
            one.site.grid_meter.import_wh = -1
        else:
            one.site.ledger.lines[TENANTS[0]].wh = -1

    one.read = silent  # type: ignore[method-assign]
    for number in range(6):
        if number == 2:
            one.read = read  # type: ignore[method-assign]
        one.quarter()
        one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    assert [bool(site.values["flags"] & EXCHANGED) for site, _ in found.accounts] == [
        False, late == "grid", False, False, False]


def test_a_gateway_put_back_to_last_week_signs_nothing_and_is_found_out():
    one = park()
    for _ in range(6):
        one.quarter()
        one.work()
    old = bytes(one.devices[0].memory)
    for _ in range(8):
        one.quarter()
        one.work()
    heads = sum(kind == HEAD for kind, _ in one.outbox.messages)
    one.devices[0].memory[:] = old
    one.start()
    for _ in range(3):
        one.quarter()
        one.work()
    assert "expected at least" in one.keeper.broken
    assert sum(kind == HEAD for kind, _ in one.outbox.messages) == heads
    assert any("does not follow" in fault for fault in verdict(one.outbox.messages).faults)


@pytest.mark.parametrize("every", [0, 457])
def test_both_interpreters_keep_the_same_ledger(micropython, every):
    here = subprocess.run([sys.executable, SCRIPT, "6", str(every)], capture_output=True, text=True,
                          check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    there = micropython.run(SCRIPT, 6, every, heap="256k")
    assert there.stdout == here.stdout
    assert here.stdout.count("\n4 ") >= 2
