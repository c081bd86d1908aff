"""`kafka`: what is stored, on to a Kafka topic, each gateway's messages in their order.

It follows the store, not the broker: a message is passed on when it is committed and all before it
have come or never will, and the place of each stream is kept in the store when Kafka has
acknowledged. So what is on its way when something fails is passed on again (at least once), and
the key and the headers `epoch` and `seq` tell it from another. One that comes after it was given
up for lost begins its stream again there. Tried against librdkafka's own mock of a cluster, and
against no real one yet.
"""

import json
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import click
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cloud_bridge.databases import STORE, Database
from cloud_bridge.intake import StoreError, Stream, TroubleError
from cloud_bridge.stopping import on_stop

_MOST = 500  # messages of one stream in one step
_MOST_ALL = 5_000  # of all, about
_IDLE_S = 1.0  # between looks at a store that has no more
_PAUSE_S, _PAUSE_MAX_S = 1.0, 30.0  # after a failure; doubles
_FLUSH_S = 30.0  # for Kafka to acknowledge a step
_OPTIONS = {"enable.idempotence": True, "acks": "all", "linger.ms": 5, "log_level": 0}


class Copier:
    """From one store to one topic. `name` is whose place it keeps; one process at a time."""

    def __init__(self, producer: Producer, topic: str, name: str,
                 kinds: Sequence[int] = ()) -> None:
        """`kinds` of messages; none means all."""
        self.copied = 0
        self._producer = producer
        self._topic = topic
        self._name = name
        self._kinds = set(kinds)
        self._errors: list[KafkaError] = []

    def step(self, store: Database) -> int:
        """Copy some of each stream that has more: how many were looked at. TroubleError."""
        self._errors.clear()
        looked = sent = 0
        done: list[tuple[Stream, int, int]] = []
        for stream, place in store.copied(self._name).items():
            found = store.between(stream, place.seq, place.last, _MOST)
            for seq, kind, body in found:
                if not self._kinds or kind in self._kinds:
                    self._send(stream, seq, kind, body)
                    sent += 1
            # The last of them; when there are no more the end of the stream, holes included.
            done.append((stream, place.turn, found[-1][0] if len(found) == _MOST else place.last))
            looked += 1 + len(found)
            if looked > _MOST_ALL:
                break
        left = self._producer.flush(_FLUSH_S)
        if left or self._errors:
            self._producer.purge()
            raise TroubleError(f"Kafka: {self._errors[0].str() if self._errors else 'no answer'}")
        for stream, turn, seq in done:
            store.copy_done(self._name, stream, turn, seq)
        self.copied += sent
        return looked

    def _send(self, stream: Stream, seq: int, kind: int, body: bytes) -> None:
        self._producer.produce(
            self._topic, body, f"{stream.park}/{stream.gateway}".encode(),
            on_delivery=self._delivered,
            headers={"epoch": str(stream.epoch), "seq": str(seq), "kind": str(kind)})

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._errors.append(error)


def run(copier: Copier, open_store: Callable[[], Database], stopping: threading.Event) -> None:
    """Copy until `stopping`, through failures of store and Kafka. StoreError passes."""
    pause_s = _PAUSE_S
    while not stopping.is_set():
        try:
            with open_store() as store:
                while not stopping.is_set():
                    if not copier.step(store):
                        stopping.wait(_IDLE_S)
                    pause_s = _PAUSE_S
        except (TroubleError, sqlite3.OperationalError, KafkaException, BufferError) as error:
            click.echo(f"{error}; next try in {pause_s:g} s", err=True)
            stopping.wait(pause_s)
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)


@click.command("kafka")
@click.option("--store", "open_store", envvar="PARKEDGE_STORE", show_envvar=True,
              default="park.db", show_default=True, type=STORE,
              help="The bridge's SQLite file, or the address of its PostgreSQL.")
@click.option("--bootstrap", required=True, metavar="HOST:PORT[,HOST:PORT...]",
              help="Servers of the Kafka cluster to begin with.")
@click.option("--topic", default="parkedge", show_default=True)
@click.option("--name", default="kafka", show_default=True,
              help="Whose place in the store; another name begins at the beginning.")
@click.option("--kind", "kinds", type=int, multiple=True,
              help="Only messages of this kind (1 telemetry, 3 ledger ...); may be repeated.")
@click.option("--config", type=click.File("r"),
              help="A JSON object of librdkafka's options, such as security.protocol.")
@click.option("--once", is_flag=True, help="End when there is no more.")
def main(open_store: Callable[[], Database], bootstrap: str, topic: str, name: str,
         kinds: tuple[int, ...], config: Any, once: bool) -> None:
    """Pass on what is stored to Kafka, keyed by park/gateway, at least once.

    \b
    Example:
      python -m cloud_bridge kafka --store postgresql:///parks --bootstrap kafka:9092 --topic parks
    """
    try:
        options = json.load(config) if config else {}
        producer = Producer({**_OPTIONS, **options, "bootstrap.servers": bootstrap})
    except (ValueError, TypeError, KafkaException) as error:
        raise click.BadParameter(str(error), param_hint="--config") from None
    copier = Copier(producer, topic, name, kinds)
    stopping = threading.Event()
    on_stop(stopping.set)
    try:
        if once:
            with open_store() as store:
                while not stopping.is_set() and copier.step(store):
                    pass
        else:
            run(copier, open_store, stopping)
    except (StoreError, TroubleError, sqlite3.OperationalError, KafkaException) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    click.echo(f"{copier.copied} messages")
