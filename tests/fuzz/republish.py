"""Any rows, under any birth, as what is told on to Sparkplug and to Home Assistant: told or left
out, and never the end of the program that tells for a whole park."""

import json

import msgpack

from cloud_bridge.clouds import homeassistant, sparkplug
from cloud_bridge.clouds.figures import NAMES, told
from cloud_bridge.clouds.spb import Payload
from cloud_bridge.queries.births import Birth
from cloud_bridge.store import field_names
from edge.journal import FIELDS
from tests.clouds.test_sparkplug import NOW_MS

_DAY = 9657


def _rows(*rows: list[int]) -> bytes:
    return b"".join(value.to_bytes(4, signed=True) for row in rows for value in row)


def _row(day: int, second: int, flags: int, more: int) -> list[int]:
    values = dict.fromkeys(FIELDS, more) | {"day": day, "second": second, "flags": flags}
    return list(values.values())


_BIRTH = msgpack.packb({"v": "1", "fields": ["day", "x"], "beat_s": 1, "rules": ["ramp"]})
SEEDS = [bytes([0]) + _rows(_row(_DAY, 40_000, -1, 5), _row(_DAY, 40_015, -1, 6)),
         bytes([0]) + _rows(_row((1 << 31) - 1, 0, -1, (1 << 31) - 1)),
         bytes([len(_BIRTH)]) + _BIRTH + _rows(_row(_DAY, 5, -1, -1))]


def one(data: bytes) -> None:
    """The length of a birth, a birth, and the values of rows, four bytes each."""
    birth = data[1:1 + data[0]] if data else b""
    known = Birth.read(1, birth).of(len(FIELDS))
    assert len(known.fields) == len(FIELDS)
    assert len(field_names(birth, len(FIELDS))) == len(FIELDS)
    values = [int.from_bytes(data[at:at + 4], signed=True)
              for at in range(1 + len(birth), len(data) - 3, 4)]
    rows = [told(FIELDS, values[at:at + len(FIELDS)])
            for at in range(0, len(values) - len(FIELDS) + 1, len(FIELDS))]
    known_rows = [row for row in rows if row]
    if not known_rows:
        return
    node = sparkplug.Target("p")
    list(node.connected(NOW_MS))
    for message in node.news("g", known_rows, NOW_MS):
        Payload().ParseFromString(message.payload)
    house = homeassistant.Target("p")
    for message in house.news("g", known_rows, NOW_MS):
        if message.topic.endswith("/ha"):
            assert {*json.loads(message.payload)} >= {*NAMES} - {"soc_pm", "price_e4", "cost_e4"}
