"""Where pulses come in: names of inputs, and a source that stands for one on a machine without."""

import re
import time

_LINE = re.compile(r"(?:(gpiochip\d{1,2}):)?(\d{1,3})")
_EVERY_S = 10


def place(name: str) -> tuple[str, int]:
    """Chip and line of an input as "17" or "gpiochip4:17"; ("", 0) when it is none."""
    match = _LINE.fullmatch(name)
    return (match[1] or "gpiochip0", int(match[2])) if match else ("", 0)


class Source:
    """A pulse every ten seconds since it was opened."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def count(self) -> int:
        """How many there were."""
        return int(time.monotonic() - self._began) // _EVERY_S
