"""The whole ledger: leaves that add up to the day, the same on every interpreter and every run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge.ledger import leaf as flags
from edge.ledger.leaf import AMOUNTS, METERS, tenant_fields
from edge.ledger.registers import READ
from edge.ledger.resume import resume
from tests.conftest import ROOT
from tests.ledger.quarters import FACTORS, FIRST, SITE_NAMES, SUB_METERS, Park, new_book, told

SCRIPT = ROOT / "tests" / "ledger" / "quarters.py"
SOURCES = {"grid": 0, "generator": 1, "direct": 3, "pv": 4}
TENANT_NAMES = tenant_fields(SUB_METERS, 2)


class Day:
    """The leaves of `n` quarter-hours, told by name."""

    def __init__(self, seed: int, n: int):
        self.book = new_book()
        self.park = Park(self.book, seed)
        self.opening = [register.count_wh * count for register, count in
                        zip(self.book.registers, self.park.counts, strict=True)]
        self.book.open(FIRST, self.park.counts)
        self.site, self.tenants, self.chain = [], [], []
        for quarter in range(FIRST + 1, FIRST + 1 + n):
            self.live(quarter)

    def live(self, quarter):
        if self.park.quarter(quarter):
            for leaf, names, found in zip(self.book.leaves, (SITE_NAMES, TENANT_NAMES),
                                          (self.site, self.tenants), strict=True):
                leaf_told, before = told(leaf, names)
                found.append(leaf_told)
                self.chain.append((before, bytes(leaf.buffer[:leaf.n])))


day = st.builds(Day, st.integers(0, 65535), st.integers(1, 24))


@settings(max_examples=40)
@given(day)
def test_every_leaf_balances_to_the_microgram(day):
    inventory = [0, 0]
    for leaf in day.site:
        for view, row in enumerate(FACTORS):
            load, export, loss, after, adjusted = (
                leaf[f"{name}_ug_{view}"] for name in AMOUNTS)
            emitted = sum(row[i] * sum(leaf[f"{name}_{sink}_wh"] for sink in
                                       ("load", "charge", "export"))
                          for name, i in SOURCES.items())
            assert inventory[view] + emitted + adjusted == load + export + loss + after
            inventory[view] = after


@settings(max_examples=40)
@given(day)
def test_every_leaf_balances_in_energy_and_stands_on_its_registers(day):
    store = 0
    opening = dict(zip(METERS, day.opening[:7], strict=True))
    owed = {"charge": 0, "export": 0}
    for leaf in day.site:
        into = sum(leaf[f"{name}_charge_wh"] for name in (*SOURCES, "store"))
        origins = (*SOURCES, "unknown")
        out = leaf["store_charge_wh"] + sum(
            leaf[f"store_{name}_{sink}_wh"] for name in origins for sink in ("load", "export"))
        after = sum(leaf[f"in_store_{name}_wh"] for name in origins)
        assert store + into + leaf["gain_wh"] == out + leaf["loss_wh"] + after
        store = after
        booked = {name if name != "grid" else "import": sum(
            leaf[f"{name}_{sink}_wh"] for sink in ("load", "charge", "export"))
            for name in SOURCES}
        booked["discharge"] = out
        for sink, charged in (("charge", into), ("export", None)):
            given_wh = charged if charged is not None else sum(
                leaf[f"{name}_export_wh"] for name in SOURCES) + sum(
                leaf[f"store_{name}_export_wh"] for name in origins)
            booked[sink] = given_wh + leaf[f"owed_{sink}_wh"] - owed[sink]
            owed[sink] = leaf[f"owed_{sink}_wh"]
        for i, meter in enumerate(METERS):
            register = leaf[f"{meter}_register_wh"]
            turn_wh = day.book.registers[i].count_wh * 100_000_000
            if leaf["unread"] >> i & 1 == 0:
                assert (register - opening[meter]) % turn_wh == booked[meter]
            opening[meter] = register


@settings(max_examples=40)
@given(day)
def test_the_tenants_and_the_common_part_are_the_load(day):
    for site, tenants in zip(day.site, day.tenants, strict=True):
        parts = [f"tenant_{i}" for i in range(SUB_METERS)] + ["common"]
        load_wh = sum(site[f"{name}_load_wh"] for name in (
            *SOURCES, *(f"store_{origin}" for origin in (*SOURCES, "unknown"))))
        assert sum(tenants[f"{part}_wh"] for part in parts) == load_wh
        for view in (0, 1):
            assert (sum(tenants[f"{part}_ug_{view}"] for part in parts)
                    == site[f"load_ug_{view}"])
        if any(tenants[f"tenant_{i}_owed_wh"] for i in range(SUB_METERS)):
            assert site["flags"] & flags.OVERCOUNT


def test_the_made_up_park_meets_everything():
    """Else the properties above would prove less than they say."""
    leaves = Day(1, 300).site
    seen = 0
    for leaf in leaves:
        seen |= leaf["flags"]
    assert seen == (flags.IMBALANCE | flags.OVERCOUNT | flags.GAIN | flags.GAP | flags.EXCHANGED
                    | flags.OPENED)
    assert [leaf["flags"] & flags.OPENED for leaf in leaves] == [flags.OPENED] + [0] * (
        len(leaves) - 1)
    assert {leaf["span"] for leaf in leaves} >= {1, 2, 3}
    assert {leaf["steps"] for leaf in leaves} >= {0, 9, 10, 15}
    assert any(leaf["unread"] for leaf in leaves)
    assert all(any(leaf[name] for leaf in leaves) for name in SITE_NAMES)
    for leaf in leaves:
        assert bool(leaf["flags"] & flags.GAP) == (leaf["span"] > 1 or leaf["steps"] < 10)


@settings(max_examples=15)
@given(st.integers(0, 65535))
def test_the_quarters_of_a_day_sum_up_to_it(seed):
    """No quarter is missing or counted twice, and the leaves are one chain."""
    day = Day(seed, 96)
    day.park.random.below = lambda n: n - 1  # type: ignore[method-assign]  # nothing is lost now
    day.live(FIRST + 97)
    covered = [(leaf["quarter"] - leaf["span"], leaf["quarter"]) for leaf in day.site]
    assert covered[0][0] == FIRST
    assert covered[-1][1] == FIRST + 97
    assert all(one[1] == two[0] for one, two in pairwise(covered))
    before = bytes(32)
    for prev, leaf in day.chain:
        assert prev == before
        before = hashlib.sha256(b"\0" + leaf).digest()
    assert day.book.before == before


@settings(max_examples=15)
@given(st.integers(0, 65535), st.integers(1, 12), st.integers(1, 12))
def test_a_book_resumed_from_its_last_leaves_goes_on_as_if_nothing_had_been(seed, first, then):
    """Where every register was read; else it may believe more or less of the next reading."""
    day = Day(seed, first)
    assume(day.site and not any(register.state != READ or register.ahead_wh
                                for register in day.book.registers))
    book = new_book()
    resume(book, list(day.site[-1].values()), list(day.tenants[-1].values()), day.book.before)
    assert book.quarter == day.book.quarter
    for register, other in zip(book.registers, day.book.registers, strict=True):
        assert register.wh == other.wh
    readings = [(count + 3) % 100_000_000 for count in day.park.counts]
    for one in (book, day.book):
        one.close(FIRST + first + then, readings, 50_000, 2)  # later than any minute noted
        while one.busy:
            one.step()
    assert [bytes(leaf.buffer[:leaf.n]) for leaf in book.leaves] == [
        bytes(leaf.buffer[:leaf.n]) for leaf in day.book.leaves]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_interpreters_write_the_same_bytes(micropython, seed):
    here = subprocess.run([sys.executable, SCRIPT, str(seed), "24"], capture_output=True, text=True,
                          check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    there = micropython.run(SCRIPT, seed, 24, heap="192k")
    assert there.stdout == here.stdout
    assert len(here.stdout.splitlines()) > 30
