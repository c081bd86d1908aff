"""Single quarter-hours through a book, each with one thing out of the ordinary."""

from __future__ import annotations

import pytest

from edge.ledger import leaf as flags
from edge.ledger.book import Book
from edge.ledger.leaf import METERS, tenant_fields
from edge.ledger.registers import SUBSTITUTE, MeterRegister
from edge.ledger.resume import resume
from tests.ledger.quarters import FACTORS, FIRST, told


def plain(energies_w=(600_000, 0, 0, 0, 0, 0, 0), quarter=FIRST + 1, minutes=range(15), **keys):
    """A book of a site with every meter, and one quarter-hour of even powers in it."""
    meters = [MeterRegister(1, 1 << 32, 10**7) for _ in METERS]
    book = Book(meters, keys.get("sub_meters", ()), FACTORS, 0)
    book.open(FIRST, [0] * len(book.registers))
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
    leaf = told(book.leaves[0])[0]
    if leaf["quarter"] - leaf["span"] == FIRST:
        assert leaf["flags"] & flags.OPENED
    leaf["flags"] &= ~flags.OPENED
    return leaf


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


def test_export_beyond_all_sources_is_owed_and_told_and_booked_later_also_by_a_new_book():
    book = plain((0, 0, 0, 0, 600_000, 0, 700_000))
    leaf = worked(book, [0, 0, 0, 0, 150_000, 0, 175_000])
    assert leaf["flags"] == flags.IMBALANCE
    assert (leaf["pv_export_wh"], leaf["owed_export_wh"]) == (150_000, 25_000)
    again = plain()
    resume(again, list(leaf.values()), [], book.before)
    for one in (book, again):
        leaf = worked(one, [0, 0, 0, 0, 200_000, 0, 175_000], quarter=FIRST + 2)
        assert (leaf["pv_export_wh"], leaf["pv_load_wh"], leaf["owed_export_wh"]) == (
            25_000, 25_000, 0)


def sub_meters(n):
    return [MeterRegister(1000, 1 << 32, 10**7) for _ in range(n)]


def test_sub_meters_beyond_the_load_are_cut_and_told_and_booked_later_also_by_a_new_book():
    book = plain((600_000,) + (0,) * 6 + (400_000, 400_000), sub_meters=sub_meters(2))
    names = tenant_fields(2, 2)
    leaf = worked(book, [150_000, 0, 0, 0, 0, 0, 0, 100, 200])
    tenants = told(book.leaves[1], names)[0]
    assert leaf["flags"] == flags.OVERCOUNT
    assert tenants["tenant_0_wh"] + tenants["tenant_1_wh"] == 150_000
    assert abs(tenants["tenant_0_wh"] - 50_000) <= 15  # a Wh a minute
    assert tenants["common_wh"] == 0
    owed = [tenants[f"tenant_{i}_owed_wh"] for i in range(2)]
    assert owed == [100_000 - tenants["tenant_0_wh"], 200_000 - tenants["tenant_1_wh"]]
    again = plain(sub_meters=sub_meters(2))
    resume(again, list(leaf.values()), list(tenants.values()), book.before)
    for one in (book, again):
        worked(one, [350_000, 0, 0, 0, 0, 0, 0, 100, 200], quarter=FIRST + 2)
        tenants = told(one.leaves[1], names)[0]
        assert [tenants["tenant_0_wh"], tenants["tenant_1_wh"]] == owed
        assert tenants["common_wh"] == 50_000


def test_many_tenants_may_go_unread():
    book = plain(sub_meters=sub_meters(70))
    leaf = worked(book, [150_000] + [0] * 6 + [-1] * 70)
    tenants = told(book.leaves[1], tenant_fields(70, 2))[0]
    assert leaf["unread"] == 0
    assert {tenants[f"tenant_{i}_state"] for i in range(70)} == {SUBSTITUTE}
    assert tenants["common_ug_0"] == leaf["load_ug_0"]


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


def test_a_book_of_other_meters_views_or_tenants_is_not_resumed():
    site = list(worked(plain(), [0] * 7).values())
    fewer = [MeterRegister(1, 1 << 32, 10**7)] + [None] * 6
    full = plain().registers
    for other in (Book(fewer, (), FACTORS, 0), Book(full, (), FACTORS[:1], 0),
                  Book(full, sub_meters(1), FACTORS, 0)):
        with pytest.raises(ValueError, match="other meters"):
            resume(other, site, [], bytes(32))
    with pytest.raises(ValueError, match="other meters"):
        resume(plain(), site, site, bytes(32))
