"""From the broker into the store: a message is acknowledged when it is on disk, not before.

One thread, one loop: take what is waiting, commit it in one go, acknowledge it to the gateways,
then to the broker. While the store takes nothing, nothing is taken from the broker: the connection
is given up, and the broker (or the gateway, when the broker forgets) sends it all again.
"""

import json
import random
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

import click
import msgpack
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud_bridge.store import Store, StoreError

TOPICS = "parkedge/+/+/b"
_MOST = 1_000  # messages in one commit
_LINGER_S = 0.05  # to wait for more of them, at most
_QUIET_S = 0.002  # without a message ends that wait
_ANSWER_S = 10.0  # for the broker's answers
_PAUSE_S, _PAUSE_MAX_S = 0.5, 30.0  # between attempts; doubles with every failure
_STABLE_S = 30.0  # what has lasted so long resets the pause
_STATUS_S = 10.0  # between status lines
_STOPS = (signal.SIGINT, signal.SIGTERM)

Log = Callable[..., None]  # log(event, key=value ...)


class BrokerError(Exception):
    """The connection to the broker is gone, or was not granted; the text says why."""


class Broker(NamedTuple):
    """Where the broker is, and who we are to it."""

    host: str
    port: int
    is_tls: bool = False
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read mqtt[s]://[user[:password]@]host[:port]; ValueError says what is wrong with it."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"{url!r} is not of the form mqtt://host:port or mqtts://host:port")
        is_tls = parts.scheme == "mqtts"
        port = parts.port or (8883 if is_tls else 1883)
        return cls(parts.hostname, port, is_tls,
                   unquote(parts.username or ""), unquote(parts.password or ""))


class Bridge:
    """Takes messages from one broker into one store until it is told to stop."""

    def __init__(self, broker: Broker, open_store: Callable[[], Store], log: Log,
                 client_id: str = "parkedge-bridge", ca: str | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._broker = broker
        self._open_store = open_store
        self._log = log
        self._client_id = client_id
        self._ca = ca
        self._stopping = threading.Event()
        self._waiting: list[tuple[int, str, bytes]] = []  # packet identifier, topic, payload
        self._is_ready = False
        self._trouble = ""
        self._status_due_s = 0.0

    def stop(self) -> None:
        """Ask `run` to commit and acknowledge what has come, and to return."""
        self._stopping.set()

    def run(self) -> None:
        """Serve until `stop`, through every failure of broker and store. StoreError passes."""
        pause_s = _PAUSE_S
        while not self._stopping.is_set():
            began_s = time.monotonic()
            try:
                with self._open_store() as store, self._connection() as client:
                    self._serve(client, store)
            except (BrokerError, OSError, sqlite3.OperationalError) as error:
                if time.monotonic() - began_s > _STABLE_S:
                    pause_s = _PAUSE_S
                place = "store" if isinstance(error, sqlite3.Error) else "broker"
                self._log("trouble", place=place, reason=str(error) or type(error).__name__,
                          retry_s=pause_s)
                self.counts["failures"] += 1
                self._stopping.wait(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(2 * pause_s, _PAUSE_MAX_S)

    @contextmanager
    def _connection(self) -> Iterator[paho.Client]:
        """A new client each time: nothing of a broken connection is carried over."""
        client = paho.Client(CallbackAPIVersion.VERSION2, self._client_id, clean_session=False,
                             manual_ack=True)
        client.connect_timeout = _ANSWER_S
        client.on_socket_open = _send_at_once
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        if self._broker.user:
            client.username_pw_set(self._broker.user, self._broker.password or None)
        if self._broker.is_tls:
            client.tls_set(self._ca)
        self._waiting.clear()  # the broker will send it again, under other identifiers
        self._is_ready, self._trouble = False, ""
        try:
            client.connect(self._broker.host, self._broker.port, keepalive=60)
            yield client
        finally:
            client.disconnect()

    def _serve(self, client: paho.Client, store: Store) -> None:
        """Messages of an earlier session come at once, before the answer to the subscription."""
        deadline_s = time.monotonic() + _ANSWER_S
        while not self._stopping.is_set():
            self._spin(client, 0.25)
            if not self._is_ready and time.monotonic() > deadline_s:
                raise BrokerError("no answer in time")
            self._gather(client)
            self._settle(client, store)
            self._tell_status()
        self._gather(client)
        self._settle(client, store)
        deadline_s = time.monotonic() + 2
        while client.want_write() and time.monotonic() < deadline_s:
            self._spin(client, 0.05)

    def _spin(self, client: paho.Client, for_s: float) -> None:
        """Let the client work until something happens, for_s at most."""
        error = client.loop(for_s)
        if self._trouble or error != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(self._trouble or paho.error_string(error))

    def _gather(self, client: paho.Client) -> None:
        """Wait a moment for more, so that one commit serves many."""
        deadline_s = time.monotonic() + _LINGER_S
        n = 0
        while n < len(self._waiting) < _MOST and time.monotonic() < deadline_s:
            n = len(self._waiting)
            self._spin(client, _QUIET_S)

    def _settle(self, client: paho.Client, store: Store) -> None:
        """Commit what is waiting, then acknowledge it.

        The acknowledgement goes out at QoS 0: it is cumulative, and a gateway that misses it
        sends again and gets another.
        """
        if not self._waiting:
            return
        receipt = store.commit([arrival[1:] for arrival in self._waiting], int(time.time()))
        for stream, seq in receipt.acks.items():
            client.publish(f"parkedge/{stream.park}/{stream.gateway}/ack",
                           msgpack.packb([1, stream.epoch, seq]))
        for packet_id, _, _ in self._waiting:
            client.ack(packet_id, 1)
        self._waiting.clear()
        self.counts.update(receipt.tally)
        self.counts["commits"] += 1

    def _tell_status(self) -> None:
        if self._is_ready and time.monotonic() >= self._status_due_s:
            self._status_due_s = time.monotonic() + _STATUS_S
            self._log("status", **self.counts)

    def _on_connect(self, client: paho.Client, userdata: object, flags: paho.ConnectFlags,
                    reason: ReasonCode, properties: Properties | None) -> None:
        if reason.is_failure:
            self._trouble = f"refused: {reason}"
        else:
            client.subscribe(TOPICS, qos=1)

    def _on_subscribe(self, client: paho.Client, userdata: object, mid: int,
                      reasons: list[ReasonCode], properties: Properties | None) -> None:
        if any(reason.is_failure for reason in reasons):
            self._trouble = f"may not subscribe to {TOPICS}"
            return
        self._is_ready = True
        self._log("ready", broker=f"{self._broker.host}:{self._broker.port}")

    def _on_message(self, client: paho.Client, userdata: object,
                    message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(not UTF-8)"
        self._waiting.append((message.mid, topic, bytes(message.payload)))


def _send_at_once(client: paho.Client, userdata: object, pipe: Any) -> None:
    """An acknowledgement is a small packet that nothing follows: it must not wait for company."""
    pipe.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _json_log(event: str, **values: Any) -> None:
    click.echo(json.dumps({"event": event, "utc": int(time.time()), **values}))


def _plain_log(event: str, **values: Any) -> None:
    if event == "trouble":
        click.echo("{place}: {reason}; next try in {retry_s:.1f} s".format(**values), err=True)
    elif event != "status":
        click.echo(" ".join([event, *map(str, values.values())]), err=True)


def _broker(ctx: click.Context, parameter: click.Parameter, url: str) -> Broker:
    try:
        return Broker.parse(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("serve")
@click.option("--broker", envvar="PARKEDGE_BROKER", default="mqtt://127.0.0.1:1883",
              show_default=True, show_envvar=True, callback=_broker,
              help="mqtt[s]://[user[:password]@]host[:port]")
@click.option("--store", "path", default="park.db", show_default=True,
              type=click.Path(dir_okay=False, path_type=Path), help="The SQLite file; is made.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False),
              help="With mqtts: the certificate to trust instead of the system's.")
@click.option("--client-id", default="parkedge-bridge", show_default=True,
              help="Of this bridge alone: the broker keeps messages for it under this name.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object a line, and status lines.")
def main(broker: Broker, path: Path, ca: str | None, client_id: str, is_json: bool) -> None:
    """Store what gateways send, and acknowledge it once it is on disk.

    Runs until it is told to stop (Ctrl-C or SIGTERM), and then ends with what has come committed.
    A broker or a store that is out of reach is tried again and again.

    \b
    Example:
      python -m cloud_bridge serve --broker mqtt://127.0.0.1:1883 --store park.db
    """
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.absolute().parent}",
                                 param_hint="--store")
    log = _json_log if is_json else _plain_log
    bridge = Bridge(broker, lambda: Store(path), log, client_id, ca)

    def stop(*_: object) -> None:
        """Once is enough: another signal must not kill an interpreter that is ending."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        bridge.stop()

    for number in _STOPS:
        signal.signal(number, stop)
    try:
        bridge.run()
    except StoreError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    log("stopped", **bridge.counts)
