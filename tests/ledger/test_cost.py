"""What the ledger may cost a gateway, and that it costs nothing where no site asks for it."""

import shutil

import pytest

from boards.build import edge_modules
from hil import bench
from tests.conftest import IN_CI


@pytest.mark.parametrize("micropython", ["armhf"], indirect=True)
def test_a_minute_fits_between_two_beats_and_a_leaf_in_its_bytes(micropython):
    if not IN_CI and not (shutil.which("cc") or shutil.which("gcc")):
        pytest.skip("no C compiler for the counting plugin")
    figures = bench._ledger(None)
    assert figures["ledger.arm_instructions"] <= 300_000
    assert figures["ledger.arm_instructions_max"] <= 60_000
    assert figures["ledger.garbage_bytes"] <= 2500
    assert figures["ledger.min_heapsize_bytes"] <= 46 * 1024
    assert figures["ledger.leaf_bytes"] <= 160


def test_a_site_without_a_ledger_loads_none_of_it():
    assert {name for name in edge_modules(bench.image_of()) if "ledger" in name} == {
        "edge.ledger", "edge.ledger.account", "edge.ledger.demand", "edge.ledger.flows"}
