"""What a gateway stores and sends is the same, byte by byte, on MicroPython and on CPython."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("portable.py")
ROOT = SCRIPT.parents[2]


def test_same_bytes_on_a_gateway_and_no_heap_while_coding(micropython):
    here = subprocess.run([sys.executable, SCRIPT], env={**os.environ, "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=True).stdout
    assert len(here.splitlines()) > 2200
    assert micropython.run(SCRIPT, heap="160k").stdout == here


def test_the_locked_heap_is_noticed(micropython, tmp_path):
    """A value of 32 bits is a heap number on a gateway: coding it under the lock must fail."""
    script = tmp_path / "wide.py"
    script.write_text("""\
import micropython
from array import array
from edge.wire.batch import BatchEncoder
encoder = BatchEncoder(1, 100)
row = array("i", [0x7FFFFFFF])
micropython.heap_lock()
try:
    encoder.add(row)
    print("no heap")
except MemoryError:
    print("heap")
finally:
    micropython.heap_unlock()
""")
    assert micropython.run(script).stdout == "heap\n"


def test_a_file_keeps_frames_on_a_gateway(micropython, tmp_path):
    """Two lives of a gateway with its outbox in a file, the second on CPython."""
    script = tmp_path / "first_life.py"
    script.write_text("""\
import sys
from edge.blocks import FileBlocks
from edge.outbox import Outbox
box = Outbox(FileBlocks(sys.argv[1], 512, 8))
box.mount()
for i in range(5):
    box.append(1, bytes([i]) * 100, 100)
print(box.epoch)
""")
    path = tmp_path / "outbox.bin"
    epoch = int(micropython.run(script, path).stdout)
    from edge.blocks import FileBlocks
    from edge.outbox import Outbox
    device = FileBlocks(str(path), 512, 8)
    box = Outbox(device)
    box.mount()
    into = bytearray(100)
    assert (box.epoch, box.backlog()) == (epoch, 5)
    assert [box.read(seq, into) and into[0] for seq in range(1, 6)] == [0, 1, 2, 3, 4]
    device.close()
