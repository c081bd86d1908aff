"""Runs on MicroPython 1.25 or newer: the core executed in place from a ROM file system, as on a
board whose firmware has a ROMFS partition, to see what heap it takes then.

Arguments: ROMFS image, site image. The Unix port has no such partition, so the image is mapped.
"""

import gc
import os
import sys

import ffi  # type: ignore[import-not-found]
import uctypes  # type: ignore[import-not-found]
import vfs  # type: ignore[import-not-found]

_READ, _PRIVATE = 1, 2

_libc = ffi.open(None)
_open = _libc.func("i", "open", "si")
_mmap = _libc.func("p", "mmap", "pLiiil")
_size = os.stat(sys.argv[1])[6]
_rom = uctypes.bytearray_at(_mmap(0, _size, _READ, _PRIVATE, _open(sys.argv[1], 0), 0), _size)
vfs.mount(vfs.VfsRom(_rom), "/rom")
sys.path.insert(0, "/rom")


def _used() -> int:
    gc.collect()
    told: int = gc.mem_alloc()  # type: ignore[attr-defined]  # only MicroPython tells
    return told


_before = _used()

from edge.controller import Controller  # noqa: E402  what follows is measured
from edge.image import load  # noqa: E402  what follows is measured
from edge.site import Site  # noqa: E402  what follows is measured

_site = Site(load(sys.argv[2]))
_controller = Controller(_site)
_used()  # where the image lay on the stack something else must lie first
print(_used() - _before)
