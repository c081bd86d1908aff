"""Consumers of the store: a file each, found by its name (`republish NAME`).

Each has a class `Target`, a state machine that knows no sockets. It is asked for the `will` and the
`subscriptions` of each connection, and answers what happens with the messages to publish:
`connected`, `take` (a message came), `news` (rows of a gateway), `silent` (none for a while),
`leaving`. While `ready` is False no news is handed over; when `must_leave`, the connection ends in
good order. `sessions` counts the connections, and is kept between runs.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Message(NamedTuple):
    """One MQTT message to publish."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class Told(NamedTuple):
    """What one row says: figures by name, None where nobody knows."""

    utc: int
    figures: Mapping[str, int | None]
