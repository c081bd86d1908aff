"""Home Assistant: each gateway is a device that its MQTT integration discovers by itself.

One retained message a device (home-assistant.io, MQTT, "Device discovery payload"), the newest row
as JSON in `parkedge/<park>/<gateway>/ha`, and two words that must both be "online": of this program
(its will) and of the gateway. Told again whenever Home Assistant says that it has started.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from cloud_bridge.clouds import Message, Told
from edge import __version__

_STATUS = "homeassistant/status"
_AHEAD_MS = 86_400_000  # a gateway's clock may be of another zone, and of no other day


class _Entity(NamedTuple):
    name: str
    device_class: str | None
    unit: str | None
    state_class: str | None
    key: str = ""  # in the state, where it is not the figure's own name


_ENTITIES = {
    "grid_w": _Entity("Grid power", "power", "W", "measurement"),
    "pv_w": _Entity("PV power", "power", "W", "measurement"),
    "store_w": _Entity("Battery power", "power", "W", "measurement"),
    "soc_pm": _Entity("State of charge", "battery", "%", "measurement", "soc"),
    "load_w": _Entity("Load", "power", "W", "measurement"),
    "command_w": _Entity("Battery setpoint", "power", "W", "measurement"),
    "demand_w": _Entity("15-minute demand", "power", "W", "measurement"),
    "peak_w": _Entity("Billed peak", "power", "W", "measurement"),
    "target_w": _Entity("Demand target", "power", "W", "measurement"),
    "import_wh": _Entity("Imported energy", "energy", "Wh", "total_increasing"),
    "export_wh": _Entity("Exported energy", "energy", "Wh", "total_increasing"),
    "carbon_g": _Entity("Carbon emissions", "weight", "g", "total_increasing"),
    "price_e4": _Entity("Price", None, None, "measurement", "price"),
    # Not a `total`: that could not tell a gateway's new start from money earned.
    "cost_e4": _Entity("Cost", None, None, None, "cost"),
}


class Target:
    """The devices of one park."""

    ready = True
    must_leave = False

    def __init__(self, park: str, currency: str = "", sessions: int = 0) -> None:
        self.counts: Counter[str] = Counter()
        self.sessions = sessions
        self._park = park
        self._currency = currency
        self._bridge = f"parkedge/{park}/republish"
        self._last: dict[str, Told] = {}
        self._alive: set[str] = set()

    def will(self) -> Message:
        """This program is gone."""
        return Message(self._bridge, b"offline", 1, True)

    def subscriptions(self) -> list[str]:
        """Where Home Assistant says that it has started."""
        return [_STATUS]

    def connected(self, now_ms: int) -> Iterator[Message]:
        """This program is there, and all that it knows."""
        yield Message(self._bridge, b"online", 1, True)
        for gateway in sorted(self._last):
            yield from self._all(gateway)

    def take(self, topic: str, payload: bytes, now_ms: int) -> Iterator[Message]:
        """Home Assistant has started: it has forgotten the states."""
        if topic == _STATUS and payload == b"online":
            self.counts["starts"] += 1
            for gateway in sorted(self._last):
                yield from self._all(gateway)

    def news(self, gateway: str, rows: list[Told], now_ms: int) -> Iterator[Message]:
        """The newest row; what is older is for a database. A batch that comes late, after one with
        newer rows, tells nothing, nor does a row of after tomorrow, which would silence all others.
        """
        rows = [row for row in rows if row.utc * 1000 < now_ms + _AHEAD_MS]
        if not rows:
            return
        newest = max(rows, key=lambda row: row.utc)
        known = self._last.get(gateway)
        if known is not None and newest.utc <= known.utc:
            return
        self._last[gateway] = newest
        if gateway in self._alive:
            yield self._state(gateway)
            return
        self._alive.add(gateway)
        yield from self._all(gateway)

    def silent(self, gateway: str, now_ms: int) -> Iterator[Message]:
        """Nothing has come of a gateway for a while."""
        if gateway in self._alive:
            self._alive.remove(gateway)
            yield self._availability(gateway)

    def leaving(self, now_ms: int) -> Iterator[Message]:
        """What the will would say."""
        yield self.will()

    def _all(self, gateway: str) -> Iterator[Message]:
        yield self._discovery(gateway)
        yield self._availability(gateway)
        yield self._state(gateway)

    def _topic(self, gateway: str, what: str) -> str:
        return f"parkedge/{self._park}/{gateway}/{what}"

    def _availability(self, gateway: str) -> Message:
        said = b"online" if gateway in self._alive else b"offline"
        return Message(self._topic(gateway, "ha/available"), said, 1, True)

    def _state(self, gateway: str) -> Message:
        figures = dict(self._last[gateway].figures)
        soc_pm, price_e4, cost_e4 = (figures.pop(name) for name in
                                     ("soc_pm", "price_e4", "cost_e4"))
        figures["utc"] = self._last[gateway].utc
        values: dict[str, Any] = {**figures, "soc": _shifted(soc_pm, 10),
                                  "price": _shifted(price_e4, 10_000),
                                  "cost": _shifted(cost_e4, 10_000)}
        self.counts["states"] += 1
        return Message(self._topic(gateway, "ha"), json.dumps(values).encode(), 1)

    def _discovery(self, gateway: str) -> Message:
        device = f"parkedge_{self._park}_{gateway}"
        components = {name: self._component(device, name, entity)
                      for name, entity in _ENTITIES.items()}
        components["fault"] = {
            "p": "binary_sensor", "unique_id": f"{device}_fault", "name": "Fault",
            "device_class": "problem", "payload_on": "1", "payload_off": "0",
            "value_template": "{{ value_json.fault }}"}
        said = {
            "dev": {"ids": [device], "name": f"{self._park} {gateway}", "mf": "parkedge",
                    "mdl": "energy gateway"},
            "o": {"name": "parkedge", "sw": __version__},
            "availability": [{"topic": self._bridge},
                             {"topic": self._topic(gateway, "ha/available")}],
            "availability_mode": "all",
            "state_topic": self._topic(gateway, "ha"),
            "qos": 1,
            "cmps": components,
        }
        return Message(f"homeassistant/device/{device}/config", json.dumps(said).encode(), 1, True)

    def _component(self, device: str, name: str, entity: _Entity) -> dict[str, Any]:
        unit, device_class = entity.unit, entity.device_class
        if self._currency and entity.key == "price":
            unit = f"{self._currency}/kWh"
        if self._currency and entity.key == "cost":
            unit, device_class = self._currency, "monetary"
        said: dict[str, Any] = {
            "p": "sensor", "unique_id": f"{device}_{name}", "name": entity.name,
            "value_template": "{{ value_json.%s }}" % (entity.key or name)}
        if entity.state_class:
            said["state_class"] = entity.state_class
        if unit:
            said["unit_of_measurement"] = unit
        if device_class:
            said["device_class"] = device_class
        return said


def _shifted(value: int | None, factor: int) -> float | None:
    return None if value is None else value / factor
