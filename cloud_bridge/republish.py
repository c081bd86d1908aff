"""New rows of a store, on to others: one program a park and a target (cloud_bridge/clouds).

One thread, one loop, as in `serve`. What was told is remembered when the broker has it, so a
restart goes on where it was, and what nobody could take waits in the store.
"""

import sqlite3
import sys
import threading
import time
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import click
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from cloud_bridge.clouds import Message, Told
from cloud_bridge.clouds.follow import Follower
from cloud_bridge.inbox import BrokerError
from cloud_bridge.logs import log_for
from cloud_bridge.mqtt import Broker
from cloud_bridge.said import FOLDER
from cloud_bridge.stopping import on_stop

TARGETS = ("homeassistant", "sparkplug")
_ANSWER_S = 10.0
_PAUSE_S, _PAUSE_MAX_S = 0.5, 30.0
_STATUS_S = 10.0


class Target(Protocol):
    """What a file in cloud_bridge/clouds has; see there."""

    counts: Any
    sessions: int
    must_leave: bool

    @property
    def ready(self) -> bool: ...
    def will(self) -> Message: ...
    def subscriptions(self) -> list[str]: ...
    def connected(self, now_ms: int) -> Iterable[Message]: ...
    def take(self, topic: str, payload: bytes, now_ms: int) -> Iterable[Message]: ...
    def news(self, gateway: str, rows: list[Told], now_ms: int) -> Iterable[Message]: ...
    def silent(self, gateway: str, now_ms: int) -> Iterable[Message]: ...
    def leaving(self, now_ms: int) -> Iterable[Message]: ...


class Republisher:
    """Tells one target what one follower finds, until it is told to stop."""

    def __init__(self, broker: Broker, target: Target, follower: Follower, log: Any,
                 client_id: str, ca: str | None = None, silent_s: float = 900,
                 poll_s: float = 1) -> None:
        self._broker = broker
        self._target = target
        self._follower = follower
        self._log = log
        self._client_id = client_id
        self._ca = ca
        self._silent_s = silent_s
        self._poll_s = poll_s
        self._heard_s: dict[str, float] = {}  # by gateway
        self._stopping = threading.Event()
        self._waiting: list[tuple[str, bytes]] = []
        self._is_ready, self._trouble = False, ""
        self._status_due_s = 0.0

    def stop(self) -> None:
        """Ask `run` to say goodbye and return."""
        self._stopping.set()

    def run(self) -> None:
        """Until `stop`, through every failure of the broker, and a store that is locked."""
        pause_s = _PAUSE_S
        while not self._stopping.is_set():
            try:
                self._session()
                pause_s = _PAUSE_S
            except (BrokerError, OSError, sqlite3.OperationalError) as error:
                place = "store" if isinstance(error, sqlite3.Error) else "broker"
                self._log("trouble", place=place, reason=str(error) or type(error).__name__,
                          retry_s=pause_s)
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_MAX_S)

    def _session(self) -> None:
        """One connection, to its end in good order."""
        will = self._target.will()
        self._follower.sessions = self._target.sessions
        self._follower.keep()
        client = paho.Client(CallbackAPIVersion.VERSION2, self._client_id)
        client.connect_timeout = _ANSWER_S
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_message = self._on_message
        client.will_set(*will)
        if self._broker.user:
            client.username_pw_set(self._broker.user, self._broker.password or None)
        if self._broker.is_tls:
            client.tls_set(self._ca)
        self._waiting.clear()
        self._is_ready, self._trouble = False, ""
        try:
            client.connect(self._broker.host, self._broker.port, keepalive=60)
            self._work(client)
            self._publish(client, self._target.leaving(_now_ms()))
        finally:
            client.disconnect()

    def _work(self, client: paho.Client) -> None:
        deadline_s = time.monotonic() + _ANSWER_S
        while not self._is_ready:
            self._spin(client, 0.1)
            if time.monotonic() > deadline_s:
                raise BrokerError("no answer in time")
            if self._stopping.is_set():
                return
        self._publish(client, self._target.connected(_now_ms()))
        due_s = 0.0
        while not (self._stopping.is_set() or self._target.must_leave):
            self._spin(client, 0.1)
            for topic, payload in self._taken():
                self._publish(client, self._target.take(topic, payload, _now_ms()))
            if self._target.ready and time.monotonic() >= due_s:
                due_s = time.monotonic() + self._poll_s
                self._tell(client)
            self._tell_status()

    def _tell(self, client: paho.Client) -> None:
        """What is new, and who has fallen silent."""
        known = False
        for gateway, rows in self._follower.news():
            self._heard_s[gateway] = time.monotonic()
            self._publish(client, self._target.news(gateway, rows, _now_ms()))
            known = True
        if known:
            self._follower.keep()
        for gateway, heard_s in list(self._heard_s.items()):
            if time.monotonic() - heard_s > self._silent_s:
                del self._heard_s[gateway]
                self._publish(client, self._target.silent(gateway, _now_ms()))

    def _publish(self, client: paho.Client, messages: Iterable[Message]) -> None:
        """Hand all of it to the broker before anything else is done."""
        sent = [client.publish(*message) for message in messages]
        deadline_s = time.monotonic() + _ANSWER_S
        while any(not one.is_published() for one in sent):
            self._spin(client, 0.05)
            if time.monotonic() > deadline_s:
                raise BrokerError("the broker takes nothing")

    def _spin(self, client: paho.Client, for_s: float) -> None:
        error = client.loop(for_s)
        if self._trouble or error != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(self._trouble or paho.error_string(error))

    def _taken(self) -> list[tuple[str, bytes]]:
        taken, self._waiting = self._waiting, []
        return taken

    def _tell_status(self) -> None:
        if time.monotonic() >= self._status_due_s:
            self._status_due_s = time.monotonic() + _STATUS_S
            self._log("status", **self.counts())

    def counts(self) -> dict[str, int]:
        """What was told, taken and refused so far."""
        return {**self._target.counts, **self._follower.counts}

    def _on_connect(self, client: paho.Client, userdata: object, flags: paho.ConnectFlags,
                    reason: Any, properties: object) -> None:
        if reason.is_failure:
            self._trouble = f"refused: {reason}"
        else:
            client.subscribe([(topic, 1) for topic in self._target.subscriptions()])

    def _on_subscribe(self, client: paho.Client, userdata: object, mid: int, reasons: list[Any],
                      properties: object) -> None:
        if any(reason.is_failure for reason in reasons):
            self._trouble = "may not subscribe"
            return
        self._is_ready = True
        self._log("ready", broker=f"{self._broker.host}:{self._broker.port}")

    def _on_message(self, client: paho.Client, userdata: object,
                    message: paho.MQTTMessage) -> None:
        try:
            self._waiting.append((message.topic, bytes(message.payload)))
        except UnicodeDecodeError:
            self._target.counts["unreadable"] += 1


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _url(ctx: click.Context, parameter: click.Parameter, url: str | None) -> Broker | None:
    try:
        return None if url is None else Broker.parse(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("republish")
@click.argument("target", type=click.Choice(TARGETS))
@click.option("--park", required=True, help="The park whose gateways are told of.")
@click.option("--store", "path", default="park.db", show_default=True,
              type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--broker", envvar="PARKEDGE_BROKER", default="mqtt://127.0.0.1:1883",
              show_default=True, show_envvar=True, callback=_url,
              help="mqtt[s]://[user[:password]@]host[:port]")
@click.option("--cursor", type=click.Path(dir_okay=False, path_type=Path),
              help="File that keeps how far it has come; STORE.PARK.TARGET without it.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False),
              help="With mqtts: the certificate to trust instead of the system's.")
@click.option("--silent-s", default=900, show_default=True, type=click.IntRange(1),
              help="A gateway of which nothing came for so long is told to be gone.")
@click.option("--host", default="", help="sparkplug: primary host to wait for.")
@click.option("--commands", "folder", type=FOLDER,
              help="sparkplug: what a host writes is signed with the keys in DIR/GATEWAY/cloud.")
@click.option("--gateways", "gateways", callback=_url,
              help="Broker of the gateways, for commands; that of --broker without it.")
@click.option("--lease-s", default=900, show_default=True, type=click.IntRange(1, 86_400),
              help="How long a command holds unless the host writes it again.")
@click.option("--currency", default="", help="homeassistant: of price and cost, e.g. EUR.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object a line, and status lines.")
def main(target: str, park: str, path: Path, broker: Broker, cursor: Path | None, ca: str | None,
         silent_s: int, host: str, folder: Path | None, gateways: Broker | None, lease_s: int,
         currency: str, is_json: bool) -> None:
    """Tell Sparkplug B hosts or Home Assistant what the gateways of a park have sent.

    Follows the store and goes on where it was; begins with the newest batches. Ends in good order
    on Ctrl-C or SIGTERM.

    \b
    Example:
      python -m cloud_bridge republish sparkplug --park demo --store park.db
      python -m cloud_bridge republish sparkplug --park demo --store park.db --commands keys
    """
    log = log_for(is_json)
    keys: dict[str, Any] = {"host": host} if target == "sparkplug" else {"currency": currency}
    commanding = None
    if folder and target != "sparkplug":
        raise click.BadParameter(f"{target} has no commands", param_hint="--commands")
    if folder:
        from cloud_bridge.clouds.commanding import Commanding
        from cloud_bridge.command_codec import VERBS

        commanding = Commanding(gateways or broker, park, folder, lease_s, log, ca)
        keys.update(command=commanding, verbs=tuple(VERBS))
    try:
        made = import_module(f"cloud_bridge.clouds.{target}").Target
    except ImportError as error:
        click.echo(f"Error: {error}: pip install 'parkedge[{target}]'", err=True)
        sys.exit(1)
    try:
        with Follower(path, cursor or path.with_name(f"{path.name}.{park}.{target}"),
                      park) as follower:
            one = Republisher(broker, made(park, sessions=follower.sessions, **keys), follower,
                              log, f"parkedge-{target}-{park}", ca, silent_s)
            on_stop(one.stop)
            one.run()
    except (sqlite3.Error, ValueError) as error:
        click.echo(f"Error: {path}: {error}", err=True)
        sys.exit(1)
    finally:
        if commanding:
            commanding.close()
    log("stopped", **one.counts())
