"""The modelled round of a bus: by hand once, and sane for any bus."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import polling

RTU = {"link": "rtu", "baud": 9600, "gap_ms": 25}
TCP = {"link": "tcp", "gap_ms": 25}


def device(*blocks: list[int], control: bool = False) -> dict[str, object]:
    return {"points": [["grid_w"]], "blocks": list(blocks),
            "control": {"readback": [3, 0, "i16", 1, 1]} if control else None}


def test_by_hand():
    """Two registers at 9600 baud: 17 characters of 11 bits, 20 ms of the device, and between two
    requests the gap, which is longer than the 3.5 characters of silence; one silence before."""
    one_ms = 17 * 11 / 9.6 + 3.5 * 11 / 9.6 + 20 + 25
    found = polling.model(RTU, [device([3, 36, 2, 1])])
    assert found.mean_ms == pytest.approx(one_ms)
    assert found.worst_ms == pytest.approx(one_ms)
    assert (found.requests, found.values) == (1, 1)


def test_a_slow_block_counts_by_its_share():
    found = polling.model(TCP, [device([3, 0, 2, 1], [3, 50, 2, 10])])
    assert found.mean_ms == pytest.approx(45 * 1.1)
    assert found.worst_ms == pytest.approx(90)


def test_a_converter_may_be_written_and_read_back():
    found = polling.model(TCP, [device([3, 0, 2, 1], control=True)])
    assert found.worst_ms == pytest.approx(45 * 3)


@given(st.lists(st.tuples(st.integers(1, 125), st.integers(1, 20)), max_size=8),
       st.sampled_from([300, 1200, 9600, 19200, 115200]), st.integers(0, 500))
def test_a_round_never_takes_longer_than_its_worst_and_less_when_faster(blocks, baud, gap_ms):
    devices = [device(*([3, 0, count, every] for count, every in blocks))]
    slow = polling.model({"link": "rtu", "baud": baud, "gap_ms": gap_ms}, devices)
    fast = polling.model({"link": "rtu", "baud": 2 * baud, "gap_ms": gap_ms}, devices)
    assert slow.mean_ms <= slow.worst_ms
    assert fast.worst_ms <= slow.worst_ms
    assert slow.worst_ms >= len(blocks) * (polling.TURNAROUND_MS + gap_ms)
