"""The client itself: reads the server's events, hands them to a gateway, reports what it says."""

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from cloud_bridge.fields import DocumentError
from cloud_bridge.inbox import BrokerError
from cloud_bridge.intake import TroubleError
from cloud_bridge.logs import Log
from cloud_bridge.response.announced import Announced, Said
from cloud_bridge.response.deliver import Outcome
from cloud_bridge.response.feed import Feed
from cloud_bridge.response.openadr3.asks import (
    KINDS,
    Reading,
    announce,
    content_of,
    kinds_of,
    name_of,
)
from cloud_bridge.response.openadr3.memory import Memory
from cloud_bridge.response.openadr3.reports import report
from cloud_bridge.response.openadr3.vtn import Vtn, VtnError
from edge.response.event import IMPORT_MIN, SETPOINT

_PAUSE_MAX_S = 600.0
_JITTER = 0.1
_TOLD_MAX = 10_000


class Way(Protocol):
    """To the gateway: cloud_bridge/response/deliver.py."""

    def deliver(self, feed: Feed, listed: dict[str, Announced] | None, now_utc: int
                ) -> list[Outcome]: ...


class Client:
    """`program`: the name of the server's program; `targets`: what it has granted to us, without
    which it shows no private events; `name` and `resource` are what reports are signed with;
    `heard`: all that the gateway has said."""

    def __init__(self, vtn: Vtn, program: str, way: Way, feed: Feed, memory: Memory,
                 heard: Callable[[], list[Said]], reading: Reading, name: str, resource: str,
                 log: Log, targets: Sequence[str] = ()) -> None:
        self._vtn, self._program, self._targets = vtn, program, targets
        self._way, self._feed, self._memory = way, feed, memory
        self._heard, self._reading, self._log = heard, reading, log
        self._name, self._resource = name, resource
        self._told: set[tuple[str, str]] = set()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask `run` to return."""
        self._stopping.set()

    def run(self, poll_s: float, now: Callable[[], int]) -> None:
        """Until `stop`. A failure doubles the pause, to ten minutes at most; chance keeps those
        apart who began together."""
        pause_s = poll_s
        while not self._stopping.is_set():
            good = self.turn(now(), pause_s)
            pause_s = poll_s if good else min(2 * pause_s, max(_PAUSE_MAX_S, poll_s))
            self._stopping.wait(pause_s * random.uniform(1 - _JITTER, 1 + _JITTER))

    def turn(self, now_utc: int, retry_s: float = 0) -> bool:
        """Once: list, hand over, report. Whether the list came. DocumentError and OSError: of what
        is on this machine, so nothing helps."""
        listed, good = None, True

        def trouble(place: str, error: Exception) -> None:
            self._log("trouble", place=place, reason=str(error), retry_s=retry_s)

        try:
            listed = self._list(now_utc)
        except VtnError as error:
            good = False
            trouble("vtn", error)
        self._memory.store()  # before anybody is told
        try:
            for one in self._way.deliver(self._feed, listed, now_utc):
                self._log("told", name=one.event.name, rev=one.event.rev,
                          intervals=len(one.event.intervals),
                          answer="nothing heard" if one.reason is None else one.reason or "taken")
        except BrokerError as error:
            trouble("broker", error)
        try:
            self._report(now_utc)
        except VtnError as error:
            trouble("vtn", error)
        except TroubleError as error:
            trouble("store", error)
        return good

    def _list(self, now_utc: int) -> dict[str, Announced]:
        """All events of the program that can be held, by their ids. VtnError: the list did not
        come, or not whole."""
        program = next((one for one in self._listed("programs")
                        if isinstance(one, dict) and one.get("programName") == self._program), None)
        if program is None or not isinstance(program.get("id"), str):
            raise VtnError(f"programs: found none of the name {self._program}")
        descriptors = program.get("payloadDescriptors")
        found: dict[str, Announced] = {}
        for event in self._listed("events", programID=program["id"]):
            if isinstance(event, dict) and event.get("programID") not in (None, program["id"]):
                continue  # a server may know no filter
            one = self._read(event, descriptors if isinstance(descriptors, list) else [], now_utc)
            if one is not None:
                found[one.name] = one
        return found

    def _listed(self, path: str, **query: object) -> list[Any]:
        """What is for everybody, and what is for our targets alone. VtnError."""
        found = self._vtn.listed(path, **query)
        if self._targets:
            found += self._vtn.listed(path, **query, targets=list(self._targets))
        return found

    def _read(self, event: Any, descriptors: list[Any], now_utc: int) -> Announced | None:
        """An event as a gateway holds it; None, and a line that says why, where it cannot."""
        name, content = "?", ""
        try:
            name = name_of(event)
            content = content_of(event)
            seen = self._memory.see(name, content, now_utc)
            kinds = kinds_of(event)
            made = announce(event, descriptors, seen.first_utc, now_utc, self._reading)
        except DocumentError as error:
            self._say(name, content, f"refused: {error}")
            return None
        held = next((kind for kind in KINDS if kind in kinds), None)
        for kind in kinds:
            if kind != held:
                self._say(name, content + kind, f"{kind} is not taken" + (
                    f" beside {held}" if kind in KINDS else ""))
        if made is not None:
            seen.fills = any(kind == IMPORT_MIN or (kind == SETPOINT and w < 0)
                             for _, kind, w in made.intervals)
        return made

    def _say(self, name: str, what: str, why: str) -> None:
        """Once, not with every poll."""
        if len(self._told) > _TOLD_MAX:
            self._told.clear()
        if (name, what) not in self._told:
            self._told.add((name, what))
            self._log("event", name=name, note=why)

    def _report(self, now_utc: int) -> None:
        said = self._heard()
        for event, seen, one in list(self._memory.unreported(said)):
            try:
                self._vtn.post("reports", report(event, self._name, self._resource, seen, one))
            except VtnError as error:
                if not error.refused:
                    raise
                self._log("event", name=event, note=f"no report of {one.phase}: {error}")
            else:
                self._log("reported", name=event, phase=one.phase)
            self._memory.report(one)
        self._memory.forget(said, now_utc)
