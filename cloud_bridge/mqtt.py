"""Messages out of an MQTT broker: alone with a session of one's own, or shared between many.

Alone (MQTT 3.1.1) the broker keeps what comes while the bridge is away. Shared (MQTT 5,
`$share/NAME/...`) each bridge gets a part and keeps no session: what one had in hand when it died
comes again from the gateway. Either way a message is acknowledged to the broker when it is stored
and not before, and nothing is read while the store is busy: the socket fills, and the broker waits.
"""

import os
import socket
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud_bridge.inbox import BrokerError, bare

TOPICS = "parkedge/+/+/b"
_MOST = 1_000  # messages in one commit
_MOST_BYTES = 16 * 1024 * 1024  # of them
_LINGER_S = 0.05  # to wait for more of them, at most
_QUIET_S = 0.002  # without a message ends that wait
_ANSWER_S = 10.0  # for the broker's answers
_FLUSH_S = 2.0  # for what is still to be sent at the end


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
            raise ValueError(f"{bare(url)!r} is not of the form mqtt://host:port or"
                             " mqtts://host:port")
        is_tls = parts.scheme == "mqtts"
        port = parts.port or (8883 if is_tls else 1883)
        return cls(parts.hostname, port, is_tls,
                   unquote(parts.username or ""), unquote(parts.password or ""))


class MqttInbox:
    """A new client for each connection: nothing of a broken one is carried over."""

    def __init__(self, broker: Broker, client_id: str = "parkedge-bridge", ca: str | None = None,
                 share: str = "") -> None:
        """`share` is the name of the bridges' group; `client_id` is of this one alone."""
        self.name = f"{broker.host}:{broker.port}"
        self._broker = broker
        self._topics = f"$share/{share}/{TOPICS}" if share else TOPICS
        self._is_shared = bool(share)
        self._taken: list[tuple[int, str, bytes]] = []  # packet identifier, topic, payload
        self._bytes = 0
        self._is_ready, self._trouble = False, ""
        self._deadline_s = 0.0
        if share:
            self._client = paho.Client(CallbackAPIVersion.VERSION2, f"{client_id}-{os.getpid()}",
                                       protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True)
        else:
            self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id, manual_ack=True,
                                       clean_session=False)
        self._client.connect_timeout = _ANSWER_S
        self._client.on_socket_open = _send_at_once
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        if broker.user:
            self._client.username_pw_set(broker.user, broker.password or None)
        if broker.is_tls:
            self._client.tls_set(ca)

    def __enter__(self) -> Self:
        if self._is_shared:
            limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            limits.ReceiveMaximum = _MOST
            limits.SessionExpiryInterval = 0
            self._client.connect(self._broker.host, self._broker.port, 60, clean_start=True,
                                 properties=limits)
        else:
            self._client.connect(self._broker.host, self._broker.port, 60)
        self._deadline_s = time.monotonic() + _ANSWER_S
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        with suppress(BrokerError):
            deadline_s = time.monotonic() + _FLUSH_S
            while kind is None and self._client.want_write() and time.monotonic() < deadline_s:
                self._spin(0.05)
        self._client.disconnect()

    def is_ready(self) -> bool:
        return self._is_ready

    def backlog(self) -> int:
        return len(self._taken)

    def take(self, wait_s: float) -> list[tuple[str, bytes]]:
        """Messages of an earlier session come at once, before the answer to the subscription."""
        if not self._taken:
            self._spin(wait_s)
        if not self._is_ready and time.monotonic() > self._deadline_s:
            raise BrokerError("no answer in time")
        deadline_s = time.monotonic() + _LINGER_S
        n = 0
        while (n < len(self._taken) < _MOST and self._bytes < _MOST_BYTES
               and time.monotonic() < deadline_s):
            n = len(self._taken)
            self._spin(_QUIET_S)
        return [message[1:] for message in self._taken]

    def done(self) -> None:
        for packet_id, _, _ in self._taken:
            self._client.ack(packet_id, 1)
        self._taken.clear()
        self._bytes = 0

    def answer(self, topic: str, payload: bytes) -> None:
        """At QoS 0: it is cumulative, and a gateway that misses it sends again and gets another."""
        self._client.publish(topic, payload)

    def _spin(self, for_s: float) -> None:
        """Let the client work until something happens, for_s at most."""
        error = self._client.loop(for_s)
        if self._trouble or error != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(self._trouble or paho.error_string(error))

    def _on_connect(self, client: paho.Client, userdata: object, flags: paho.ConnectFlags,
                    reason: ReasonCode, properties: Properties | None) -> None:
        if reason.is_failure:
            self._trouble = f"refused: {reason}"
        else:
            client.subscribe(self._topics, qos=1)

    def _on_subscribe(self, client: paho.Client, userdata: object, mid: int,
                      reasons: list[ReasonCode], properties: Properties | None) -> None:
        if any(reason.is_failure for reason in reasons):
            self._trouble = f"may not subscribe to {self._topics}"
        else:
            self._is_ready = True

    def _on_message(self, client: paho.Client, userdata: object,
                    message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(not UTF-8)"
        self._taken.append((message.mid, topic, bytes(message.payload)))
        self._bytes += len(message.payload)


def _send_at_once(client: paho.Client, userdata: object, pipe: Any) -> None:
    """An acknowledgement is a small packet that nothing follows: it must not wait for company."""
    pipe.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
