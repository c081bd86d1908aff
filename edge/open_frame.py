"""Rows on their way into one frame of an outbox, of which what is final is stored now and then."""

from edge.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.outbox import Outbox
    from edge.wire.batch import BatchEncoder


class OpenFrame:
    """Stores what `encoder` has coded as frames of `kind`. OSError of the outbox passes through:
    nothing is forgotten then, and it may be tried again."""

    def __init__(self, outbox: "Outbox", kind: int, encoder: "BatchEncoder"):
        self._outbox = outbox
        self._kind = kind
        self._encoder = encoder
        self._stored = 0  # bytes of the encoder's buffer that are durable,
        self._rows = 0  # and its rows

    def ended(self) -> bool:
        """Whether a frame of another kind has ended it as it was: rows must begin a new one."""
        return self._stored > 0 and self._outbox.parts == 0

    def flush(self) -> None:
        """Make durable what is final of the body."""
        n = self._encoder.part()
        if n > self._stored and not self.ended():
            part = memoryview(self._encoder.buffer)[self._stored:n]
            self._outbox.extend(self._kind, part, n - self._stored)
            self._stored = n
            self._rows = self._encoder.rows

    def close(self) -> None:
        """Store what is left: the frame is whole, and the encoder begins anew."""
        n = self._encoder.finish()
        if not self.ended():
            part = memoryview(self._encoder.buffer)[self._stored:n]
            self._outbox.append(self._kind, part, n - self._stored)
        self._stored = 0
        self._rows = self._encoder.rows
        self._encoder.reset()
        self._rows = 0

    def drop(self) -> int:
        """After an internal fault: what is durable is a whole frame, the encoder begins anew, and
        the rows that were in memory only are gone. How many."""
        if self._outbox.parts:  # whether or not we have come to note it
            self._outbox.append(self._kind, b"", 0)
        lost = self._encoder.rows - self._rows
        self._stored = 0
        self._encoder.reset()
        self._rows = 0
        return lost
