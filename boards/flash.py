"""Bring a build onto a gateway: only what differs, each file proven by its hash, all or nothing.

New files go beside the old ones first and are hashed where they lie; only when every one is right
do they take their places. A loss of power before that leaves the old image whole.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_NEW = ".new"  # what is being brought
_CHUNK = 1024  # bytes a statement
_TREES = ("edge", "boards")  # nothing else may lie here: a source would hide the bytecode

# Runs on the gateway, on any MicroPython; prints "path sha256" for everything that is ours.
_LIST = """\
import os, hashlib, binascii
def show(path):
    try:
        folder = os.stat(path)[0] & 0x4000
    except OSError:
        return
    if folder:
        for name in os.listdir(path):
            show(path + "/" + name)
        return
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            piece = file.read(512)
            if not piece:
                break
            digest.update(piece)
    print(path, binascii.hexlify(digest.digest()).decode())
for path in %r:
    show(path)
"""
_FOLDER = """\
import os
try:
    os.mkdir(%r)
except OSError:
    pass
"""
# A watchdog that was started cannot be stopped: it is kept quiet while files are written.
_QUIET = """\
try:
    from machine import WDT
    WDT(timeout=8000).feed()
except ImportError:
    pass
"""


class FlashError(Exception):
    """The gateway does not have the new image, in one line."""


class Gateway(Protocol):
    """A MicroPython somewhere."""

    def run(self, code: str) -> str:
        """Run statements there; return what they print. Raises FlashError."""

    def restart(self) -> None:
        """Start it anew, with what is there now."""


@dataclass(frozen=True)
class Flashed:
    """What it took."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int


def flash(gateway: Gateway, files: Mapping[str, bytes],
          progress: Callable[[int, int], None] = lambda done, total: None) -> Flashed:
    """Bring `files` onto the gateway and prove them. Raises FlashError; the old image then stays
    wherever that is still possible."""
    wanted = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    gateway.run(_QUIET)
    there = _hashes(gateway, [*files, *(path + _NEW for path in files)])
    _remove(gateway, [path for path in there if path.endswith(_NEW)])  # of a flash that failed
    changed = [path for path in files if there.get(path) != wanted[path]]
    strays = [path for path in there if path not in files and not path.endswith(_NEW)]
    _make_folders(gateway, changed)
    total, done = sum(len(files[path]) for path in changed), 0
    for path in changed:
        gateway.run(_QUIET)
        _write(gateway, path + _NEW, files[path])
        done += len(files[path])
        progress(done, total)
    brought = _hashes(gateway, [path + _NEW for path in changed])
    _prove({path + _NEW: wanted[path] for path in changed}, brought)
    for path in changed:
        gateway.run(f"import os\nos.rename({path + _NEW!r}, {path!r})\n")
    _remove(gateway, strays)
    _prove(wanted, _hashes(gateway, files))
    gateway.restart()
    return Flashed(tuple(changed), tuple(strays), len(files) - len(changed))


def secrets(folder: Path) -> dict[str, bytes]:
    """The files of a gateway's identity (`keys gateway`) by where a board looks for them. Raises
    FlashError, OSError."""
    found = {f"{path.stem}.secret": path.read_bytes() for path in sorted(folder.glob("*.key"))}
    password = folder / "broker.password"
    if password.exists():
        found["broker.password"] = password.read_bytes()
    if not found:
        raise FlashError(f"{folder}: found no NAME.key and no broker.password")
    return found


def _hashes(gateway: Gateway, paths: Iterable[str]) -> dict[str, str]:
    """Hashes of everything in our folders, and of these files elsewhere."""
    single = [path for path in paths if path.split("/")[0] not in _TREES]
    gateway.run(_QUIET)
    lines = gateway.run(_LIST % ([*_TREES, *single],)).splitlines()
    pairs = (line.rpartition(" ") for line in lines)
    return {path: digest for path, _, digest in pairs}


def _prove(wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    wrong = [path for path, digest in wanted.items() if found.get(path) != digest]
    if wrong:
        raise FlashError(f"{len(wrong)} of {len(wanted)} files did not arrive as sent, first "
                         f"{wrong[0]}: check the cable and flash again")


def _make_folders(gateway: Gateway, paths: Sequence[str]) -> None:
    folders = {"/".join(parts[:depth]) for parts in (path.split("/") for path in paths)
               for depth in range(1, len(parts))}
    for folder in sorted(folders):
        gateway.run(_FOLDER % folder)


def _remove(gateway: Gateway, paths: Iterable[str]) -> None:
    for path in paths:
        gateway.run(f"import os\nos.remove({path!r})\n")


def _write(gateway: Gateway, path: str, content: bytes) -> None:
    gateway.run(f"file = open({path!r}, 'wb')\n")
    for at in range(0, len(content), _CHUNK):
        gateway.run(f"file.write({content[at:at + _CHUNK]!r})\n")
    gateway.run("file.close()\n")
