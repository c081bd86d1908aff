"""What another client of a broker hears."""

from __future__ import annotations

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from hil.mosquitto import Mosquitto


class Heard:
    """Another maker's client of some account; what it got as (topic, payload)."""

    def __init__(self, broker: Mosquitto, user: str, password: str, *topics: str) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.username_pw_set(user, password)
        got = self.got  # and not self: a client in a ring is left to the collector, socket and all
        self.client.on_message = lambda _, __, message: got.append(
            (message.topic, message.payload))
        self.client.connect(broker.host, broker.port)
        for topic in topics:
            self.client.subscribe(topic, 1)
        self.client.loop_start()

    def __enter__(self) -> Heard:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()
