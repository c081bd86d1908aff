"""Who may command a gateway: its keys, and a counter that no two senders use twice.

A folder `cloud` of `keys gateway`: command-N.key, and command.json with the present key and the
counter given out last. The counter is on disk before it is used, under a lock.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cloud_bridge.command_codec import Command
from cloud_bridge.fields import DocumentError
from cloud_bridge.identity import STATE, read_secret, write_secret

_U32 = 0xFFFFFFFF


class Sender:
    """The keys of one gateway in a folder. DocumentError when it is none, or another gateway's;
    OSError."""

    def __init__(self, folder: Path, gateway: str) -> None:
        self._folder = folder
        with self._locked() as state:
            if state["gateway"] != gateway:
                raise DocumentError(f"{folder}: found the keys of {state['gateway']}, "
                                    f"expected those of {gateway}")

    @property
    def keys(self) -> dict[int, bytes]:
        """Every key there is, by number."""
        return {int(path.stem.removeprefix("command-")): read_secret(path)
                for path in self._folder.glob("command-*.key")}

    def key_id(self, next_key: bool = False) -> int:
        """The number of the present key or of the next one. DocumentError when it is not there."""
        with self._locked() as state:
            number = int(state["key"]) + next_key
        if not (self._folder / f"command-{number}.key").exists():
            raise DocumentError(f"{self._folder}: key {number} is missing: keys gateway --first "
                                f"{number}, where root.key is")
        return number

    def sign(self, command: Command, at_least: int = 0) -> tuple[Command, bytes]:
        """Give a command the next counter of its key, above `at_least`, and its tag."""
        with self._locked() as state:
            before = state["counter"] if command.key_id == state["key"] else 0
            counter = max(before, at_least) + 1
            if counter > _U32:
                raise DocumentError(f"key {command.key_id} is used up: go on with the next")
            state.update(key=command.key_id, counter=counter)
        numbered = command._replace(counter=counter)
        key = read_secret(self._folder / f"command-{command.key_id}.key")
        return numbered, numbered.encode(key)

    def move(self, key_id: int) -> None:
        """Go on with key `key_id`, since the gateway believes none before it."""
        with self._locked() as state:
            if key_id > state["key"]:
                state.update(key=key_id, counter=0)

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        """The state, for one at a time; what was changed in it is on disk behind it."""
        path = self._folder / STATE
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = _read(path)
            before = dict(state)
            yield state
            if state != before:
                write_secret(path, json.dumps(state).encode())
        finally:
            os.close(lock)


def _read(path: Path) -> dict[str, Any]:
    try:
        state: Any = json.loads(path.read_bytes())
    except ValueError as error:
        raise DocumentError(f"{path}: {error}") from None
    if not isinstance(state, dict) or {name: type(value) for name, value in state.items()} != {
            "gateway": str, "key": int, "counter": int}:
        raise DocumentError(f"{path}: expected gateway, key and counter")
    return state
