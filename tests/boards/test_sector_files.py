"""Sectors in files behave as sectors in memory, here and on MicroPython."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.sector_files import SectorFiles
from edge.blocks import RamBlocks
from edge.outbox import Outbox

SIZE, SECTORS = 64, 4
STEPS = st.lists(st.one_of(
    st.tuples(st.just("erase"), st.integers(0, SECTORS - 1)),
    st.tuples(st.just("program"), st.integers(0, SECTORS - 1), st.integers(0, SIZE // 4 - 1),
              st.binary(min_size=1, max_size=SIZE)),
    st.tuples(st.just("sync")), st.tuples(st.just("again"))), max_size=30)
SCRIPT = """
import sys
from boards.sector_files import SectorFiles
from edge.outbox import Outbox
outbox = Outbox(SectorFiles(sys.argv[1], 4096, 8))
outbox.mount()
for number in range(200):
    outbox.append(1, b"frame %04d" % number, 10)
again = Outbox(SectorFiles(sys.argv[1], 4096, 8))
again.mount()
print(outbox.backlog(), again.backlog())
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sectors")


@given(STEPS)
def test_it_is_what_memory_is(place, steps):
    shutil.rmtree(place / "log", ignore_errors=True)
    files, memory = SectorFiles(str(place / "log"), SIZE, SECTORS), RamBlocks(SIZE, SECTORS)
    for step in steps:
        if step[0] == "erase":
            files.erase(step[1])
            memory.erase(step[1])
        elif step[0] == "program":
            offset = step[2] * 4
            n = min(len(step[3]), SIZE - offset)
            files.program(step[1], offset, step[3], n)
            memory.program(step[1], offset, step[3], n)
        elif step[0] == "sync":
            files.sync()
        else:
            files.close()
            files = SectorFiles(str(place / "log"), SIZE, SECTORS)
        for sector in range(SECTORS):
            ours, theirs = bytearray(SIZE), bytearray(SIZE)
            files.read(sector, 0, ours)
            memory.read(sector, 0, theirs)
            assert ours == theirs
    files.close()


def test_a_sector_never_outgrows_its_size(tmp_path: Path):
    device = SectorFiles(str(tmp_path / "log"), 4096, 8)
    outbox = Outbox(device)
    outbox.mount()
    for number in range(500):
        outbox.append(1, b"frame %04d" % number, 10)
    device.close()
    sizes = [path.stat().st_size for path in (tmp_path / "log").iterdir()]
    assert max(sizes) <= 4096
    assert 1 < len(sizes) <= 8


def test_it_keeps_an_outbox_on_micropython(micropython, tmp_path: Path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = micropython.run(tmp_path / "script.py", tmp_path / "log")
    first, again = done.stdout.split()
    assert first == again == "200"


def test_a_folder_that_cannot_be_is_an_os_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        SectorFiles(str(tmp_path / "no" / "log"))
