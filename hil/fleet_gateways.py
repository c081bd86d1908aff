"""Many gateways stepped by a few processes, which take their orders by a pipe."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, NamedTuple, Self

from edge.ticks import ticks_ms
from hil.fleet_gateway import PATIENCE_S, Gateway, Told

_PROCESSES = 2
_IDLE_S = 0.002  # between looks at who is due
_ANSWER_S = 60.0
_MAKE = multiprocessing.get_context("spawn")


class Load(NamedTuple):
    """What is asked of gateways."""

    places: Sequence[tuple[str, int]]  # hosts and ports of brokers, shared out in turn
    hurry: float = 1.0  # seconds of the gateways' day in one of the wall
    patience_s: float = PATIENCE_S
    sectors: int = 128  # of 4 KB, for telemetry


class State(NamedTuple):
    """How far they are."""

    offered: int  # rows
    backlog: int  # messages


class Gateways:
    """A context manager: numbers 0 to n - 1, offering rows from `go` to `stop`."""

    def __init__(self, n: int, load: Load) -> None:
        self._pipes: list[Connection] = []
        self._processes = []
        for first in range(min(_PROCESSES, n)):
            ours, theirs = _MAKE.Pipe()
            self._pipes.append(ours)
            self._processes.append(_MAKE.Process(
                target=_run, args=(theirs, range(first, n, _PROCESSES), load), daemon=True))

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def go(self) -> None:
        """Begin to offer rows."""
        self._ask("go")

    def cut(self, number: int, silent: bool) -> None:
        """Cut the network of one."""
        self._tell(number, "cut", number, silent)

    def mend(self, number: int) -> None:
        """Mend it."""
        self._tell(number, "mend", number)

    def power_cut(self, number: int) -> None:
        """Take all that one has in memory."""
        self._tell(number, "power_cut", number)

    def stop(self) -> None:
        """No more rows; what is in memory is stored."""
        self._ask("stop")

    def state(self) -> State:
        """Of all together."""
        states = self._ask("state")
        return State(sum(one.offered for one in states), sum(one.backlog for one in states))

    def told(self) -> list[Told]:
        """In the end."""
        return sorted(one for some in self._ask("told") for one in some)

    def _tell(self, number: int, *order: Any) -> None:
        self._pipes[number % len(self._pipes)].send(order)

    def _ask(self, *order: Any) -> list[Any]:
        answers = []
        try:
            for pipe in self._pipes:
                pipe.send(order)
            for pipe in self._pipes:
                if not pipe.poll(_ANSWER_S):
                    raise OSError("a process of gateways does not answer")
                answers.append(pipe.recv())
        except (EOFError, BrokenPipeError):
            raise OSError("a process of gateways has ended") from None
        return answers


class _Some:
    """The gateways of one process."""

    def __init__(self, numbers: Sequence[int], load: Load) -> None:
        self._load = load
        self._all = {number: Gateway(number, *load.places[number % len(load.places)],
                                     load.patience_s, load.sectors) for number in numbers}
        self._due_s = dict.fromkeys(numbers, 0.0)
        self._began_s: float | None = None

    def turn(self) -> None:
        """Step whoever is due."""
        for number, gateway in self._all.items():
            now_s = time.monotonic()
            if now_s < self._due_s[number]:
                continue
            until = 0
            if self._began_s is not None:
                past_s = (now_s - self._began_s) * self._load.hurry
                until = int(past_s / gateway.period_s)
                gateway.offer(until)
            wait_ms = gateway.step(ticks_ms())
            self._due_s[number] = now_s + (wait_ms / 1000 if gateway.offered >= until else 0)

    def obey(self, order: str, *about: Any) -> Any:
        """Do what was asked; the answer, None when none is due."""
        if order == "go":
            self._began_s = time.monotonic()
        elif order == "stop":
            self._began_s = None
            for gateway in self._all.values():
                gateway.flush()
        elif order == "told":
            return [gateway.told() for gateway in self._all.values()]
        elif order == "cut":
            self._all[about[0]].line.cut(about[1])
            return None
        elif order == "mend":
            self._all[about[0]].line.mend()
            return None
        elif order == "power_cut":
            self._all[about[0]].power_cut()
            return None
        return State(sum(gateway.offered for gateway in self._all.values()),
                     sum(gateway.backlog() for gateway in self._all.values()))


def _run(pipe: Connection, numbers: Sequence[int], load: Load) -> None:
    some = _Some(numbers, load)
    while True:
        some.turn()
        while pipe.poll(_IDLE_S):
            answer = some.obey(*pipe.recv())
            if answer is not None:
                pipe.send(answer)
