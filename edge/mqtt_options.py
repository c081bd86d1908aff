"""Who an MQTT client is, and how patient."""

from edge.compat import TYPE_CHECKING, const
from edge.wire import mqtt

if TYPE_CHECKING:
    from typing import Any

_RESERVE = const(256)  # bytes of the control buffer kept for the answers to one reception


class Options:
    """`status_topic` (b"": none) gets "online" or, as the will, "offline", both retained;
    keepalive_s is 30 to 1200; `codec` is of a version of MQTT."""

    def __init__(self, client_id: bytes, user: bytes = b"", password: bytes = b"",
                 status_topic: bytes = b"", keepalive_s: int = 60, codec: "Any" = mqtt) -> None:
        self.hello = codec.Hello(client_id, keepalive_s, user, password, status_topic, b"offline")
        self.reply_ms = 10_000  # for the connection, and for every answer of the broker
        self.retry_ms = 1_000  # first pause; doubles with every failure
        self.retry_max_ms = 300_000
        self.stable_ms = 30_000  # a connection that lasted so long resets the pause,
        self.spread_ms = 8_000  # and the first one after it is up to so long
        self.slot_bytes = 8_192  # the largest QoS 1 packet sent
        self.control_bytes = mqtt.HEAD + self.hello.size() + 2 * _RESERVE  # all else sent
        self.packet_bytes = 1_024  # the largest packet taken in
