"""What the way to a broker costs an Arm stays what the beat can bear."""

import shutil

import pytest

from hil.bench_tree import counting
from hil.bench_uplink import measure
from tests.conftest import IN_CI


@pytest.mark.parametrize("micropython", ["armhf"], indirect=True)
@pytest.mark.usefixtures("micropython")
def test_a_step_under_a_flood_and_a_call_of_a_handshake(tmp_path):
    if not IN_CI and not (shutil.which("cc") or shutil.which("gcc")):
        pytest.skip("no C compiler for the counting plugin")
    figures = measure(counting(tmp_path))
    # A tenth above what they were; DESIGN says what that is in time.
    assert figures["uplink.flood_step_arm_instructions_max"] <= 1_130_000
    for version in ("tls12", "tls13"):
        assert figures[f"uplink.{version}_call_arm_instructions_max"] <= 33_000_000
