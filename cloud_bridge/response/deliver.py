"""Events of a programme's server, handed to a gateway, and what it has said since: what the clients
of all such servers share."""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgpack

from cloud_bridge.batches import BadMessage
from cloud_bridge.command import exchange
from cloud_bridge.command_codec import Command
from cloud_bridge.command_state import Sender
from cloud_bridge.databases import Database
from cloud_bridge.fields import DocumentError
from cloud_bridge.intake import StoreError, TroubleError
from cloud_bridge.mqtt import Broker
from cloud_bridge.response import announced
from cloud_bridge.response.announced import Announced, Said
from cloud_bridge.response.feed import Feed
from edge.response import event
from edge.wire import msgpack as edge_msgpack

_TTL_S = 60  # a message that comes later is refused; the event is not
_JUDGED = frozenset({"", "known", "past", "ended"})  # of the event; all else is said of the way


class Outcome(NamedTuple):
    """What a gateway said of a revision: "" it is taken; None, nothing was heard in time."""

    event: Announced
    reason: str | None


class Delivery:
    """The way to one gateway, with the keys in `folder`. DocumentError; OSError."""

    def __init__(self, gateway: str, folder: Path, broker: str, ca: str | None, wait_s: int
                 ) -> None:
        try:
            self._place = Broker.parse(broker)
        except ValueError as error:
            raise DocumentError(f"broker: {error}") from None
        self._gateway, self._ca, self._wait_s = gateway, ca, wait_s
        self._sender = Sender(folder, gateway)

    def deliver(self, feed: Feed, listed: Mapping[str, Announced] | None, now_utc: int
                ) -> list[Outcome]:
        """Give a server's list (None where none came whole) to the feed, and hand over what the
        gateway still has to be told. What is not heard of, or was refused on the way (`full`,
        `clock`, ...), comes again with the next call. An event's `issued_utc` must not change while
        its content does not: other bytes of one revision are news to a gateway. BrokerError;
        DocumentError; OSError."""
        outcomes = []
        for one in feed.take(listed, now_utc):
            reason = self._hand(one)
            if reason in _JUDGED:
                feed.answered(one.name, one.rev, reason)
            outcomes.append(Outcome(one, reason))
            if reason is None:
                break  # it is away: the others would wait as long
        return outcomes

    def _hand(self, one: Announced) -> str | None:
        sender = self._sender
        key_id = sender.key_id()

        def sign(issued: int, nonce: int, at_least: int) -> tuple[Command, bytes]:
            return sender.sign(Command(self._gateway, key_id, 0, issued, _TTL_S, announced.VERB,
                                       one.arguments(), nonce), at_least)

        result = exchange(self._place, self._gateway, sender.keys, self._ca, self._wait_s, sign
                          ).result
        return None if result is None else "" if result.done else result.reason


def fits(one: Announced) -> bool:
    """Whether a gateway can read it: what it cannot it answers to nobody."""
    try:
        packed = msgpack.packb(one.arguments())
    except OverflowError:
        return False
    if len(packed) > event.MOST_BYTES:
        return False
    reader = edge_msgpack.Reader(event.MOST_BYTES)
    reader.start(packed, 0, len(packed))
    return event.read(reader) is not None and reader.finish() == edge_msgpack.OK


def heard(open_store: Callable[[], Database], gateway: str) -> list[Said]:
    """Everything a gateway has said of its events, in the order it came; what nobody can read is
    left to `dr events`. TroubleError: try again later."""
    park, _, name = gateway.partition("/")
    found = []
    try:
        with open_store() as store:
            for _, body in store.bodies(park, name, (announced.KIND,)):
                try:
                    found.append(announced.decode(body))
                except BadMessage:
                    continue
    except (StoreError, sqlite3.Error) as error:
        raise TroubleError(str(error)) from None
    return found
