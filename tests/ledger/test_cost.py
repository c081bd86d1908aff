"""What the ledger may cost a gateway, and that it costs nothing where no site asks for it."""

import shutil

import pytest

from boards.build import edge_modules
from edge.blocks import FileBlocks
from edge.keep import Keep
from hil import bench
from hil.bench_tree import Tree
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


def test_a_hundred_quarter_hours_do_not_wear_the_heap_out(micropython, tmp_path):
    """The whole application of the mill, with 12 KB more than four quarter-hours ask."""
    with Tree(bench.image_of(bench.MILL)) as tree:
        told = tree.run([*micropython.command, "-X", "heapsize=225k"], "bench_app",
                        str(tree.site), str(tmp_path), str(15 * 101))
    assert told.splitlines() == [f"beats {15 * 101}", f"kept {9800 * 96 + 100} 0 "]
    device = FileBlocks(str(tmp_path / "heads.bin"), sectors=2)
    kept = Keep(device, 36).load()
    device.close()
    assert int.from_bytes(kept[:4], "big") >= 190, "a head of the first day"
