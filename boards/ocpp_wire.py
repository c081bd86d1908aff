"""What comes over a websocket before the library `ocpp` acts on it, and what may be told of it."""

import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ocpp.exceptions import OCPPError
from ocpp.messages import Call, unpack


def unpacked(raw: str | bytes) -> Any:
    """A message of the library, or None where it is none: what json and the library's own check
    let through, as too many digits or brackets, included."""
    try:
        message = unpack(raw)
    except (OCPPError, RecursionError, TypeError, ValueError):
        return None
    names = (message.unique_id, message.action) if isinstance(message, Call) \
        else (message.unique_id,)
    fits = isinstance(raw, str) and all(isinstance(name, str) for name in names)
    return message if fits else None


class Bugs(logging.Logger):
    """The library tells every message, cards among them, and what it refuses; only what went wrong
    here is for people."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__("ocpp", logging.CRITICAL + 1)
        self._say = say

    def exception(self, *_: Any, **__: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OCPPError):
            self._say(f"internal error: {trace(error)}")


def trace(error: BaseException | None) -> str:
    """Type and place of an error, and nothing of what was said: that may be secret."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    place = f" at {Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place
