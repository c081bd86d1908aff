"""A gateway with a page, in a process of its own, on CPython or on a real MicroPython."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.journal import FIELDS
from tests.conftest import ROOT
from tests.core.park import image

PATIENCE_S = 30
_STEP_S = 0.02
_ROW = 4 * len(FIELDS)
_MAIN = ROOT / "hil" / "unix_gateway.py"


def free_port() -> int:
    """A TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait(until: Any, trouble: str) -> None:
    """Until something is true; a test that waits in vain fails with `trouble`."""
    end_s = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < end_s, trouble
        time.sleep(_STEP_S)


class Served:
    """`ask` opens connections to the page, `rows` are what the beat has written."""

    def __init__(self, port: int, journal: Path, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.process = process
        self._journal = journal

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)

    def ask(self, request: bytes) -> bytes:
        """All that is answered to some bytes, until the gateway or we have had enough."""
        with self.connect() as pipe:
            pipe.sendall(request)
            return hear(pipe)

    def get(self, path: str) -> tuple[bytes, bytes]:
        """Head and body of an answer."""
        head, _, body = self.ask(get(path)).partition(b"\r\n\r\n")
        return head, body

    def rows(self) -> list[dict[str, int]]:
        data = self._journal.read_bytes() if self._journal.exists() else b""
        numbers = memoryview(data[:len(data) // _ROW * _ROW]).cast("i").tolist()
        return [dict(zip(FIELDS, numbers[at:at + len(FIELDS)], strict=True))
                for at in range(0, len(numbers), len(FIELDS))]

    def live_on(self, beats: int) -> None:
        """Let so many beats more be taken."""
        enough = len(self.rows()) + beats
        wait(lambda: len(self.rows()) >= enough, "the beat stands still")


def get(path: str, host: str = "127.0.0.1") -> bytes:
    """A request as a browser makes it."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode()


def hear(pipe: socket.socket) -> bytes:
    """One answer, as long as it says it is; or what came until the other end closed."""
    heard, whole = b"", 1 << 30
    while len(heard) < whole:
        try:
            part = pipe.recv(65536)
        except ConnectionError:
            break
        if not part:
            break
        heard += part
        head, end, _ = heard.partition(b"\r\n\r\n")
        if end:
            size = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
            whole = len(head) + len(end) + size
    assert len(heard) <= whole, "more than it had announced"
    return heard


@contextmanager
def gateway(command: list[str], folder: Path, live_s: int = 0, **sections: Any
            ) -> Iterator[Served]:
    """Run `command` (an interpreter) as a gateway with a page, and with the topic every `live_s`;
    it must still run in the end."""
    port = free_port()
    made = image(without=("phase", "share"), **sections)
    made["page"] = {"port": port, "address": "127.0.0.1"}
    if live_s:
        made["live"] = {"period_s": live_s}
    (folder / "image.json").write_text(json.dumps(made))
    journal = folder / "rows"
    paths = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen", "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(_MAIN), str(folder / "image.json"), str(journal),
             str(folder / "outbox"), "1000000"], cwd=folder, env=paths, stdout=log, stderr=log)
    served = Served(port, journal, process)
    try:
        wait(lambda: served.rows() or process.poll() is not None, "no beat")
        wait(lambda: _answers(served) or process.poll() is not None, "no page")
        assert process.poll() is None, (folder / "log").read_text()
        yield served
        assert process.poll() is None, (folder / "log").read_text()
        assert (folder / "log").read_text() == ""
    finally:
        process.kill()
        process.wait()


def _answers(served: Served) -> bool:
    try:
        return bool(served.get("/now.json")[1])
    except ConnectionError:
        return False
