"""A whole gateway of a real MicroPython in the time of a rig: hil/wire_gateway.py at the other end.

It has the words of that file's Gateway. While it works it asks what is under way on its buses.
"""

import json
import os
import subprocess
from array import array
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from hil import built_tree, dut
from hil.line import Line

_SCRIPTS = ("wire_gateway", "unix_gateway", "patience")
_HEAP = "1m"  # what it needs without a rig is measured elsewhere: hil bench --only heap
_PATIENCE_S = 5


class FarGateway:
    """One such process; `lines` are those of its buses. Raises DutError, BuildError."""

    def __init__(self, image: Mapping[str, Any], folder: Path, lines: Sequence[Line]) -> None:
        self._lines = lines
        tree = folder / "tree"
        path = built_tree.write(image, tree, _SCRIPTS)
        shared = [int(bus["interface"]) for bus in image["buses"] if "interface" in bus]
        self._log = folder / "gateway.log"
        theirs, ours = os.pipe(), os.pipe()  # each: to read, to write
        command = [*dut.find(), "-X", f"heapsize={_HEAP}", str(tree / "hil" / "wire_gateway.py"),
                   str(path), str(folder / "outbox"), str(theirs[0]), str(ours[1])]
        with ExitStack() as stack:
            stack.callback(os.close, theirs[0])
            stack.callback(os.close, ours[1])
            self._sink = os.fdopen(theirs[1], "wb")
            self._source = os.fdopen(ours[0], "rb")
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command, cwd=tree, stdout=log, stderr=log,
                    pass_fds=[theirs[0], ours[1], *shared],
                    env={**os.environ, "MICROPYPATH": f"{tree}:.frozen"})
        self._result()

    def beat(self, day: int, second: int) -> tuple["array[int]", int]:
        row, backlog = self._do("beat", day, second)
        return array("i", row), backlog

    def climb(self) -> tuple[bool, int, str]:
        up, backlog, fault = self._do("climb")
        return up, backlog, fault

    def flush(self) -> None:
        self._do("flush")

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = self._do("counts")
        return found

    def close(self) -> None:
        """End it, whatever it is at."""
        try:
            if self._process.poll() is None:
                with suppress(dut.DutError):
                    self._do("close")
        finally:
            with suppress(BrokenPipeError):
                self._sink.close()
            self._source.close()
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _do(self, *words: Any) -> Any:
        self._tell(words)
        return self._result()

    def _result(self) -> Any:
        """Answer what is asked of the lines until the gateway is done."""
        while True:
            said = self._source.readline()
            if not said:
                raise dut.DutError(self._last_words())
            what, *words = json.loads(said)
            if what == "done":
                return words[0]
            line = self._lines[words[0]]
            if what == "reset":
                line.reset()
                self._tell(None)
                continue
            for _ in range(words[1]):
                line.asked()
            self._tell((line.coming(), line.hung_up))

    def _tell(self, words: Any) -> None:
        with suppress(BrokenPipeError):  # its last words say more
            self._sink.write(json.dumps(words).encode() + b"\n")
            self._sink.flush()

    def _last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_S)
        said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return (f"the gateway on MicroPython ended with status {self._process.returncode}: "
                + (said[-1] if said else "it said nothing"))
