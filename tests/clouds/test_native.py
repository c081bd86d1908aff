"""Figures in each cloud's own JSON, against what the clouds document."""

import json
from importlib import import_module

import paho.mqtt.client as paho
import pytest
from jsonschema import validate
from paho.mqtt.enums import CallbackAPIVersion

from edge.journal import FIELDS
from edge.ticks import ticks_ms
from tests.clouds.accounts import CLOUDS
from tests.clouds.door import Door

NOW_S = 1_780_000_000
NUMBERS = {"type": "object", "minProperties": 8, "additionalProperties": {"type": "integer"}}
STAMPED = {"type": "object", "minProperties": 8, "additionalProperties": {
    "type": "object", "properties": {"value": {"type": "integer"}, "time": {"const": NOW_S * 1000}},
    "required": ["value", "time"], "additionalProperties": False}}


def closed(**properties):
    return {"type": "object", "properties": properties, "required": list(properties),
            "additionalProperties": False}


FORMATS = {  # topic, what the cloud documents, where the figures stand
    # help.aliyun.com 89301, Alink JSON
    "alibaba": ("/sys/a14Xib5kdYd/gw-7/thing/event/property/post", closed(
        id={"type": "string", "pattern": "^[0-9]{1,10}$"}, version={"const": "1.0"},
        params=STAMPED, method={"const": "thing.event.property.post"}),
        lambda told: {name: one["value"] for name, one in told["params"].items()}),
    # support.huaweicloud.com iot_06_v5_3010
    "huawei": ("$oc/devices/a1_gw-7/sys/properties/report", closed(services={
        "type": "array", "minItems": 1, "maxItems": 1, "items": closed(
            service_id={"const": "parkedge"}, properties=NUMBERS,
            event_time={"const": "20260528T202640Z"})}),
        lambda told: told["services"][0]["properties"]),
    # Microsoft Learn, "IoT Hub message routing query syntax": $.ct and $.ce let routes read a body
    "iothub": ("devices/gw-7/messages/events/$.ct=application%2Fjson&$.ce=utf-8", NUMBERS,
               lambda told: told),
    # thingsboard.io, MQTT API, "Telemetry"
    "thingsboard": ("v1/devices/me/telemetry", closed(ts={"const": NOW_S * 1000}, values=NUMBERS),
                    lambda told: told["values"]),
}
native = pytest.mark.parametrize("cloud", [one for one in CLOUDS if one.name in FORMATS],
                                 ids=lambda cloud: cloud.name)


@native
def test_figures_in_each_cloud_s_own_json(cloud, broker, gateway):
    """From the beat to another client of the broker, where there is no bridge."""
    topic, shape, values = FORMATS[cloud.name]
    got = []
    watcher = paho.Client(CallbackAPIVersion.VERSION2, "watcher")
    watcher.on_message = lambda _, __, message: got.append((message.topic, message.payload))
    watcher.connect(broker.host, broker.port)
    watcher.subscribe(topic, 1)
    watcher.loop_start()
    with Door(cloud, broker.port, NOW_S) as door:
        one = gateway(cloud, door.port, json_s=1)
        one.app.beat()
        one.until(lambda: len(got) >= 2)
        assert door.wrong == []
        assert [kind for kind, *_ in door.sent] == [topic] * len(door.sent)
    watcher.disconnect()
    watcher.loop_stop()
    for place, payload in got:
        assert place == topic
        told = json.loads(payload)
        validate(told, shape)
        row = one.app.site.now.row
        figures = values(told)
        assert figures["command_w"] == row[FIELDS.index("command_w")]
        assert figures["import_wh"] == 1_000 * row[FIELDS.index("import_kwh")] \
            + row[FIELDS.index("import_wh")]
        assert "grid_w" not in figures, "nothing was read yet"


FIGURES = {"grid_w": 1, "pv_w": 2}
UNTIMED = {
    "alibaba": {"id": "9", "version": "1.0", "params": FIGURES,
                "method": "thing.event.property.post"},
    "huawei": {"services": [{"service_id": "parkedge", "properties": FIGURES}]},
    "iothub": FIGURES,
    "thingsboard": FIGURES,
}


def test_nothing_is_told_before_the_first_beat(broker, gateway):
    """All that is cumulative would be zero."""
    cloud = next(cloud for cloud in CLOUDS if cloud.name == "thingsboard")
    with Door(cloud, broker.port, NOW_S) as door:
        one = gateway(cloud, door.port, json_s=1)
        one.until(one.app.client.is_up)
        for _ in range(20):
            one.app.uplink.step(ticks_ms(), True)
        assert one.app.sync.told == 0
        one.app.beat(1_000)
        one.until(lambda: len(door.sent) == 1)


@native
def test_without_the_time_the_server_s_stands_for_it(cloud):
    module = import_module(f"edge.clouds.{cloud.name}")
    _, payload = module.native(cloud.keys, 0, 9, '"grid_w":1,"pv_w":2')
    assert json.loads(payload) == UNTIMED[cloud.name]


def test_a_thingsboard_gateway_tells_of_the_device_behind_it():
    """thingsboard.io, Gateway API, "Telemetry": lists by the names of devices."""
    module = import_module("edge.clouds.thingsboard")
    topic, payload = module.native({"device": "hall-2"}, NOW_S, 1, '"grid_w":1')
    assert topic == b"v1/gateway/telemetry"
    assert json.loads(payload) == {"hall-2": [{"ts": NOW_S * 1000, "values": {"grid_w": 1}}]}
