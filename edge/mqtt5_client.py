"""The MQTT client for version 5: what a broker says there, and what that changes.

A PUBACK with a reason of failure is the end of that message as far as MQTT goes; it is no success.
It is counted, and the message is dropped here, since what has no acknowledgement of the bridge's
stays in the outbox and comes again after its patience. A broker that takes smaller packets than
may have to be sent is left at once and not on the day when the first such frame is due.
"""

from edge import mqtt_client
from edge.compat import TYPE_CHECKING, const
from edge.wire import mqtt5

if TYPE_CHECKING:
    from typing import Any

_FAILED = const(0x80)  # reason codes from here on are failures, 2.4


class Options(mqtt_client.Options):
    """As for version 3.1.1."""

    def __init__(self, client_id: bytes, user: bytes = b"", password: bytes = b"",
                 status_topic: bytes = b"", keepalive_s: int = 60) -> None:
        mqtt_client.Options.__init__(self, client_id, user, password, status_topic, keepalive_s,
                                     mqtt5)


class MqttClient(mqtt_client.MqttClient):
    """One connection to one broker. `refusal` is the reason of the last CONNACK, DISCONNECT or
    PUBACK that meant a failure."""

    def __init__(self, port: "Any", options: Options) -> None:
        options.slot_bytes += 1  # for the length of the properties
        options.hello.packet_max = options.packet_bytes
        mqtt_client.MqttClient.__init__(self, port, options, mqtt5)

    def _take(self, now_ms: int) -> None:
        reader = self._reader
        kind = reader.first & 0xF0
        if kind == mqtt5.DISCONNECT and reader.parse():
            self.refusal = reader.code
            self._fail("ended by the broker", now_ms)
            return
        mqtt_client.MqttClient._take(self, now_ms)
        if kind == mqtt5.PUBACK and self.is_up() and reader.code >= _FAILED:
            self.refusal = reader.code
            self.refused += 1

    def _take_connack(self, now_ms: int) -> None:
        reader = self._reader
        said = reader.said
        if reader.body[1] == 0:
            packet_max = said.get(mqtt5.PACKET_MAX, 0)
            if 0 < packet_max < max(len(self.slot), len(self._control)):
                self._fail("the broker takes too small packets", now_ms)
                return
            if said.get(mqtt5.QOS_MAX, 1) == 0:
                self._fail("the broker takes no QoS 1", now_ms)
                return
            keepalive_s = said.get(mqtt5.KEEPALIVE, 0)
            if keepalive_s:  # 0: it does not look; we do, 3.2.2.3.14
                self._quiet_max_ms = min(keepalive_s * 750, self._quiet_max_ms)
        mqtt_client.MqttClient._take_connack(self, now_ms)
