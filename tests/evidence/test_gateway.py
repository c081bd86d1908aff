"""Evidence on a real MicroPython: the same bytes as elsewhere, believed by another implementation,
in slices that fit between beats, and in little heap."""

import os
import shutil
import subprocess
import sys

import pytest

from boards.build import edge_modules
from cloud_bridge import notes
from hil import bench
from tests.conftest import IN_CI, ROOT

SCRIPT = ROOT / "tests" / "evidence" / "portable.py"


@pytest.mark.parametrize("micropython", ["i386", "armhf"], indirect=True)
def test_a_gateway_computes_the_same_and_its_heads_are_believed(micropython):
    here = subprocess.run([sys.executable, SCRIPT], env={**os.environ, "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=True).stdout
    there = micropython.run(SCRIPT, heap="256k").stdout
    assert there == here
    told = [line.split(" ", 1) for line in there.splitlines()]
    publics = [bytes.fromhex(value) for name, value in told if name == "public"]
    log = notes.Key("park.example/gateway-7", publics[0])
    heads = [notes.head(bytes.fromhex(value), log)[0] for name, value in told if name == "note"]
    assert [head.size for head in heads] == [0, 96]
    assert f"root 96 {heads[1].root.hex()}" in there
    assert "expected at least 96" in there
    assert "already signed" in there


@pytest.mark.parametrize("micropython", ["armhf"], indirect=True)
def test_a_slice_fits_between_two_beats_and_the_whole_in_little_heap(micropython):
    if not IN_CI and not (shutil.which("cc") or shutil.which("gcc")):
        pytest.skip("no C compiler for the counting plugin")
    figures = bench._evidence(None)
    assert figures["evidence.sign_arm_instructions_max"] <= 500_000
    assert figures["evidence.sign_arm_instructions"] <= 43_000_000  # a tenth above what it was
    assert figures["evidence.sign_min_heapsize_bytes"] <= 24 * 1024


def test_a_site_without_evidence_loads_none_of_it():
    assert not [name for name in edge_modules(bench.image_of()) if "evidence" in name]
