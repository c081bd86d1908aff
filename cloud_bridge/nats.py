"""Messages out of NATS JetStream, whose server takes gateways in by MQTT: for many bridges.

The server's MQTT topics are NATS subjects with dots (`parkedge.<park>.<gateway>.b`), so one stream
catches what gateways publish, and what is published on `parkedge.<park>.<gateway>.ack` reaches
them. All bridges pull from one durable consumer; a message is acknowledged when it is stored, and
comes again, to any of them, when it was not. The stream is a way, no archive: it keeps a week at
most, and the gateways keep what no bridge has acknowledged.
"""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from cloud_bridge.batches import MAX_BYTES
from cloud_bridge.inbox import BrokerError, bare

STREAM = "PARKEDGE"
SUBJECTS = "parkedge.*.*.b"
_MOST = 500  # messages in one commit
_LINGER_S = 0.02  # to wait for more of them
_ANSWER_S = 10.0
_REDELIVER_S = 30.0  # after which what is not acknowledged goes to another bridge
_WEEK_S = 7 * 86_400
_Result = TypeVar("_Result")
_IN_USE = 10_058  # JetStream's number for "there is such a stream already"


class _Client(Client):
    """Takes subjects that are not UTF-8, which a gateway can make by MQTT. The library's own
    raises, is told the same again with every delivery, and hears nothing else meanwhile."""

    def _build_message(self, sid: int, subject: bytes, reply: bytes, data: bytes,
                       headers: dict[str, str] | None) -> Msg:
        text = subject.decode("utf-8", "replace").encode()
        message: Msg = super()._build_message(sid, text, reply, data, headers)
        return message


class NatsInbox:
    """`urls` is a comma-separated list of servers of one cluster. The loop runs only in calls."""

    def __init__(self, urls: str, replicas: int = 1, durable: str = "bridge") -> None:
        """`replicas` of the stream, where this bridge is the first and has to make it."""
        self._urls = urls.split(",")
        self.name = ",".join(map(bare, self._urls))
        self._replicas = replicas
        self._durable = durable
        self._runner = asyncio.Runner()
        self._taken: list[Msg] = []
        self._backlog = 0
        self._is_ready = False

    @staticmethod
    def check(urls: str) -> str:
        """The list itself; ValueError when one of them is no nats://host."""
        for url in urls.split(","):
            parts = urlsplit(url)
            if parts.scheme not in ("nats", "tls") or not parts.hostname:
                raise ValueError(f"{bare(url)!r} is not of the form nats://host:port or"
                                 " tls://host:port")
        return urls

    def __enter__(self) -> Self:
        try:
            self._do(self._open())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        with suppress(BrokerError, OSError):
            self._do(self._close(kind is None))
        self._runner.close()

    def is_ready(self) -> bool:
        return self._is_ready

    def backlog(self) -> int:
        return self._backlog

    def take(self, wait_s: float) -> list[tuple[str, bytes]]:
        if self._nats.is_closed:
            raise BrokerError("the connection is closed")
        if not self._taken:
            self._taken = self._do(self._fetch(wait_s))
        if self._taken:
            self._backlog = self._taken[-1].metadata.num_pending or 0
        return [(message.subject.replace(".", "/"), message.data) for message in self._taken]

    def done(self) -> None:
        taken, self._taken = self._taken, []
        self._do(self._acknowledge(taken))

    def answer(self, topic: str, payload: bytes) -> None:
        self._do(self._nats.publish(topic.replace("/", "."), payload))

    def _do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        try:
            return self._runner.run(work)
        except (NatsError, TimeoutError) as error:
            text = " ".join(str(error).split()) or type(error).__name__
            raise BrokerError(f"NATS: {text}") from None

    async def _open(self) -> None:
        async def quiet(_: Exception) -> None:
            """What fails is told by the call that fails."""

        self._nats = _Client()
        await self._nats.connect(
            self._urls, connect_timeout=round(_ANSWER_S), allow_reconnect=False, error_cb=quiet,
            name=f"parkedge-bridge-{os.getpid()}")
        stream = self._nats.jetstream(timeout=_ANSWER_S)
        try:
            await stream.stream_info(STREAM)
        except NotFoundError:
            await self._make(stream)
        self._pull = await stream.pull_subscribe(SUBJECTS, self._durable, STREAM, ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT, ack_wait=_REDELIVER_S, max_ack_pending=20_000))
        self._is_ready = True

    async def _make(self, stream: JetStreamContext) -> None:
        """Several bridges may begin at a time; one of them makes it."""
        try:
            await stream.add_stream(StreamConfig(
                STREAM, subjects=[SUBJECTS], retention=RetentionPolicy.WORK_QUEUE,
                storage=StorageType.FILE, num_replicas=self._replicas, max_age=_WEEK_S,
                max_msg_size=MAX_BYTES))
        except APIError as error:
            if error.err_code != _IN_USE:
                raise

    async def _fetch(self, wait_s: float) -> list[Msg]:
        """One, as soon as there is one; then what else is there."""
        try:
            taken: list[Msg] = await self._pull.fetch(1, max(wait_s, _LINGER_S))
        except TimeoutError:
            return []
        with suppress(NatsError, TimeoutError):
            taken += await self._pull.fetch(_MOST - 1, _LINGER_S)
        return taken

    async def _acknowledge(self, taken: list[Msg]) -> None:
        for message in taken:
            await message.ack()

    async def _close(self, is_orderly: bool) -> None:
        if is_orderly:
            await self._nats.flush(2)
        await self._nats.close()
