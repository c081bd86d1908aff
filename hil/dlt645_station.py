"""Billing meters in a park: one line of them on a real terminal or socket, each at the same plant.

Beside hil/park.py, which has those that speak Modbus; a station here has the same words.
"""

import os
import select
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from boards.profile_dlt645 import Dlt645Profile
from hil.dlt645_meter import Demand, Meter, plant_values
from hil.faults import Effect
from hil.line import Line

if TYPE_CHECKING:
    from boards.site_devices import Device
    from hil.park import Park

LINKS = ("dlt645", "dlt645_tcp")
CLOCK_AHEAD_MS = 200_000  # of the plant's time: no meter's clock is right
BILLED_W = 333_000  # this month, before the scenario begins
_CHUNK = 256
_CHARACTER_BITS = 11
_PATIENCE_S = 10.0


class Dlt645Station:
    """One meter of the site, with a window and a clock of its own. `effect` is what is wrong with
    it; what changes frames does so here as well."""

    def __init__(self, device: "Device", park: "Park", line: Line, slip_min: int) -> None:
        assert isinstance(device.profile, Dlt645Profile)
        self.name = device.name
        self.effect = Effect()
        self.struck = 0  # requests that met with that
        self._park, self._line = park, line
        ratio = device.profile.ct * device.profile.pt
        demand = Demand(slip_min=slip_min, offset_ms=CLOCK_AHEAD_MS, highest_w=float(BILLED_W))
        plant = park.plant
        values = plant_values(lambda: plant.grid_w, lambda: plant.import_ws // 3600,
                              lambda: plant.export_ws // 3600, ratio)
        self.meter = Meter(device.profile.number.replace("A", "0"), values, demand=demand,
                           ratio=ratio)

    def advance(self, now_ms: int) -> None:
        """Let its time pass, with the plant as it was."""
        if not self.effect.frozen:
            self.meter.advance(now_ms)
            self.meter.demand.power_w = float(self._park.plant.grid_w)

    def answer(self, asked: bytes) -> tuple[int, bytes]:
        """How many requests some bytes end, and what goes back."""
        before = self.meter.frames
        reply = self.meter.hear(asked)
        effect = self.effect
        self.struck += effect != Effect()
        if effect.mute or effect.hides:
            reply = b""
        elif effect.frame and reply:
            reply = effect.frame(reply, True)
        return self.meter.frames - before, reply


@contextmanager
def serve(stations: Sequence[Dlt645Station], line: Line, link: str, baud: int
          ) -> Iterator[dict[str, Any]]:
    """Serve the meters of one bus; yields the keys of the site file that lead to it. At `baud` 0
    bytes and answers take no time, otherwise as long as on the line."""
    def hear(asked: bytes) -> bytes:
        heard = [station.answer(asked) for station in stations]
        replies = b"".join(reply for _, reply in heard)
        for number in range(heard[0][0]):
            delay_ms = max(station.effect.delay_ms for station in stations)
            line.answered([(0 if number else len(replies), delay_ms)])
            if baud:
                time.sleep((len(asked) + len(replies)) * _CHARACTER_BITS / baud + delay_ms / 1000)
        return replies

    with (_on_socket(hear) if link == "dlt645_tcp" else _on_terminal(hear)) as place:
        yield place


@contextmanager
def _on_terminal(hear: Callable[[bytes], bytes]) -> Iterator[dict[str, Any]]:
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def answer(told: int) -> None:
        while told not in select.select([ours, told], [], [])[0]:
            os.write(ours, hear(os.read(ours, _CHUNK)))

    with _told(answer):  # a terminal has no parity bit, and cannot be told of one twice
        yield {"path": os.ttyname(theirs), "parity": "N"}
    os.close(ours)
    os.close(theirs)


@contextmanager
def _on_socket(hear: Callable[[bytes], bytes]) -> Iterator[dict[str, Any]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer(told: int) -> None:
            while told not in select.select([server.fileno(), told], [], [])[0]:
                with server.accept()[0] as pipe:
                    while told not in select.select([pipe.fileno(), told], [], [])[0]:
                        data = pipe.recv(_CHUNK)
                        if not data:
                            break
                        pipe.sendall(hear(data))
                    else:
                        return

        with _told(answer):
            yield {"host": "127.0.0.1", "port": server.getsockname()[1]}


@contextmanager
def _told(work: Callable[[int], None]) -> Iterator[None]:
    """Let `work` run on a thread; it is given a pipe that has something to read in the end."""
    told, tell = os.pipe()
    thread = threading.Thread(target=work, args=(told,), name="meters", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.write(tell, b"x")
        thread.join(_PATIENCE_S)
        os.close(told)
        os.close(tell)
