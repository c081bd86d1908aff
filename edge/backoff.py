"""How long to wait before the next try, so that nobody hammers and not all come at once.

The pause doubles with every failure; it is between a half and the whole of what is due. Chance is
drawn from the client's name, so that it differs between gateways and not between two runs. Where a
connection had lasted, or had been of use however short it was, the other end went, and sent all its
gateways away in the same moment: then the first pause is spread over longer. An end that goes under
when they come was of use only to those it had served by then; the others come ever more rarely.
"""

from binascii import crc32

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

_TRIES = const(12)  # what is due stops to grow here at the latest


class Backoff:
    """Of `options`: retry_ms is the first pause, retry_max_ms the longest, and spread_ms the most
    that the first one after a connection that had lasted may be. In ms, at most 300,000."""

    def __init__(self, name: bytes, options: "Any") -> None:
        self.tries = 0  # failures in a row
        self._options = options
        self._dice = crc32(name) % 65_536

    def failed(self, lasted: bool) -> int:
        """A connection has ended, or was not made; ms until the next try. `lasted`: it had stood
        long enough, or done enough, to begin anew."""
        if lasted:
            self.tries = 0
        options = self._options
        least_ms = most_ms = min(options.retry_ms << self.tries, options.retry_max_ms)
        if lasted:
            most_ms = max(most_ms, min(options.spread_ms, options.retry_max_ms))
        self.tries = min(self.tries + 1, _TRIES)
        self._dice = (self._dice * 75 + 74) % 65_537
        least_ms //= 2
        return least_ms + (most_ms - least_ms) * (self._dice & 1023) // 1023
