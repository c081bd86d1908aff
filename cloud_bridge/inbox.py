"""Where the bridge takes messages from: what `mqtt` and `nats` have in common."""

from types import TracebackType
from typing import Protocol, Self


class BrokerError(Exception):
    """The connection to the broker is gone, or was not granted; the text says why."""


class Inbox(Protocol):
    """A context manager, for one connection: after a failure it is made anew.

    Whatever `take` gave and `done` was not called for comes again, to this bridge or another.
    """

    name: str  # of the broker, without secrets

    def __enter__(self) -> Self:
        """Connect. OSError, BrokerError."""
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Send what is still to be sent, and hang up."""
    def is_ready(self) -> bool:
        """Whether messages may be on their way."""
    def take(self, wait_s: float) -> list[tuple[str, bytes]]:
        """Wait for a message, and a moment more for others: (topic, payload). BrokerError."""
    def done(self) -> None:
        """What was taken is stored: let the broker forget it."""
    def answer(self, topic: str, payload: bytes) -> None:
        """Send something to a gateway; it may get lost."""
    def backlog(self) -> int:
        """Messages that are known to wait."""


def bare(url: str) -> str:
    """An address without name and password, for what is said of it."""
    scheme, found, rest = url.partition("://")
    return scheme + found + rest.rpartition("@")[2]
