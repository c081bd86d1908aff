"""From the broker into the store: a message is acknowledged when it is on disk, not before.

One thread, one loop: take what is waiting, commit it in one go, acknowledge it to the gateways,
then to the broker. While the store takes nothing, nothing is taken from the broker: the connection
is given up, and the broker (or the gateway, when the broker forgets) sends it all again.
"""

import os
import random
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click
import msgpack

from cloud_bridge.databases import STORE, Database
from cloud_bridge.fair import Fair
from cloud_bridge.inbox import BrokerError, Inbox
from cloud_bridge.intake import StoreError, Stream, TroubleError
from cloud_bridge.logs import Log, log_for
from cloud_bridge.mqtt import Broker, MqttInbox
from cloud_bridge.stopping import on_stop

if TYPE_CHECKING:
    from cloud_bridge.metrics import Metrics

_WAIT_S = 0.25  # for a message, before the loop turns
_PAUSE_S, _PAUSE_MAX_S = 0.5, 30.0  # between attempts; doubles with every failure
_STABLE_S = 30.0  # what has lasted so long resets the pause
_STATUS_S = 10.0  # between status lines
_DROP_S = 3_600.0  # between looks at what is too old
_DAY_S = 86_400



class Bridge:
    """Takes messages from one broker into one store until it is told to stop."""

    def __init__(self, open_inbox: Callable[[], Inbox], open_store: Callable[[], Database],
                 log: Log, keep_days: int | None = None, metrics: "Metrics | None" = None,
                 fair: Fair | None = None) -> None:
        """`keep_days`: batches received longer ago are dropped; None keeps them for good."""
        self.counts: Counter[str] = Counter()
        self._open_inbox = open_inbox
        self._open_store = open_store
        self._log = log
        self._keep_days = keep_days
        self._metrics = metrics
        self._fair = fair or Fair()
        self._stopping = threading.Event()
        self._status_due_s = self._drop_due_s = 0.0

    def stop(self) -> None:
        """Ask `run` to commit and acknowledge what has come, and to return."""
        self._stopping.set()

    def run(self) -> None:
        """Serve until `stop`, through every failure of broker and store. StoreError passes."""
        pause_s = _PAUSE_S
        while not self._stopping.is_set():
            began_s = time.monotonic()
            try:
                with self._open_store() as store, self._open_inbox() as inbox:
                    self._serve(inbox, store)
            except (BrokerError, OSError, sqlite3.OperationalError, TroubleError) as error:
                if time.monotonic() - began_s > _STABLE_S:
                    pause_s = _PAUSE_S
                is_store = isinstance(error, sqlite3.Error | TroubleError)
                self._fail("store" if is_store else "broker", error, pause_s)
                self._stopping.wait(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(2 * pause_s, _PAUSE_MAX_S)

    def _serve(self, inbox: Inbox, store: Database) -> None:
        was_ready = False
        while not self._stopping.is_set():
            self._turn(inbox, store, _WAIT_S)
            if inbox.is_ready() and not was_ready:
                was_ready = True
                self._log("ready", broker=inbox.name)
            self._drop_old(store)
            self._tell_status(inbox)
        self._turn(inbox, store, 0)

    def _turn(self, inbox: Inbox, store: Database, wait_s: float) -> None:
        """Commit what is waiting, then acknowledge it."""
        arrivals = inbox.take(wait_s)
        if not arrivals:
            return
        admitted = self._fair.admit(arrivals)
        if len(admitted) < len(arrivals):
            self.counts["limited"] += len(arrivals) - len(admitted)
            if self._metrics:
                self._metrics.limited(len(arrivals) - len(admitted))
        began_s = time.perf_counter()
        receipt = store.commit(admitted, int(time.time()))
        if self._metrics:
            self._metrics.committed(receipt, time.perf_counter() - began_s)
        for stream, answer in receipt.answers():
            inbox.answer(_ack_topic(stream), msgpack.packb(answer))
        inbox.done()
        self.counts.update(receipt.tally)
        self.counts["commits"] += 1

    def _drop_old(self, store: Database) -> None:
        """A little in each turn, so that messages never wait long for it."""
        if self._keep_days is None or time.monotonic() < self._drop_due_s:
            return
        n = store.drop(int(time.time()) - self._keep_days * _DAY_S)
        self.counts["dropped"] += n
        if n == 0:
            self._drop_due_s = time.monotonic() + _DROP_S

    def _tell_status(self, inbox: Inbox) -> None:
        if self._metrics:
            self._metrics.turn(inbox.is_ready(), inbox.backlog())
        if inbox.is_ready() and time.monotonic() >= self._status_due_s:
            self._status_due_s = time.monotonic() + _STATUS_S
            self._log("status", **self.counts)

    def _fail(self, place: str, error: Exception, pause_s: float) -> None:
        self._log("trouble", place=place, reason=str(error) or type(error).__name__,
                  retry_s=pause_s)
        self.counts["failures"] += 1
        if self._metrics:
            self._metrics.failed(place)


def _ack_topic(stream: Stream) -> str:
    return f"parkedge/{stream.park}/{stream.gateway}/ack"


def _broker(ctx: click.Context, parameter: click.Parameter, url: str) -> Broker:
    try:
        return Broker.parse(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _group(ctx: click.Context, parameter: click.Parameter, name: str) -> str:
    if name and not name.replace("-", "").isalnum():
        raise click.BadParameter("a group's name has letters, digits and hyphens")
    return name


def _place(ctx: click.Context, parameter: click.Parameter, text: str) -> tuple[str, int] | None:
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        raise click.BadParameter(f"{text!r} is not of the form HOST:PORT or :PORT")
    return host or "127.0.0.1", int(port)


@click.command("serve")
@click.option("--broker", envvar="PARKEDGE_BROKER", default="mqtt://127.0.0.1:1883",
              show_default=True, show_envvar=True, callback=_broker,
              help="mqtt[s]://[user[:password]@]host[:port]")
@click.option("--nats", "nats_urls", envvar="PARKEDGE_NATS", show_envvar=True, default="",
              help="nats://host:port[,nats://host:port...]: a NATS cluster instead of an MQTT "
                   "broker; as many bridges as you like.")
@click.option("--replicas", type=click.IntRange(1, 5), default=1, show_default=True,
              help="With --nats: copies of the stream, where it has to be made.")
@click.option("--store", "open_store", envvar="PARKEDGE_STORE", show_envvar=True,
              default="park.db", show_default=True, type=STORE,
              help="A SQLite file, which is made, or the address of a PostgreSQL.")
@click.option("--share", default="", callback=_group, metavar="GROUP",
              help="Share the messages with the other bridges of that group (MQTT 5).")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False),
              help="With mqtts: the certificate to trust instead of the system's.")
@click.option("--client-id", default="parkedge-bridge", show_default=True,
              help="Of this bridge alone: the broker keeps messages for it under this name. "
                   "With --share the process's number is added, and nothing kept.")
@click.option("--keep-days", type=click.IntRange(1), metavar="N",
              help="Drop telemetry received more than N days ago, and record which; evidence "
                   "stays.")
@click.option("--per-gateway", type=click.FloatRange(0, min_open=True), default=200.0,
              show_default=True,
              help="Messages a second of one gateway in the long run, ten times as many at once; "
                   "what is more it has to send again.")
@click.option("--metrics", "page", default="", callback=_place, metavar="[HOST]:PORT",
              help="/metrics and /healthz there; without a host on loopback.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object a line, and status lines.")
def main(broker: Broker, nats_urls: str, replicas: int, open_store: Callable[[], Database],
         share: str, ca: str | None, client_id: str, keep_days: int | None, per_gateway: float,
         page: tuple[str, int] | None, is_json: bool) -> None:
    """Store what gateways send, and acknowledge it once it is on disk.

    Runs until it is told to stop (Ctrl-C or SIGTERM), and then ends with what has come committed.
    A broker or a store that is out of reach is tried again and again. One bridge with a file is
    enough for a park; several with a PostgreSQL share the work of many.

    \b
    Examples:
      python -m cloud_bridge serve --broker mqtt://127.0.0.1:1883 --store park.db
      python -m cloud_bridge serve --share park --store postgresql:///parks --metrics :9100
      python -m cloud_bridge serve --nats nats://a:4222,nats://b:4222 --store postgresql:///parks
    """
    open_inbox = (_nats(nats_urls, replicas) if nats_urls
                  else lambda: MqttInbox(broker, client_id, ca, share))
    log = log_for(is_json)
    with ExitStack() as stack:
        metrics = _page(stack, page, log) if page else None
        bridge = Bridge(open_inbox, open_store, log, keep_days, metrics,
                        Fair(per_gateway, 10 * per_gateway))
        on_stop(bridge.stop)
        try:
            bridge.run()
        except StoreError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)
    log("stopped", **bridge.counts)


def _nats(urls: str, replicas: int) -> Callable[[], Inbox]:
    try:
        from cloud_bridge.nats import NatsInbox

        NatsInbox.check(urls)
    except ImportError:
        raise click.UsageError("--nats: pip install 'parkedge[scale]'") from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--nats") from None
    return lambda: NatsInbox(urls, replicas)


def _page(stack: ExitStack, place: tuple[str, int], log: Log) -> "Metrics":
    try:
        from cloud_bridge.metrics import Metrics, Page
    except ImportError:
        raise click.UsageError("--metrics: pip install 'parkedge[metrics]'") from None
    metrics = Metrics()
    try:
        opened = stack.enter_context(Page(metrics, *place))
    except OSError as error:
        raise click.BadParameter(f"{place[0]}:{place[1]}: {os.strerror(error.errno or 0)}",
                                 param_hint="--metrics") from None
    log("metrics", host=place[0], port=opened.port)
    return metrics
