"""The table of SunSpec models against the models as pysunspec2 ships them."""

import json
from importlib.resources import files

import pytest

from boards.sunspec_models import HEAD, models

KINDS = {"uint16": "u16", "int16": "i16", "enum16": "u16", "bitfield16": "u16", "count": "u16",
         "sunssf": "i16", "pad": "i16", "uint32": "u32", "int32": "i32", "bitfield32": "u32",
         "acc32": "u32", "acc64": "u64", "uint64": "u64", "float32": "f32", "string": ""}
ABSENT = {"uint16": 0xFFFF, "int16": -0x8000, "enum16": 0xFFFF, "bitfield16": 0xFFFF,
          "count": 0xFFFF, "sunssf": -0x8000, "pad": -0x8000, "uint32": 0xFFFF_FFFF,
          "int32": -0x8000_0000, "bitfield32": 0xFFFF_FFFF, "acc32": 0, "acc64": 0,
          "uint64": (1 << 64) - 1}
ASKED = {1, 101, 102, 103, 111, 112, 113, 120, 121, 122, 123, 124, 160, 201, 202, 203, 204, 211,
         212, 213, 214, 701, 702, 703, 704, 713, 802}


def told(points, at, prefix=""):
    """What the model's file says of each point, in the order of the registers."""
    for point in points:
        if prefix or point["name"] not in ("ID", "L"):
            absent = ABSENT.get(point["type"])
            yield (prefix + point["name"], at, point["size"], KINDS[point["type"]],
                   () if absent is None else (absent,), str(point.get("sf", "")).strip(),
                   point["type"] == "sunssf")
        at += point["size"]


def size(group):
    return sum(point["size"] for point in group["points"])


def shown(spots):
    return [(spot.name, spot.offset, spot.size, spot.kind, spot.na, spot.sf, spot.is_sf)
            for spot in spots]


def of_202_to_204(number, name):
    """Model 201 calls three voltages otherwise than its siblings, whose names the table has."""
    return name.replace("PPVph", "PhVph") if number in (201, 203) and "PPVph" in name else name


@pytest.mark.parametrize("number", sorted(ASKED))
def test_every_point_lies_where_the_published_model_has_it(number):
    path = files("sunspec2") / "models" / "json" / f"model_{number}.json"
    group = json.loads(path.read_text(encoding="utf-8"))["group"]
    model = models()[number]
    expected = list(told(group["points"], 0))
    at = size(group)
    for inner in group.get("groups", ()):
        points = list(told(inner["points"], at, inner["name"] + "."))
        if inner.get("count", 1) == 1:
            expected += points
            at += size(inner)
        else:
            assert model.stride == size(inner)
            assert shown(model.repeat.values()) == [
                (name.removeprefix(inner["name"] + "."), *rest) for name, *rest in points]
    fixed = [(of_202_to_204(number, name), *rest) for name, *rest in expected]
    assert shown(model.spots.values()) == fixed
    assert model.length == at - HEAD


def test_the_vendor_s_model_has_its_reserved_points_where_their_names_say():
    model = models()[64201]
    assert model.length == len(model.spots) == 52
    for name, spot in model.spots.items():
        assert spot.size == 1
        if name.startswith("Reserved"):
            assert spot.offset - HEAD == int(name.removeprefix("Reserved"))


def test_a_group_s_points_are_named_by_their_number():
    model = models()[160]
    assert [model.spot(f"DCW[{number}]").offset for number in (1, 2, 4)] == [21, 41, 81]
    for name in ("DCW", "DCW[0]", "DCW[x]", "DCW[1", "Evt[1]", "nothing"):
        assert model.spot(name) is None
