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
from hil import inputs, lockstep

KINDS = ("inproc", "micropython")
_ROOT = Path(__file__).resolve().parent.parent
_PROGRAMS = ("micropython-i386", "micropython", "micropython-armhf")  # the quickest first
_HEAP = "1m"


class DutError(RuntimeError):
    """A device under test that cannot be had, or that ended, in one line."""


class Dut(Protocol):
    """`names` say what a row of inputs holds (hil/inputs.py); `row` is the journal row of the last
    beat."""

    names: tuple[str, ...]
    row: array[int]
    coils: int  # the relays' bits after the last beat
    limits_ma: list[int]  # and what the chargers are offered

    def beat(self, row: array[int]) -> Any:
        """Take one beat with a row of inputs; returns the setpoint, W, discharge positive, and of
        several batteries a list of theirs."""

    def close(self) -> None:
        """End it."""


class InProcess:
    """The controller in this interpreter; its parts stay open to look at as `site`."""

    def __init__(self, image: Mapping[str, Any]) -> None:
        self.site = Site(dict(image))
        self.site.clock_set = True
        self.row: array[int] = self.site.journal.row
        self.names = inputs.names(image)
        self.coils = 0
        self.limits_ma: list[int] = []
        self._own = inputs.OWN[0] in self.names
        self._chargers = inputs.CHARGERS_MS in self.names
        # a file of both Pythons has no types
        self._beat: Callable[[array[int]], Any] = lockstep.bind(
            image, self.site, Controller(self.site))

    def beat(self, row: array[int]) -> Any:
        setpoint = self._beat(row)
        if self._own:
            self.coils = inputs.coils(self.site)
        if self._chargers:
            self.limits_ma = inputs.offers(self.site)
        return setpoint

    def close(self) -> None:
        pass


class MicroPythonProcess:
    """The same files in another interpreter. `command` starts it, e.g. ["micropython"]."""

    def __init__(self, image: Mapping[str, Any], command: Sequence[str] | None = None) -> None:
        program = command or find()
        self.row = array("i", bytes(4 * len(journal.FIELDS)))
        self.names = inputs.names(image)
        self.coils = 0
        self.limits_ma: list[int] = []
        self._chargers = sum(name.startswith(inputs.CHARGER[0]) for name in self.names)
        self._batteries = len(image.get("fleet", ()))
        self._own = inputs.OWN[0] in self.names
        self._size = len(self.row) * self.row.itemsize
        answers = self._batteries + self._own + self._chargers
        self._whole = self._size + 4 * answers  # they come behind the row
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

    def beat(self, row: array[int]) -> Any:
        try:
            self._sink.write(row)
            self._sink.flush()
            data = self._source.read(self._whole)
        except BrokenPipeError:
            data = b""
        if len(data) < self._whole:
            raise DutError(self._last_words())
        self.row = array("i", data[:self._size])
        told = array("i", data[self._size:]).tolist()
        if self._chargers:
            self.limits_ma = told[-self._chargers:]
            del told[-self._chargers:]
        if self._own:
            self.coils = told.pop()
        return told if self._batteries else self.row[self._setpoint]

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
