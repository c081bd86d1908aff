"""A whole gateway whose time a rig lets pass: its buses step when they are due, then it beats.

In the rig's own process `Gateway` is enough. Run by MicroPython beside a built tree it is the same
at the end of two pipes: wire_gateway.py IMAGE OUTBOX FROM_RIG TO_RIG, the last two open files.
"""

import json
import sys

from edge.app import App
from edge.compat import TYPE_CHECKING
from edge.ticks import ticks_add, ticks_diff, ticks_ms
from hil import unix_gateway
from hil.patience import Clock, Patient

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence
    from typing import Any

_LEAD_MS = 900  # before a beat, in which its readings are fetched
_TAIL_MS = 700  # after it, in which the setpoint is written and read back
_STEPS_MAX = 40  # of the uplink behind a beat, to code the rows of it
_ACK_MS, _RETRY_MS = 2_000, 200  # the uplink's patience, here where nobody wants to wait for it


class Gateway:
    """Takes beats. `board` keeps the rows, and hands out ports that live in the time of `clock`.

    The uplink lives in real time and only steps when it is told to.
    """

    def __init__(self, image: "dict[str, Any]", board: "Any", clock: Clock) -> None:
        self.app = App(image, board)
        self._board, self._clock = board, clock
        self._span_ms = 1000 * image["site"]["beat_s"]
        self._due_ms = [0] * len(self.app.buses)
        self._beat_ms = 0  # tick of the last beat
        if self.app.client is not None:
            self.app.sync.patience_ms = self.app.sync.patience_max_ms = _ACK_MS
            options = self.app.client.options
            options.retry_ms = options.retry_max_ms = _RETRY_MS

    def begin_at(self, now_ms: int) -> None:
        """Begin at another tick than 0: the controller has had beats before."""
        self._clock.now_ms = self._beat_ms = now_ms
        self._due_ms = [now_ms] * len(self._due_ms)

    def beat(self, day: int, second: int) -> "tuple[array[int], int]":
        """Read every device, take the beat of a moment of UTC, write the setpoint; its row, and how
        many frames wait for the cloud."""
        clock = self._clock
        self._board.moment = day, second
        self._beat_ms = ticks_add(self._beat_ms, self._span_ms)
        lead_ms = ticks_add(self._beat_ms, -_LEAD_MS)
        if ticks_diff(lead_ms, clock.now_ms) > 0:
            clock.now_ms = lead_ms
        self._drive(self._beat_ms)
        self.app.beat(self._beat_ms)
        self._drive(ticks_add(self._beat_ms, min(_TAIL_MS, self._span_ms // 2)))
        for _ in range(_STEPS_MAX):
            self.app.uplink.step(ticks_ms(), True)
            if self.app.site.telemetry.oldest() is None:  # a row is coded in several steps
                break
        return self._board.rows[-1], self.app.outbox.backlog()

    def climb(self) -> "tuple[bool, int, str]":
        """Let the uplink do a step: whether it is connected, what waits, and what is wrong."""
        client = self.app.client
        self.app.uplink.step(ticks_ms(), True)
        return (client is not None and client.is_up(), self.app.outbox.backlog(),
                "connected" if client is None or not client.fault else str(client.fault))

    def flush(self) -> None:
        """Store the rows of the open batch as well."""
        self.app.uplink.flush()

    def counts(self) -> "dict[str, int]":
        """What happened on the buses."""
        buses = self.app.buses
        return {"requests": sum([bus.requests for bus in buses]),
                "timeouts": sum([bus.timeouts for bus in buses]),
                "exceptions": sum([bus.exceptions for bus in buses]),
                "crc_errors": sum([bus.crc_errors() for bus in buses]),
                "foreign": sum([bus.foreign() for bus in buses]),
                "breaks": sum([bus.breaks for bus in buses]),
                "changed": sum([driver.lease.changed for bus in buses for driver in bus.drivers
                                if getattr(driver, "lease", None)]),
                "hasty": sum([getattr(port, "hasty", 0) for port in self._board.ports])}

    def close(self) -> None:
        """Leave the broker, close the buses and the files."""
        if self.app.client is not None:
            self.app.client.leave(ticks_ms())
        for bus in self.app.buses:
            bus.close()
        self._board.close()

    def _drive(self, until_ms: int) -> None:
        """Step the buses, each when it is due, up to a tick."""
        clock, due, buses = self._clock, self._due_ms, self.app.buses
        for number in range(len(due)):
            if ticks_diff(clock.now_ms, due[number]) > 0:
                due[number] = clock.now_ms
        while True:
            number = min(range(len(due)), key=lambda n: ticks_diff(due[n], clock.now_ms))
            if ticks_diff(due[number], until_ms) >= 0:
                break
            clock.now_ms = due[number]
            due[number] = ticks_add(clock.now_ms, max(1, buses[number].step(clock.now_ms)))
        clock.now_ms = until_ms


class Pipe:
    """The way to the rig: a line of JSON each time. The rig asks for a method of the gateway, and
    while it waits for what came of that it answers what the lines ask."""

    def __init__(self, source: "Any", sink: "Any") -> None:
        self._source, self._sink = source, sink

    def read(self) -> "Any":
        """What the rig says; None: it has gone."""
        said = self._source.readline()
        return json.loads(said) if said else None

    def write(self, *words: "Any") -> None:
        """Tell the rig."""
        self._sink.write((json.dumps(words) + "\n").encode())

    def ask(self, *words: "Any") -> "Any":
        """Tell the rig, and wait for its answer."""
        self.write(*words)
        return self.read()


class FarLine:
    """What is under way on a bus, known at the other end of the pipe: it only has to be asked where
    there was a request."""

    def __init__(self, pipe: Pipe, number: int) -> None:
        self.hung_up = False
        self._pipe, self._number = pipe, number
        self._asked = 0

    def asked(self) -> None:
        self._asked += 1

    def coming(self) -> "Sequence[tuple[int, int]]":
        if not self._asked:
            return ()
        asked, self._asked = self._asked, 0
        pieces, self.hung_up = self._pipe.ask("coming", self._number, asked)
        return pieces  # type: ignore[no-any-return]

    def reset(self) -> None:
        self._asked = 0
        self.hung_up = False
        self._pipe.ask("reset", self._number)


class Board(unix_gateway.Board):
    """MicroPython's Unix port in virtual time."""

    def __init__(self, outbox: str, pipe: Pipe, clock: Clock) -> None:
        self.moment = 0, 0
        self.rows: list[array[int]] = []
        self.ports: list[Any] = []
        self._outbox, self._pipe, self._clock = outbox, pipe, clock

    def open_port(self, bus: "dict[str, Any]") -> "Any":
        port: Any = unix_gateway.Board.open_port(self, bus)
        if "interface" not in bus:  # on CAN nobody is asked
            port = Patient(bus, port, FarLine(self._pipe, len(self.ports)), self._clock)
        self.ports.append(port)
        return port

    def wall(self) -> "tuple[int, int, bool]":
        return self.moment[0], self.moment[1], True

    def keep(self, row: "array[int]", rule_names: "Any") -> None:
        self.rows = [row[:]]  # the rig has those before

    def close(self) -> None:
        pass


def _serve(image: str, outbox: str, source: str, sink: str) -> None:
    pipe = Pipe(open(int(source), "rb"), open(int(sink), "wb"))  # noqa: SIM115
    clock = Clock()
    with open(image) as file:
        loaded = json.load(file)
    gateway = Gateway(loaded, Board(outbox, pipe, clock), clock)
    pipe.write("done", [bus["link"] for bus in loaded["buses"]])
    while True:
        asked = pipe.read()
        if asked is None:
            return
        found = getattr(gateway, asked[0])(*asked[1:])
        if asked[0] == "beat":
            found = list(found[0]), found[1]
        pipe.write("done", found)


if __name__ == "__main__":
    _serve(*sys.argv[1:5])
