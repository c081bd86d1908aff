"""What a Sparkplug host writes, to a gateway and back, signed."""

from __future__ import annotations

import json

import paho.mqtt.client as paho
import pytest
from click.testing import CliRunner
from paho.mqtt.enums import CallbackAPIVersion

from cloud_bridge import identity
from cloud_bridge.__main__ import main
from cloud_bridge.clouds.commanding import Commanding
from cloud_bridge.mqtt import Broker
from tests.attacks import commanded
from tests.clouds.test_sparkplug import command
from tests.sync.test_mqtt_store import message


@pytest.fixture
def gateway(tmp_path, mosquitto, monkeypatch):
    """One that takes commands under the keys of `keys gateway`; its clock is of another year, so
    what is dated by the wall clock is refused with a nonce first."""
    identity.make("p/g", tmp_path / "keys" / "g")
    secret = (tmp_path / "keys" / "g" / "gateway" / "command.key").read_bytes()
    monkeypatch.setattr(commanded, "ROOT", secret)
    made = commanded.Gateway()
    made.client = client = paho.Client(CallbackAPIVersion.VERSION2)
    sent = [0]

    def hear(client, _, asked):
        made.hear(asked.payload)
        for kind, body in made.outbox.frames[sent[0]:]:
            sent[0] += 1
            client.publish("parkedge/p/g/b", message(sent[0], kind=kind, body=body), 1)

    client.on_message = hear
    client.connect(mosquitto.host, mosquitto.port)
    client.subscribe("parkedge/p/g/cmd", 1)
    client.loop_start()
    yield made
    client.disconnect()
    client.loop_stop()


def test_a_host_writes_and_the_gateway_holds_it(feed, republish, watch, gateway, tmp_path):
    process = republish("sparkplug", "--commands", str(tmp_path / "keys"), "--lease-s", "600")
    feed.rows(0, 2)
    watch.until(lambda: watch.count("DDATA/parkedge/g"))
    said = []
    for values in ({"Command__limit-import": 250_000}, {"Command__setpoint": -50_000},
                   {"Command__floor": 1_001}):
        watch.client.publish("spBv1.0/p/DCMD/parkedge/g", command(**values), 1)
        said.append(process.wait("command"))
    assert [(one["verb"], one["args"], one["outcome"], one["reason"]) for one in said] == [
        ("limit-import", [250_000], "done", ""), ("setpoint", [-50_000, 1], "done", ""),
        ("floor", [1_001], "refused by the gateway", "arguments")]
    assert gateway.held == 2
    assert process.end() == 0


def test_without_keys_nothing_is_asked(tmp_path):
    commanding = Commanding(Broker("127.0.0.1", 9), "p", tmp_path, 900, print)
    with pytest.raises(ValueError, match="no keys"):
        commanding("g", "stop", 1)
    commanding.close()


def test_a_broker_that_is_away_is_told(tmp_path):
    identity.make("p/g", tmp_path / "g")
    said = []
    commanding = Commanding(Broker("127.0.0.1", 9), "p", tmp_path, 900,
                            lambda event, **values: said.append(values))
    commanding("g", "stop", 1)
    with pytest.raises(ValueError, match="0 asks"):
        commanding("g", "release", 0)
    while not said:
        commanding._thread.join(0.05)
    commanding.close()
    assert said[0]["outcome"] == "unheard"
    assert "127.0.0.1:9" in said[0]["reason"]
    assert json.dumps(said[0])


def test_home_assistant_has_no_commands(feed, tmp_path):
    done = CliRunner().invoke(main, ["republish", "homeassistant", "--park", "p", "--store",
                                     str(feed.path), "--commands", str(tmp_path)])
    assert done.exit_code == 2
    assert "homeassistant has no commands" in done.output
