"""A Sparkplug host application of one's own, and as strict as the specification: 3.0.0, by chapter.

It decodes Protocol Buffers by hand, so that it shares nothing with what it judges.
"""

from typing import NamedTuple

_METRIC = {1: "name", 2: "alias", 3: "timestamp", 4: "datatype", 5: "is_historical", 7: "is_null",
           10: "int", 11: "long", 14: "boolean", 15: "string"}  # 6.4.1, figures of the schema
INT64, BOOLEAN = 4, 11


class Metric(NamedTuple):
    name: str | None
    alias: int | None
    time_ms: int | None
    datatype: int | None
    historical: bool
    value: int | bool | str | None


def fields(data: bytes):
    """(number, value) of everything in one message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            assert key & 7 == 2, "no other wire type is used here"
            n = varint()
            yield key >> 3, data[at:at + n]
            at += n


def metric(data: bytes) -> Metric:
    found = {_METRIC[number]: value for number, value in fields(data)}
    value = None
    if not found.get("is_null"):
        (value,) = [found[kind] for kind in ("int", "long", "boolean", "string") if kind in found]
        if "long" in found:
            value -= value >> 63 << 64
        elif "boolean" in found:
            value = bool(value)
        elif "string" in found:
            value = value.decode()
    name = found.get("name")
    return Metric(name and name.decode(), found.get("alias"), found.get("timestamp"),
                  found.get("datatype"), bool(found.get("is_historical")), value)


def payload(data: bytes):
    """(timestamp, metrics, seq); None where there is none."""
    found = list(fields(data))
    single = dict(found)
    return single.get(1), [metric(value) for number, value in found if number == 2], single.get(3)


class Host:
    """What a host knows of one edge node; an assertion fails on whatever breaks a rule."""

    def __init__(self, group: str, node: str) -> None:
        self.prefix, self.suffix = f"spBv1.0/{group}/", f"/{node}"
        self.online = False
        self.values: dict[str, dict] = {}  # by device
        self.history: list[tuple[str, int, str, object]] = []
        self._bd = self._death_bd = self._seq = None
        self._names: dict[str, dict[int, str]] = {}
        self.sessions = 0

    def connects(self, will) -> None:
        topic, data, qos, retain = will
        assert topic == f"{self.prefix}NDEATH{self.suffix}"
        assert (qos, retain) == (1, False)  # 5.4, will message
        self.online = False
        bd = self._death(data)
        if self._bd is not None:
            assert bd == (self._death_bd + 1) % 256  # 4.2.1.1: by one on every CONNECT
        self._death_bd = bd
        self.sessions += 1

    def takes(self, message) -> None:
        topic, data, qos, retain = message
        assert topic.startswith(self.prefix)
        what, _, place = topic.removeprefix(self.prefix).partition("/")
        assert ("/" + place).startswith(self.suffix)
        device = ("/" + place).removeprefix(self.suffix).removeprefix("/")
        assert retain is False
        if what == "NDEATH":
            assert self._death(data) == self._death_bd
            self.online = False
            self.values.clear()
            return
        assert qos == 0  # 6.4, births and data
        time_ms, metrics, seq = payload(data)
        assert time_ms
        if what == "NBIRTH":
            self._node_birth(metrics, seq)
            return
        assert self.online, "nothing before NBIRTH"
        assert seq == (self._seq + 1) % 256
        self._seq = seq
        getattr(self, "_" + what.lower())(device, metrics)

    def _death(self, data):
        _, metrics, seq = payload(data)
        assert seq is None  # 4.2.1.3
        (only,) = metrics
        assert (only.name, only.datatype) == ("bdSeq", INT64)
        assert 0 <= only.value <= 255
        return only.value

    def _node_birth(self, metrics, seq):
        assert seq == 0  # 4.2.1.1
        named = {one.name: one for one in metrics}
        assert named["bdSeq"].value == self._death_bd
        rebirth = named["Node Control/Rebirth"]
        assert (rebirth.datatype, rebirth.value) == (BOOLEAN, False)
        self._bd, self._seq, self.online = self._death_bd, 0, True
        self.values.clear()
        self._names.clear()

    def _dbirth(self, device, metrics):
        assert device
        known = {alias for other, names in self._names.items() if other != device
                 for alias in names}
        names = {}
        for one in metrics:
            assert one.name
            assert one.datatype in (INT64, BOOLEAN)
            assert one.time_ms
            assert one.alias not in known, "aliases are unique in the whole edge node"
            known.add(one.alias)
            names[one.alias] = one.name
        self._names[device] = names
        self.values[device] = {one.name: one.value for one in metrics}

    def _ddata(self, device, metrics):
        assert device in self.values, "no data before DBIRTH"
        assert metrics
        for one in metrics:
            assert one.name is None, "an alias stands for the name"
            assert one.time_ms
            name = self._names[device][one.alias]
            self.values[device][name] = one.value
            self.history.append((device, one.time_ms, name, one.historical))

    def _ddeath(self, device, metrics):
        assert metrics == []
        del self.values[device]
