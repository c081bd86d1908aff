"""Shares are exact, never negative, and never a whole unit from their quota."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from edge.ledger.apportion import apportion, pour, serve, trace

amount = st.one_of(st.integers(0, 3), st.integers(0, 150_000), st.integers(0, 2**50))
three = st.lists(amount, min_size=3, max_size=3)


@given(amount, st.lists(amount, min_size=1, max_size=9))
def test_shares_sum_up_and_stay_within_one_of_their_quota(total, weights):
    whole = sum(weights)
    assume(whole or not total)
    shares = [-1] * len(weights)
    apportion(total, weights, shares)
    assert sum(shares) == total
    for weight, share in zip(weights, shares, strict=True):
        assert share >= 0
        assert abs(share * whole - total * weight) < max(whole, 1)
        if total <= whole:
            assert share <= weight


def both_sides(parts, sinks):
    """Sources with the sum of the sinks."""
    sources = [0] * len(parts)
    if sum(parts) == 0:
        parts = [1] * len(parts)
    apportion(sum(sinks), parts, sources)
    return sources


@given(st.lists(amount, min_size=5, max_size=5), three, st.booleans())
def test_rows_and_columns_of_a_matrix_are_exact(parts, sinks, measured):
    sources = both_sides(parts, sinks)
    flows, sums = [-1] * 15, [7] * 15
    (trace if measured else pour)(sources, sinks, flows, sums)
    assert min(flows) >= 0
    assert [sum(flows[3 * i:3 * i + 3]) for i in range(5)] == sources
    assert [sum(flows[i::3]) for i in range(3)] == sinks
    assert sums == [7 + flow for flow in flows]


@given(st.lists(amount, min_size=5, max_size=5), three)
def test_a_traced_flow_is_its_share_of_source_and_sink(parts, sinks):
    """Up to the rounding of one unit a row, whatever the order."""
    sources = both_sides(parts, sinks)
    whole = sum(sinks)
    flows = [0] * 15
    trace(sources, sinks, flows, [0] * 15)
    for i in range(5):
        for j in range(3):
            assert abs(flows[3 * i + j] * whole - sources[i] * sinks[j]) <= 12 * whole


@given(st.lists(amount, min_size=5, max_size=5), three)
def test_what_is_poured_fills_the_first_sink_from_the_first_source(parts, sinks):
    sources = both_sides(parts, sinks)
    flows = [0] * 15
    pour(sources, sinks, flows, [0] * 15)
    assert flows[0] == min(sources[0], sinks[0])
    assert flows[14] == min(sources[4], sinks[2])


@given(st.lists(st.tuples(amount, st.lists(amount, min_size=2, max_size=2)), max_size=12))
def test_what_cannot_be_served_stays_owed(steps):
    owed, given_so_far, asked_so_far, got = [0, 0], [0, 0], [0, 0], [0, 0]
    for total, asked in steps:
        left = serve(total, asked, owed, got)
        for i in range(2):
            given_so_far[i] += got[i]
            asked_so_far[i] += asked[i]
            assert given_so_far[i] + owed[i] == asked_so_far[i]
            assert got[i] >= 0
            assert owed[i] >= 0
        assert left == total - sum(got) - sum(owed)
        assert not (left > 0 and sum(owed)), "nothing is owed while something is left"
