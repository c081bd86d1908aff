"""What is under way on a bus of a rig whose time is virtual: requests, and bytes of replies.

Each bus counts them, so that the gateway's port (hil/patience.py) can wait until all have come. A
reply that is to be late is held back there until its virtual time has come.
"""

import threading
from collections import deque
from collections.abc import Sequence

from hil.patience import PATIENCE_S, RigError


class Line:
    """What is under way on one bus: the gateway's thread asks and takes, the other answers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way = 0  # requests that no simulator has dealt with yet
        self._coming: deque[tuple[int, int]] = deque()  # bytes of each piece, its delay in ms
        self.hung_up = False  # the other end has closed the connection, behind all pieces

    def asked(self) -> None:
        """The gateway has sent a request."""
        with self._changed:
            self._under_way += 1

    def answered(self, pieces: Sequence[tuple[int, int]], hung_up: bool = False) -> None:
        """A simulator has dealt with a request; pieces of so many bytes follow, each with its
        delay in ms, perhaps none, and perhaps the end of the connection."""
        with self._changed:
            self._under_way -= 1
            self._coming.extend(piece for piece in pieces if piece[0])
            self.hung_up = self.hung_up or hung_up
            self._changed.notify()

    def coming(self) -> list[tuple[int, int]]:
        """Wait until every request is dealt with; the pieces to read next. Raises RigError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._under_way <= 0, PATIENCE_S):
                raise RigError(f"no simulator has dealt with a request for {PATIENCE_S} s")
            pieces = list(self._coming)
            self._coming.clear()
            return pieces

    def reset(self) -> None:
        """A new connection: what was under way on the old one is lost."""
        with self._changed:
            self._under_way = 0
            self._coming.clear()
            self.hung_up = False
