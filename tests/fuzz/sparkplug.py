"""Any bytes as what a host writes to Sparkplug's topics or a house says: nothing but a birth or a
command of the few verbs that are allowed comes of it."""

import json

from cloud_bridge.clouds import homeassistant
from cloud_bridge.clouds.sparkplug import COMMANDS, REBIRTH, Target
from cloud_bridge.clouds.spb import BOOLEAN, Payload, add
from tests.clouds.test_sparkplug import NOW_MS, row

_VERBS = ("limit-import", "stop")
_TOPICS = ("spBv1.0/p/NCMD/parkedge", "spBv1.0/p/DCMD/parkedge/g", "spBv1.0/p/DCMD/parkedge/x",
           "spBv1.0/STATE/h", "spBv1.0/p/DCMD/parkedge/")


def _payload(name: str, value: object) -> bytes:
    made = Payload(timestamp=NOW_MS)
    add(made, value, NOW_MS, name, kind=BOOLEAN if isinstance(value, bool) else 4)
    return made.SerializeToString()


SEEDS = [_payload(REBIRTH, True), _payload(COMMANDS + "limit-import", 300_000),
         _payload(COMMANDS + "stop", True), _payload(COMMANDS + "stop", "x"),
         json.dumps({"online": True, "timestamp": NOW_MS}).encode(),
         json.dumps({"online": False, "timestamp": NOW_MS + 1}).encode(), b"online"]


def one(data: bytes) -> None:
    """On each topic, to a node that is born and has a device."""
    asked: list[tuple[str, str, int]] = []
    target = Target("p", host="h", command=lambda *told: asked.append(told), verbs=_VERBS)
    list(target.take("spBv1.0/STATE/h", SEEDS[4], NOW_MS))
    list(target.news("g", [row()], NOW_MS))
    for topic in _TOPICS:
        said = list(target.take(topic, data, NOW_MS))
        assert len(said) in (0, 2), "nothing, or the births of the node and its device"
        assert all(len(message.payload) < 4_096 for message in said)
    for gateway, verb, argument in asked:
        assert gateway == "g"
        assert verb in _VERBS
        assert -(1 << 63) <= argument < 1 << 63
    house = homeassistant.Target("p")
    house_said = list(house.take("homeassistant/status", data, NOW_MS))
    assert house_said == []
