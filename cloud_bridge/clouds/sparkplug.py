"""Sparkplug B 3.0: a park is a group, this program an edge node, each gateway a device.

Report by exception: a row becomes one DDATA with what has changed, by alias; `is_historical` when
it is older than two minutes. With a primary host (`host`) nothing is said unless its STATE says
online; when it goes, so does the session, by its NDEATH, and what waits in the store is told later.
Numbers in brackets: chapters of the specification.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cloud_bridge.clouds import Message, Told
from cloud_bridge.clouds.figures import NAMES
from cloud_bridge.clouds.spb import BOOLEAN, INT64, DecodeError, Payload, add, written

REBIRTH = "Node Control/Rebirth"
COMMANDS = "Command/"  # what a DCMD may write, and the verb behind it
_FRESH_S = 120
_TWINS = 1_000  # aliases of a device; they must be unique in the whole edge node [6.4.5]

Command = Callable[[str, str, int], None]  # gateway, verb, argument; ValueError: refused


class Target:
    """The state of one edge node. `sessions` numbers the connections (bdSeq) and outlives it."""

    def __init__(self, park: str, node: str = "parkedge", host: str = "", sessions: int = 0,
                 command: Command | None = None, verbs: Sequence[str] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self.sessions = sessions
        self.must_leave = False
        self._base = (f"spBv1.0/{park}/", f"/{node}")
        self._host = f"spBv1.0/STATE/{host}" if host else ""
        self._host_ms = -1  # time stamp of the last STATE that counted
        self._online = not host
        self._born = False
        self._seq = 0
        self._command = command
        self._verbs = tuple(verbs)
        self._last: dict[str, Told] = {}  # by gateway: what was told last
        self._alive: set[str] = set()
        self._aliases: dict[str, int] = {}  # by gateway: its first

    @property
    def ready(self) -> bool:
        """Whether data may be published."""
        return self._born

    def will(self) -> Message:
        """NDEATH of the connection that is about to be tried: only bdSeq, and no seq [4.2.1]."""
        self.sessions += 1
        self._born = self.must_leave = False
        self._online = not self._host
        return self._death()

    def subscriptions(self) -> list[str]:
        """At QoS 1, before any birth [5.4]."""
        kind, node = self._base
        wanted = [f"{kind}NCMD{node}", f"{kind}DCMD{node}/#"]
        return [*wanted, self._host] if self._host else wanted

    def connected(self, now_ms: int) -> Iterator[Message]:
        """The subscriptions stand: births, unless a primary host must come first."""
        if self._online:
            yield from self._births(now_ms)

    def take(self, topic: str, payload: bytes, now_ms: int) -> Iterator[Message]:
        """STATE, NCMD or DCMD."""
        kind, node = self._base
        if topic == self._host:
            yield from self._state(payload, now_ms)
            return
        device = topic.removeprefix(f"{kind}DCMD{node}/")
        names = {} if device == topic else self._names(device)
        try:
            values = written(payload, {alias: name for name, alias in names.items()})
        except DecodeError:
            self.counts["unreadable"] += 1
            return
        if topic == f"{kind}NCMD{node}":
            if values.get(REBIRTH) is True and self._born:
                self.counts["rebirths"] += 1
                yield from self._births(now_ms)
        elif device in self._alive:
            for name, value in values.items():
                self._write(device, name, value)

    def news(self, gateway: str, rows: list[Told], now_ms: int) -> Iterator[Message]:
        """The rows of one batch; the first of a gateway that was silent is its birth."""
        for row in rows:
            before = self._last.get(gateway)
            self._last[gateway] = row
            if gateway not in self._alive or before is None:
                self._alive.add(gateway)
                yield self._device_birth(gateway, now_ms)
                continue
            changed = {name: value for name, value in row.figures.items()
                       if value != before.figures.get(name)}
            if changed:
                yield self._data(gateway, row.utc, changed, now_ms)

    def silent(self, gateway: str, now_ms: int) -> Iterator[Message]:
        """Nothing has come of a gateway for a while: DDEATH [4.2.2]."""
        if gateway in self._alive:
            self._alive.remove(gateway)
            if self._born:
                yield self._said("DDEATH", self._payload(now_ms), gateway)

    def leaving(self, now_ms: int) -> Iterator[Message]:
        """Before a disconnection on purpose the will is published by ourselves [5.6]."""
        self._born = False
        yield self._death()

    def _state(self, payload: bytes, now_ms: int) -> Iterator[Message]:
        """The primary host's word, unless a newer one is known [5.4.2]."""
        try:
            said: Any = json.loads(payload)
            online, time_ms = said["online"], said["timestamp"]
        except (ValueError, TypeError, KeyError, RecursionError):
            self.counts["unreadable"] += 1
            return
        if not isinstance(online, bool) or type(time_ms) is not int or time_ms < self._host_ms:
            return
        self._host_ms = time_ms
        was, self._online = self._online, online
        if online and not was:
            yield from self._births(now_ms)
        self.must_leave = was and not online

    def _births(self, now_ms: int) -> Iterator[Message]:
        self._born = True
        payload = self._payload(now_ms)
        add(payload, self._session(), now_ms, "bdSeq")
        add(payload, False, now_ms, REBIRTH, kind=BOOLEAN)
        self._seq = -1  # the birth has 0
        yield self._said("NBIRTH", payload)
        for gateway in sorted(self._alive):
            yield self._device_birth(gateway, now_ms)

    def _device_birth(self, gateway: str, now_ms: int) -> Message:
        row = self._last[gateway]
        payload = self._payload(now_ms)
        for name, alias in self._names(gateway).items():
            if name.startswith(COMMANDS):
                add(payload, None, now_ms, name, alias)
            else:
                value = row.figures[name]
                is_flag = name == "fault" and value is not None
                add(payload, bool(value) if is_flag else value, row.utc * 1000, name, alias,
                    BOOLEAN if name == "fault" else INT64)
        return self._said("DBIRTH", payload, gateway)

    def _data(self, gateway: str, utc: int, changed: dict[str, int | None], now_ms: int) -> Message:
        payload, names = self._payload(now_ms), self._names(gateway)
        for name, value in changed.items():
            is_flag = name == "fault" and value is not None
            add(payload, bool(value) if is_flag else value, utc * 1000, alias=names[name],
                historical=now_ms // 1000 - utc > _FRESH_S)
        self.counts["data"] += 1
        return self._said("DDATA", payload, gateway)

    def _names(self, gateway: str) -> dict[str, int]:
        """Names and aliases of a device's metrics."""
        first = self._aliases.setdefault(gateway, (len(self._aliases) + 1) * _TWINS)
        names = (*NAMES, *(COMMANDS + verb for verb in self._verbs))
        return {name: first + at for at, name in enumerate(names)}

    def _write(self, gateway: str, name: str, value: int | bool | str) -> None:
        verb = name.removeprefix(COMMANDS)
        if self._command is None or verb not in self._verbs or verb == name \
                or isinstance(value, str):
            self.counts["refused"] += 1
            return
        try:
            self._command(gateway, verb, int(value))
            self.counts["commands"] += 1
        except ValueError:
            self.counts["refused"] += 1

    def _payload(self, now_ms: int) -> Any:
        return Payload(timestamp=now_ms)

    def _session(self) -> int:
        return (self.sessions - 1) % 256

    def _death(self) -> Message:
        kind, node = self._base
        payload = Payload()
        add(payload, self._session(), 0, "bdSeq")
        payload.metrics[0].ClearField("timestamp")  # it is not known when it will be said
        return Message(f"{kind}NDEATH{node}", payload.SerializeToString(), 1)

    def _said(self, what: str, payload: Any, gateway: str = "") -> Message:
        """All but a death is numbered, QoS 0 and not retained [6.4.3]."""
        kind, node = self._base
        self._seq = (self._seq + 1) % 256
        payload.seq = self._seq
        topic = f"{kind}{what}{node}" + (f"/{gateway}" if gateway else "")
        return Message(topic, payload.SerializeToString())
