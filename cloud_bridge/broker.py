"""A broker inside the process, for the demo and for trying things: amqtt on loopback.

It is no broker for a plant. What amqtt 0.12.1 does otherwise than MQTT 3.1.1 asks, or than a real
broker does (all harmless here, since only the bridge's acknowledgement frees a frame):
- sessions and what they wait for are in memory alone, and without a limit;
- a subscriber that owes a PUBACK for 5 s never gets that message again, not even on reconnecting;
- a message goes to a subscriber at the publisher's QoS, whatever was granted;
- for a client without a user name nothing is kept while it is away: hence `user`.
"""

import asyncio
import logging
import threading
from types import TracebackType
from typing import Self

from amqtt.broker import Broker
from amqtt.errors import BrokerError

_START_S = 10.0
_STOP_S = 5.0  # for an orderly stop; less than _START_S, so that what follows has time


class _Tidy(Broker):  # type: ignore[misc]  # amqtt is published without types
    """amqtt's broker, which leaves a connection open when its handler is cancelled."""

    async def stream_connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                               listener_name: str) -> None:
        try:
            await super().stream_connected(reader, writer, listener_name)
        except asyncio.CancelledError:
            writer.transport.abort()
            raise


class EmbeddedBroker:
    """A context manager: inside, clients connect to `host`, `port` with the name `user`."""

    name = "amqtt"
    host = "127.0.0.1"
    user = "demo"

    def __init__(self, port: int = 0) -> None:
        """Choose the TCP port, 0 for a free one."""
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker", daemon=True)
        self._broker: Broker | None = None

    @property
    def url(self) -> str:
        """As `serve --broker` wants it."""
        return f"mqtt://{self.user}@{self.host}:{self.port}"

    def __enter__(self) -> Self:
        """Start it. OSError when the port is taken."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(_START_S)
        except BrokerError as error:
            self._end()
            raise OSError(str(error)) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        broker, self._broker = self._broker, None
        if broker is None:
            return  # it has ended, or never began
        try:
            asyncio.run_coroutine_threadsafe(self._stop(broker), self._loop).result(_START_S)
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._loop.close()

    async def _stop(self, broker: Broker) -> None:
        """End it in order, or, when a client that owes an answer holds that up, at once: all it
        knows is in memory and ends with it."""
        try:
            await asyncio.wait_for(broker.shutdown(), _STOP_S)
        except TimeoutError:
            for server in broker._servers.values():
                await server.close_instance()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports are closed by the loop's next turn

    async def _start(self) -> None:
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"{self.host}:{self.port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin":
                        {"allow_anonymous": False}},
        }
        broker = _Tidy(config)
        await broker.start()
        self._broker = broker
        listener = broker._servers["default"].instance  # there is no public way to the port
        self.port = listener.sockets[0].getsockname()[1]
