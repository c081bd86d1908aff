"""Whoever holds the key signs anything; what does not follow from the rest is found all the same.

Each number of each leaf is changed by one, the chain made anew and a head signed with the true key.
What is then not found is listed here: claims of the gateway that make nothing cleaner, or that only
somebody else's meter or clock can refute.
"""

from __future__ import annotations

import pytest

from edge.evidence.tree import leaf_hash
from edge.ledger.apportion import apportion
from edge.ledger.leaf import (
    EXCHANGED,
    GAIN,
    GAP,
    IMBALANCE,
    OPENED,
    OVERCOUNT,
    SITE,
    TENANTS,
    fields,
    tenant_fields,
    unpack,
)
from tests.audit import made
from tests.audit.made import FACTORS, LIMITS, audit, copy, leaves, put, rebuilt, sign

N_VIEWS = 2
NAMES = {SITE: fields(0x7D, N_VIEWS), TENANTS: tenant_fields(2, N_VIEWS)}

# How many minutes between 10 and 15 were measured, how good the clock was, that a register was or
# was not read when nothing leapt, and some flags (below).
CLAIMS = {"steps", "unread", "tenant_0_state", "tenant_1_state", "time", "flags"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Some accounts, a gap among them, and tenants."""
    folder = made.write(tmp_path_factory.mktemp("whole"), made.messages(7, True, made.Sunny))
    sign(folder, leaves(folder))
    found = audit(folder)
    assert found.faults == []
    assert sum(bool(site.values["flags"] & GAP) for site, _ in found.accounts) == 1
    return folder


def judged(folder, found):
    """What an audit finds wrong with these leaves, signed with the true key."""
    twin = copy(folder, folder.with_name("twin"))
    put(twin, found)
    sign(twin, found)
    return audit(twin).faults


def faults(folder, number, change):
    return judged(folder, rebuilt(leaves(folder), number, change))


def by(name, step):
    def change(numbers):
        names = NAMES[TENANTS if name in NAMES[TENANTS][1:] else SITE]
        numbers[names.index(name)] += step

    return change


def opened(folder):
    """Each leaf: its number, kind, and values by name."""
    for number, leaf in enumerate(leaves(folder)):
        kind, numbers, _, _ = unpack(leaf)
        yield number, kind, dict(zip(NAMES[kind], numbers, strict=True))


def test_every_number_that_follows_from_others_is_found_out(whole):
    """In the first leaves, those of the gap, and the last. The first tells no registers before it,
    so what a factor of 0 exports there is a claim as well."""
    numbered = list(opened(whole))
    gap = next(number for number, kind, values in numbered
               if kind == SITE and values["flags"] & GAP)
    chosen = numbered[:2] + numbered[gap:gap + 2] + numbered[-2:]
    missed = [(name, value, step) for number, _, values in chosen
              for name, value in values.items() for step in (1, -1)
              if (step > 0 or 0 < value < 16) and not (number == 0 and name == "direct_export_wh")
              and not faults(whole, number, by(name, step))]
    assert {name for name, _, _ in missed} == CLAIMS
    assert all(value + step in range(10, 16) for name, value, step in missed if name == "steps")
    assert all(value + step <= 2 for name, value, step in missed if name == "time")


@pytest.mark.parametrize("flag", [IMBALANCE, OVERCOUNT, GAIN, GAP, EXCHANGED, OPENED, 64])
def test_a_flag_that_the_numbers_contradict_is_found_out(whole, flag):
    """IMBALANCE and OVERCOUNT may be true of a minute that the next one made up for: set where
    nothing is owed, outside of a gap, they only make their gateway look worse. So does EXCHANGED
    of a meter that is told not to have been read."""
    def other(numbers):
        numbers[NAMES[SITE].index("flags")] ^= flag

    found = [(bool(faults(whole, number, other)), values)
             for number, kind, values in opened(whole) if kind == SITE]
    for told, values in found:
        harmless = (flag in (IMBALANCE, OVERCOUNT) and not values["flags"] & GAP) or (
            flag == EXCHANGED and values["unread"])
        assert told or harmless
    assert any(told for told, _ in found)


@pytest.mark.parametrize("name", ["import_register_wh", "pv_register_wh", "tenant_0_register_wh"])
def test_a_register_beyond_its_end_is_none(whole, name):
    """As far again as it counts: by its difference it would be the same."""
    number = len(leaves(whole)) - (1 if name.startswith("tenant") else 2)
    assert faults(whole, number, by(name, LIMITS[0]))


def test_energy_poured_otherwise_in_a_gap_is_found_out(whole):
    """Rows, columns and carbon still sum up: the sun to the load, and the grid to the export."""
    number = next(number for number, kind, values in opened(whole)
                  if kind == SITE and values["flags"] & GAP)

    def swap(numbers):
        for source, wh in (("pv", 10), ("grid", -10)):
            by(f"{source}_load_wh", wh)(numbers)
            by(f"{source}_export_wh", -wh)(numbers)
        for view in range(N_VIEWS):
            ug = 10 * (FACTORS[view][0] - FACTORS[view][4])
            by(f"load_ug_{view}", -ug)(numbers)
            by(f"export_ug_{view}", ug)(numbers)

    assert any("not poured as one" in fault for fault in faults(whole, number, swap))


def test_a_false_meter_is_what_no_book_shows(whole):
    """A register and all that follows from it moved together, in the last leaves: nothing
    contradicts it, and the page says so. Only the utility's meter does."""
    number, _, values = list(opened(whole))[-2]

    def site(numbers):
        by("import_register_wh", 1000)(numbers)
        by("grid_load_wh", 1000)(numbers)
        for view in range(N_VIEWS):
            by(f"load_ug_{view}", 1000 * FACTORS[view][0])(numbers)

    def tenants(numbers):
        by("common_wh", 1000)(numbers)
        names = ["tenant_0", "tenant_1", "common"]
        wh = [numbers[NAMES[TENANTS].index(f"{name}_wh")] for name in names]
        for view in range(N_VIEWS):
            shares = [0] * 3
            apportion(values[f"load_ug_{view}"] + 1000 * FACTORS[view][0], wh, shares)
            for name, ug in zip(names, shares, strict=True):
                numbers[NAMES[TENANTS].index(f"{name}_ug_{view}")] = ug

    half = rebuilt(leaves(whole), number, site)
    assert all("tenants have" in fault for fault in judged(whole, half))
    assert judged(whole, half)
    assert judged(whole, rebuilt(half, number + 1, tenants)) == []


def test_which_source_fed_which_sink_within_a_quarter_hour_is_the_gateways_word(whole):
    """Energies met minute by minute, and the leaf has their sums: said on the page as well."""
    number, _, values = list(opened(whole))[-2]
    assert not values["flags"] & GAP
    wh = min(1, values["pv_export_wh"], values["grid_load_wh"])
    assert wh == 1

    def swap(numbers):
        for source, more in (("pv", wh), ("grid", -wh)):
            by(f"{source}_load_wh", more)(numbers)
            by(f"{source}_export_wh", -more)(numbers)
        for view in range(N_VIEWS):
            ug = wh * (FACTORS[view][0] - FACTORS[view][4])
            by(f"load_ug_{view}", -ug)(numbers)
            by(f"export_ug_{view}", ug)(numbers)

    assert all("tenants have" in fault for fault in faults(whole, number, swap))


def test_rebuilding_without_a_change_changes_nothing(whole):
    """Or else all of the above would be found for another reason."""
    same = rebuilt(leaves(whole), 0, lambda numbers: None)
    assert same == leaves(whole)
    assert judged(whole, same) == []
    assert leaf_hash(same[0]) == unpack(same[1])[3]


def test_energy_given_to_a_sink_that_never_asked_is_found_out(tmp_path):
    """Export owed in one leaf and written off in the next: the register went backward."""
    folder = made.write(tmp_path / "whole", made.messages(7))
    before = len(leaves(folder)) - 4

    def owe(numbers):
        by("owed_export_wh", 5)(numbers)
        by("export_register_wh", 5)(numbers)
        numbers[NAMES[SITE].index("flags")] |= IMBALANCE

    assert any("more was paid than flowed" in fault for fault in faults(folder, before, owe))


def test_tenants_that_count_too_much_in_a_gap_share_what_there_is(whole):
    """The first one's meter leaps ahead, and nobody gets less for it."""
    numbered = list(opened(whole))
    gap = next(number for number, kind, values in numbered
               if kind == SITE and values["flags"] & GAP)
    folder = copy(whole, whole.with_name("gap"))
    more = numbered[gap + 1][2]["common_wh"] + 1000

    def site(numbers):
        numbers[NAMES[SITE].index("flags")] |= OVERCOUNT

    def tenants(numbers):
        by("tenant_0_register_wh", more)(numbers)
        by("tenant_0_owed_wh", more)(numbers)

    put(folder, leaves(whole)[:gap + 2])
    found = rebuilt(rebuilt(leaves(folder), gap, site), gap + 1, tenants)
    said = judged(folder, found)
    assert len(said) == 1
    assert "is a gap in which tenants have" in said[0]


def test_tenants_that_are_none_do_not_count_too_much(tmp_path):
    one = made.live(made.park([]), 4)
    folder = made.write(tmp_path / "whole", one.outbox.messages)
    found = leaves(folder)

    def over(numbers):
        numbers[NAMES[SITE].index("flags")] |= OVERCOUNT

    assert judged(folder, found) == []
    assert any("no tenants" in fault for fault in judged(folder, rebuilt(found, 2, over)))


@pytest.mark.parametrize("changed", [{"loss_wh": 10**7}, {"loss_wh": 1, "gain_wh": 1}])
def test_a_store_loses_no_more_than_it_holds_and_gains_nothing_meanwhile(whole, changed):
    number = len(leaves(whole)) - 2

    def change(numbers):
        for name, wh in changed.items():
            by(name, wh)(numbers)

    assert any("tells of" in fault for fault in faults(whole, number, change))


def test_the_origin_of_what_the_store_gave_is_worked_out_again(whole):
    """Sun in the place of the grid, with nothing else moved."""
    number = next(number for number, kind, values in opened(whole)
                  if kind == SITE and values["store_grid_load_wh"])

    def swap(numbers):
        by("store_pv_load_wh", 1)(numbers)
        by("store_grid_load_wh", -1)(numbers)

    said = faults(whole, number, swap)
    assert said
    assert all("store to load" in fault for fault in said)


def test_a_leaf_of_tenants_that_is_left_out_is_found_out(whole):
    assert any("its tenants' leaf is missing" in fault
               for fault in judged(whole, leaves(whole)[:-1]))
    assert judged(whole, []) == ["there are no leaves"]


def test_a_second_leaf_of_tenants_is_found_out(whole):
    found = leaves(whole)
    twice = rebuilt([*found, found[-1]], 0, lambda numbers: None)
    assert judged(whole, twice) == [fault for fault in judged(whole, twice)
                                    if "tenants without their site" in fault] != []
    assert any("tenants without their site" in fault
               for fault in judged(whole, rebuilt(found[1:], 0, lambda numbers: None)))
