"""What coding a record costs an Arm, and what it takes of the heap, on generated streams."""

import shutil

import pytest

from hil.bench_tree import counting, tool
from hil.bench_wire import on_a_gateway
from tests.conftest import IN_CI


@pytest.mark.usefixtures("micropython")
@pytest.mark.parametrize("micropython", ["armhf"], indirect=True)
def test_a_record_costs_what_it_may(tmp_path):
    if not IN_CI and not (shutil.which("cc") or shutil.which("gcc")):
        pytest.skip("no C compiler for the counting plugin")
    figures = on_a_gateway(tool("micropython-i386"), counting(tmp_path), None)
    assert figures["wire.arm_instructions_a_record"] <= 120_000
    assert figures["wire.1c.arm_instructions_a_record"] <= 160_000, "three fields in steps"
    for stream in ("wire", "wire.1c"):
        assert figures[f"{stream}.arm_instructions_a_channel_max"] <= 60_000, "between two beats"
        assert figures[f"{stream}.state_bytes"] <= 2048
        assert figures[f"{stream}.alloc_bytes"] == 0
