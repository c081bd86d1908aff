"""A pulse input of a Raspberry Pi, or any Linux machine with GPIO lines: libgpiod 2.

The kernel debounces. Every event of a line has a number, so that none is missed however late they
are fetched. The contact lies between line and ground, and the chip pulls the line up.
"""

import errno
from datetime import timedelta

from boards.pulse_source import place

_MASK = (1 << 30) - 1


class GpioPulse:
    """`name` as "17", of gpiochip0, or as "gpiochip4:17". OSError when there is no such line, it is
    taken, or gpiod is missing."""

    def __init__(self, name: str, debounce_ms: int) -> None:
        try:
            import gpiod
            from gpiod.line import Bias, Edge
        except ImportError:
            raise OSError(errno.ENOENT, f"input {name} needs gpiod: pip install 'parkedge[pi]'"
                          ) from None
        chip, line = place(name)
        self._request = gpiod.request_lines(f"/dev/{chip}", consumer="parkedge", config={
            line: gpiod.LineSettings(edge_detection=Edge.RISING, bias=Bias.PULL_UP, active_low=True,
                                     debounce_period=timedelta(milliseconds=debounce_ms))})
        self._count = 0

    def count(self) -> int:
        """How many pulses there were, modulo 2^30."""
        while self._request.wait_edge_events(0):
            self._count = self._request.read_edge_events()[-1].line_seqno & _MASK
        return self._count
