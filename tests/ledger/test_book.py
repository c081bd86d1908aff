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

from edge.ledger import book as flags
from edge.ledger.book import Book
from edge.ledger.leaf import AMOUNTS, METERS, fields, tenant_fields, unpack
from edge.ledger.registers import READ, MeterRegister
from edge.ledger.resume import resume
from tests.conftest import ROOT
from tests.ledger.quarters import FACTORS, FIRST, SUB_METERS, Park, new_book

SCRIPT = ROOT / "tests" / "ledger" / "quarters.py"
SOURCES = {"grid": 0, "generator": 1, "direct": 3, "pv": 4}
SITE_NAMES = fields(0b1111111, 2)
TENANT_NAMES = tenant_fields(SUB_METERS, 2)


def told(leaf, names=SITE_NAMES):
    """A leaf by name, from its bytes, and the hash of the one before."""
    _, found, _, before = unpack(bytes(leaf.buffer[:leaf.n]))
    assert len(found) == len(names)
    return dict(zip(names, found, strict=True)), before


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


@settings(max_examples=60)
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


@settings(max_examples=60)
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


@settings(max_examples=60)
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
    assert seen == (flags.IMBALANCE | flags.OVERCOUNT | flags.GAIN | flags.GAP | flags.EXCHANGED)
    assert {leaf["span"] for leaf in leaves} >= {1, 2, 3}
    assert {leaf["steps"] for leaf in leaves} >= {0, 9, 10, 15}
    assert any(leaf["unread"] for leaf in leaves)
    assert all(any(leaf[name] for leaf in leaves) for name in SITE_NAMES)


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
        one.close(one.quarter + then, readings, 50_000, 2)
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


def plain(energies_w=(600_000, 0, 0, 0, 0, 0, 0), quarter=FIRST + 1, minutes=range(15), **keys):
    """A book of a site with every meter, and one quarter-hour of even powers in it."""
    meters = [MeterRegister(1, 1 << 32, 10**7) for _ in METERS]
    book = Book(meters, keys.get("sub_meters", ()), FACTORS, 0)
    book.open(FIRST, [0] * 10)
    for minute in minutes:
        book.minutes.begin(quarter, minute)
        for i, w in enumerate(energies_w):
            book.minutes.put(i, w)
    return book


def worked(book, readings, quarter=FIRST + 1, store_wh=0):
    assert book.close(quarter, readings, store_wh, flags.TIME_SYNCED)
    assert not book.close(quarter + 1, readings, store_wh, flags.TIME_SYNCED), "busy"
    while book.busy:
        book.step()
    return told(book.leaves[0])[0]


def test_the_register_is_the_master_of_the_powers():
    leaf = worked(plain(), [150_111, 0, 0, 0, 0, 0, 0])
    assert leaf["grid_load_wh"] == 150_111
    assert leaf["load_ug_0"] == 150_111 * 832_500
    assert (leaf["steps"], leaf["flags"], leaf["time"], leaf["unread"]) == (15, 0, 2, 0)


def test_powers_stand_in_for_a_register_that_is_not_read():
    leaf = worked(plain(), [-1, 0, 0, 0, 0, 0, 0])
    assert leaf["grid_load_wh"] == leaf["import_register_wh"] == 150_000
    assert leaf["unread"] == 1


def test_energy_that_no_power_saw_is_spread_over_the_minutes():
    leaf = worked(plain((0,) * 7), [15, 0, 0, 0, 0, 0, 0])
    assert leaf["grid_load_wh"] == 15


def test_ten_minutes_make_a_quarter_and_nine_a_gap():
    """600 kW of grid and PV alternate with export of all PV: measured, PV is what is exported in
    its minutes; poured, the load gets the whole grid."""
    few = worked(plain(minutes=range(9)), [90_000, 0, 0, 0, 90_000, 0, 90_000])
    assert (few["steps"], few["flags"]) == (9, flags.GAP)
    assert (few["grid_load_wh"], few["pv_export_wh"]) == (90_000, 90_000)
    enough = worked(plain((600_000, 0, 0, 0, 600_000, 0, 600_000), minutes=range(10)),
                    [90_000, 0, 0, 0, 90_000, 0, 90_000])
    assert (enough["steps"], enough["flags"]) == (10, 0)
    assert enough["grid_load_wh"] == 45_000


def test_quarters_without_readings_become_one_gap_and_the_store_is_kept():
    book = plain((600_000, 0, 0, 0, 0, 600_000, 0))
    before = worked(book, [150_000, 0, 0, 0, 0, 150_000, 0], store_wh=150_000)
    assert before["in_store_grid_wh"] == 150_000
    leaf = worked(book, [1_150_000, 0, 100_000, 0, 500_000, 150_000, 300_000],
                  quarter=FIRST + 9, store_wh=40_000)
    assert (leaf["span"], leaf["steps"], leaf["flags"]) == (8, 0, flags.GAP)
    assert leaf["grid_load_wh"] == 1_000_000
    assert leaf["store_grid_load_wh"] == 100_000
    assert (leaf["pv_load_wh"], leaf["pv_export_wh"]) == (200_000, 300_000)
    assert leaf["load_ug_0"] == 1_100_000 * 832_500
    assert (leaf["loss_wh"], leaf["in_store_grid_wh"]) == (10_000, 40_000)


def test_export_beyond_all_sources_is_owed_and_told():
    book = plain((0, 0, 0, 0, 600_000, 0, 700_000))
    leaf = worked(book, [0, 0, 0, 0, 150_000, 0, 175_000])
    assert leaf["flags"] == flags.IMBALANCE
    assert (leaf["pv_export_wh"], leaf["owed_export_wh"]) == (150_000, 25_000)
    leaf = worked(book, [0, 0, 0, 0, 200_000, 0, 175_000], quarter=FIRST + 2)
    assert (leaf["pv_export_wh"], leaf["pv_load_wh"], leaf["owed_export_wh"]) == (25_000, 25_000, 0)


def test_sub_meters_beyond_the_load_are_cut_and_told():
    subs = [MeterRegister(1000, 1 << 32, 10**7) for _ in range(2)]
    book = plain((600_000,) + (0,) * 6 + (400_000, 400_000), sub_meters=subs)
    leaf = worked(book, [150_000, 0, 0, 0, 0, 0, 0, 100, 200])
    tenants, _ = told(book.leaves[1], tenant_fields(2, 2))
    assert leaf["flags"] == flags.OVERCOUNT
    assert tenants["tenant_0_wh"] + tenants["tenant_1_wh"] == 150_000
    assert abs(tenants["tenant_0_wh"] - 50_000) <= 15  # a Wh a minute
    assert tenants["common_wh"] == 0
    for i, counted_wh in enumerate((100_000, 200_000)):
        assert tenants[f"tenant_{i}_wh"] + tenants[f"tenant_{i}_owed_wh"] == counted_wh


def test_a_replaced_meter_is_told_and_never_negative():
    book = plain()
    worked(book, [150_000, 0, 0, 0, 0, 0, 0])
    for minute in range(15):
        book.minutes.begin(FIRST + 2, minute)
        book.minutes.put(0, 60_000)
    leaf = worked(book, [7, 0, 0, 0, 0, 0, 0], quarter=FIRST + 2)
    assert (leaf["flags"], leaf["unread"]) == (flags.EXCHANGED, 1)
    assert (leaf["grid_load_wh"], leaf["import_register_wh"]) == (15_000, 7)


def test_only_a_later_quarter_of_an_opened_book_is_closed():
    book = plain()
    assert not book.close(FIRST, [0] * 7, 0, 2)
    unopened = Book([None] * 7, (), FACTORS, 0)
    assert not unopened.close(FIRST, [0] * 7, 0, 2)


def test_a_book_of_other_meters_is_not_resumed():
    site = list(worked(plain(), [0] * 7).values())
    other = Book([MeterRegister(1, 1 << 32, 10**7)] + [None] * 6, (), FACTORS, 0)
    with pytest.raises(ValueError, match="other meters"):
        resume(other, site, [], bytes(32))
