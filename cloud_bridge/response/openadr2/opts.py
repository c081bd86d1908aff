"""What a server has to be told of its events, kept beside the feed: whoever starts anew answers as
before."""

import json
import os
from pathlib import Path
from typing import Any

from cloud_bridge.fields import DocumentError

IN, OUT = "optIn", "optOut"
_MOST = 500


class Opts:
    """By name: the revision that the gateway has judged last, and optIn or optOut. DocumentError
    when the file is none of ours; OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opts: dict[str, tuple[int, str]] = {}
        if path.exists():
            try:
                raw: Any = json.loads(path.read_text(encoding="utf-8"))
                self._opts = {str(name): (int(rev), {IN: IN, OUT: OUT}[opt])
                              for name, (rev, opt) in raw.items()}
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise DocumentError(f"{path}: is no list of opts: {error}") from None

    def get(self, name: str) -> tuple[int, str] | None:
        """(revision, opt)."""
        return self._opts.get(name)

    def put(self, name: str, rev: int, opt: str) -> bool:
        """Remember it, instead of the oldest; whether it is another than before."""
        if self._opts.get(name) == (rev, opt):
            return False
        self._opts.pop(name, None)
        self._opts[name] = rev, opt
        while len(self._opts) > _MOST:
            del self._opts[next(iter(self._opts))]
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(self._opts, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        return True
