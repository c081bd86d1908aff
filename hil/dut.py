"""The device under test: the controller in this process, or in a real MicroPython over a pipe.

Both take one array of inputs a beat (hil/lockstep.py) and leave the journal row it caused in `row`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from edge import journal
from edge.controller import Controller
from edge.site import Site
from hil import lockstep, lockstep_own

KINDS = ("inproc", "micropython")
_ROOT = Path(__file__).resolve().parent.parent
_PROGRAMS = ("micropython-i386", "micropython", "micropython-armhf")  # the quickest first
_HEAP = "1m"


class DutError(RuntimeError):
    """A device under test that cannot be had, or that ended, in one line."""


class Dut(Protocol):
    """`row` is the journal row of the last beat."""

    row: array[int]
    coils: int  # the relays' bits after the last beat

    def beat(self, inputs: array[int]) -> Any:
        """Take one beat; returns the setpoint, W, discharge positive; of several batteries a list
        of theirs."""

    def close(self) -> None:
        """End it."""


class InProcess:
    """The controller in this interpreter; its parts stay open to look at as `site`."""

    def __init__(self, image: Mapping[str, Any]) -> None:
        self.site = Site(dict(image))
        self.site.clock_set = True
        self.row: array[int] = self.site.journal.row
        self.coils = 0
        self._own = lockstep_own.has_own(self.site)
        self._controller = Controller(self.site)
        # a file of both Pythons has no types
        self._beat: Callable[..., Any] = lockstep_own.beat_own if self._own else lockstep.beat

    def beat(self, inputs: array[int]) -> Any:
        setpoint = self._beat(self.site, self._controller, inputs)
        if self._own:
            self.coils = lockstep_own.coils(self.site)
        return setpoint

    def close(self) -> None:
        pass


class MicroPythonProcess:
    """The same files in another interpreter. `command` starts it, e.g. ["micropython"]."""

    def __init__(self, image: Mapping[str, Any], command: Sequence[str] | None = None) -> None:
        program = command or find()
        self.row = array("i", bytes(4 * len(journal.FIELDS)))
        self.coils = 0
        self._batteries = batteries_of(image)
        self._size = len(self.row) * self.row.itemsize
        own = dict(image["rules"]).keys() & set(lockstep_own.OWN_RULES)
        self._more = self._batteries if self._batteries > 1 else 1 if own else 0
        self._whole = self._size + 4 * self._more  # setpoints behind the row, or relays
        self._setpoint = journal.FIELDS.index("command_w")
        self._folder = tempfile.TemporaryDirectory(prefix="parkedge-")
        path = Path(self._folder.name, "image.json")
        path.write_text(json.dumps(image), encoding="utf-8")
        self._log = Path(self._folder.name, "log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*program, "-X", f"heapsize={_HEAP}", lockstep.__file__, str(path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=_ROOT,
                env={**os.environ, "MICROPYPATH": f"{_ROOT}:.frozen"})
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._sink, self._source = self._process.stdin, self._process.stdout

    def beat(self, inputs: array[int]) -> Any:
        try:
            self._sink.write(inputs)
            self._sink.flush()
            data = self._source.read(self._whole)
        except BrokenPipeError:
            data = b""
        if len(data) < self._whole:
            raise DutError(self._last_words())
        self.row = array("i", data[:self._size])
        if self._batteries > 1:
            return array("i", data[self._size:]).tolist()
        if self._more:
            self.coils = array("i", data[self._size:])[0]
        return self.row[self._setpoint]

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self._sink.close()
        self._source.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _last_words(self) -> str:
        self._process.wait(5)
        said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"MicroPython ended with status {self._process.returncode}: " + \
            (said[-1] if said else "it said nothing")


def batteries_of(image: Mapping[str, Any]) -> int:
    """How many batteries a site has."""
    return len(image.get("fleet", (None,)))


def find() -> list[str]:
    """The command of a MicroPython on this machine; DutError when there is none."""
    path = f"{_ROOT / '.cache' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    for program in _PROGRAMS:
        found = shutil.which(program, path=path)
        if found:
            return [found]
    raise DutError("no MicroPython on this machine: make toolchain, or put micropython into PATH")


def start(kind: str, image: Mapping[str, Any]) -> Dut:
    """A device under test of one of KINDS."""
    return MicroPythonProcess(image) if kind == "micropython" else InProcess(image)
