"""What Home Assistant is told, against what it documents: MQTT integration, "Device discovery
payload", and the units that its device classes take (sensor integration, "Device class")."""

import json
import re

from cloud_bridge.clouds import Told
from cloud_bridge.clouds.figures import NAMES
from cloud_bridge.clouds.homeassistant import Target

NOW_MS = 1_780_000_000_000
UNITS = {"power": {"W", "kW"}, "energy": {"Wh", "kWh"}, "battery": {"%"}, "weight": {"g", "kg"},
         "monetary": {"EUR"}}
STATES = {"power": {"measurement"}, "energy": {"total", "total_increasing"},
          "battery": {"measurement"}, "weight": {"measurement", "total", "total_increasing"},
          "monetary": {None}}


def row(utc=NOW_MS // 1000, **figures):
    return Told(utc, {**dict.fromkeys(NAMES, 0), **figures})


def by_topic(messages):
    return {message.topic: message for message in messages}


def test_a_device_says_all_that_home_assistant_needs():
    target = Target("demo", "EUR")
    said = by_topic(target.news("mill", [row(soc_pm=537, price_e4=2145, pv_w=None)], NOW_MS))
    config = said["homeassistant/device/parkedge_demo_mill/config"]
    assert (config.qos, config.retain) == (1, True)
    told = json.loads(config.payload)
    assert told["dev"]["ids"] == ["parkedge_demo_mill"]
    assert told["o"]["name"] == "parkedge"
    state = said[told["state_topic"]]
    assert state.retain is False
    values = json.loads(state.payload)
    ids = set()
    for one in told["cmps"].values():
        ids.add(one["unique_id"])
        key = re.fullmatch(r"\{\{ value_json\.(\w+) \}\}", one["value_template"])[1]
        assert key in values
        kind = one.get("device_class")
        if one["p"] == "sensor" and kind:
            assert one["unit_of_measurement"] in UNITS[kind]
            assert one.get("state_class") in STATES[kind]
    assert len(ids) == len(told["cmps"]) == 15
    assert told["cmps"]["price_e4"]["unit_of_measurement"] == "EUR/kWh"
    assert (values["soc"], values["price"], values["pv_w"]) == (53.7, 0.2145, None)
    assert [one["topic"] for one in told["availability"]] == [
        "parkedge/demo/republish", "parkedge/demo/mill/ha/available"]
    assert told["availability_mode"] == "all"
    assert said["parkedge/demo/mill/ha/available"].payload == b"online"


def test_without_a_currency_money_has_no_class():
    told = json.loads(next(iter(Target("demo").news("g", [row()], NOW_MS))).payload)
    for name in ("price_e4", "cost_e4"):
        assert "device_class" not in told["cmps"][name]
        assert "unit_of_measurement" not in told["cmps"][name]


def test_newest_row_alone_and_never_an_older_one():
    target = Target("demo")
    list(target.news("g", [row(100)], NOW_MS))
    (one,) = target.news("g", [row(160), row(130), row(190, grid_w=7)], NOW_MS)
    assert json.loads(one.payload)["utc"] == 190
    assert list(target.news("g", [row(150)], NOW_MS)) == []


def test_a_row_from_the_future_does_not_silence_those_that_follow():
    target = Target("demo")
    now_s = NOW_MS // 1000
    assert list(target.news("g", [row(now_s + 90_000)], NOW_MS)) == []
    said = list(target.news("g", [row(now_s), row(now_s + 90_000, grid_w=9)], NOW_MS))
    assert json.loads(said[-1].payload)["utc"] == now_s


def test_who_starts_late_is_told_again():
    target = Target("demo")
    assert [one.payload for one in target.connected(NOW_MS)] == [b"online"]
    list(target.news("g", [row()], NOW_MS))
    assert len(list(target.take("homeassistant/status", b"online", NOW_MS))) == 3
    assert list(target.take("homeassistant/status", b"offline", NOW_MS)) == []
    assert len(list(target.connected(NOW_MS))) == 4


def test_silence_and_a_return():
    target = Target("demo")
    list(target.news("g", [row(100)], NOW_MS))
    (gone,) = target.silent("g", NOW_MS)
    assert (gone.topic, gone.payload, gone.retain) == (
        "parkedge/demo/g/ha/available", b"offline", True)
    assert list(target.silent("g", NOW_MS)) == []
    assert by_topic(target.news("g", [row(200)], NOW_MS))[gone.topic].payload == b"online"


def test_the_will_is_what_is_said_in_leaving():
    target = Target("demo")
    (said,) = target.leaving(NOW_MS)
    assert said == target.will() == ("parkedge/demo/republish", b"offline", 1, True)
