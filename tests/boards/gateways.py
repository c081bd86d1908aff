"""Gateways without hardware: MicroPython's file system in a folder, spoken to by statements."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import termios
import threading
import tty
from pathlib import Path

from boards.flash import FlashError

# Answers each line, a statement block in base64, with what it printed and a mark.
_LOOP = """
import sys, binascii
space = {}
while True:
    line = sys.stdin.readline()
    if not line:
        break
    try:
        exec(binascii.a2b_base64(line.strip()).decode(), space)
        print("\\x04")
    except Exception as error:
        print("\\x04" + repr(error))
"""


class FolderGateway:
    """An interpreter whose file system is a folder. `restarts` counts resets."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.restarts = 0
        script = folder.parent / f"{folder.name}-loop.py"
        script.write_text(_LOOP)
        self._process = subprocess.Popen([*command, str(script)], cwd=folder, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, code: str) -> str:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(base64.b64encode(code.encode()).decode() + "\n")
        process.stdin.flush()
        printed = []
        while True:
            line = process.stdout.readline()
            if not line:
                raise FlashError("the interpreter is gone")
            if line.startswith("\x04"):
                if line.strip("\x04\n"):
                    raise FlashError(line.strip("\x04\n"))
                return "".join(printed)
            printed.append(line)

    def restart(self) -> None:
        self.restarts += 1

    def files(self) -> dict[str, bytes]:
        """What lies in the folder now."""
        return {path.relative_to(self.folder).as_posix(): path.read_bytes()
                for path in self.folder.rglob("*") if path.is_file()}

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def here(folder: Path) -> FolderGateway:
    """A gateway that is this Python."""
    return FolderGateway(folder, [sys.executable, "-u"])


class RawPrompt:
    """MicroPython's raw prompt on a pseudo-terminal, in front of a gateway in a folder."""

    def __init__(self, gateway: FolderGateway) -> None:
        self._gateway = gateway
        self._ours, theirs = os.openpty()
        tty.setraw(theirs, termios.TCSANOW)
        self.port = os.ttyname(theirs)
        self._theirs = theirs
        self.resets = 0
        self.raw = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        buffer = b""
        while True:
            try:
                buffer += os.read(self._ours, 4096)
            except OSError:
                return
            if not buffer:
                return
            buffer = self._answer(buffer)

    def _answer(self, buffer: bytes) -> bytes:
        """Answer what is complete; return the rest."""
        while buffer:
            if b"\x05A\x01" in buffer:
                buffer = buffer.split(b"\x05A\x01", 1)[1]
                self._say(b"R\x00")  # no raw paste
            elif buffer[:1] in (b"\r", b"\x03"):
                buffer = buffer[1:]
            elif buffer[:1] == b"\x01":
                buffer, self.raw = buffer[1:], True
                self._say(b"raw REPL; CTRL-B to exit\r\n>")
            elif buffer[:1] == b"\x02":
                buffer, self.raw = buffer[1:], False
            elif b"\x04" in buffer:
                code, buffer = buffer.split(b"\x04", 1)
                self._execute(code.decode())
            else:
                return buffer
        return buffer

    def _execute(self, code: str) -> None:
        if not code:
            self._say(b"OK\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>")
        elif "machine.reset()" in code:
            self.resets += 1
            self._say(b"OK")
        else:
            try:
                self._say(b"OK" + self._gateway.run(code).encode() + b"\x04\x04>")
            except FlashError as error:
                self._say(b"OK\x04" + str(error).encode() + b"\x04>")

    def _say(self, data: bytes) -> None:
        os.write(self._ours, data)

    def close(self) -> None:
        os.close(self._theirs)
        self._thread.join(5)
        os.close(self._ours)
