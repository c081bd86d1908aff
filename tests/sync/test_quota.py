"""So many at once, one more after each while, across the wrap of the ticks."""

from hypothesis import given
from hypothesis import strategies as st

from edge.quota import Quota


@given(st.integers(1, 10), st.integers(1, 60_000), st.integers(0, (1 << 30) - 1),
       st.lists(st.integers(0, 100_000), max_size=60))
def test_never_more_than_it_holds_and_all_that_time_gives(most, every_ms, start_ms, waits):
    quota = Quota(most, every_ms)
    passed_ms, taken = 0, []
    for wait_ms in waits:
        passed_ms += wait_ms
        if quota.take((start_ms + passed_ms) % (1 << 30)):
            taken.append(passed_ms)
        else:  # then as many as it holds were taken lately
            assert len([t for t in taken if t > passed_ms - most * every_ms]) >= most
    for at, first_ms in enumerate(taken):
        for n, last_ms in enumerate(taken[at:], 1):
            assert n <= most + (last_ms - first_ms) // every_ms + 1
