"""Runs on MicroPython: beats over recorded readings, under heap lock; what `hil bench` measures.

Arguments: site image, file of readings, mode; for `mark` then how many numbers a row of readings
has, and what else there is: `own` for a site with roles of its own, `remember` for four weeks
remembered, `leased` for commands in force all the time. `heap` prints a JSON line of bytes and
microseconds; `mark` writes a byte to standard error twice before and once after each beat, between
which an emulator counts instructions.
"""

import gc
import json
import sys
import time
from array import array

from hil.lockstep import INPUTS, hand_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def _used() -> int:
    """Bytes of the heap in use; only MicroPython tells."""
    gc.collect()
    told: int = gc.mem_alloc()  # type: ignore[attr-defined]
    return told


_before = _used()

from edge.controller import Controller  # noqa: E402  what follows is measured
from edge.image import load  # noqa: E402  what follows is measured
from edge.site import Site  # noqa: E402  what follows is measured

_site = Site(load(sys.argv[1]))
_controller = Controller(_site)
_core_bytes = _used() - _before


def _readings(path: str, size: int = len(INPUTS)) -> "Iterator[array[int]]":
    """The rows of a file, each in the same preallocated array."""
    row = array("i", [0] * size)
    view = memoryview(row)
    with open(path, "rb") as file:
        while file.readinto(view):
            yield row


def heap(path: str) -> None:
    """Bytes that beats allocate, and how long they take."""
    import micropython

    clock: Any = time

    beats = allocated = 0
    spent_us = 0
    for row in _readings(path):
        hand_over(_site, row)
        before = _used()
        start_us = clock.ticks_us()
        micropython.heap_lock()
        _controller.beat(row[0], row[1], row[2])
        micropython.heap_unlock()
        spent_us += clock.ticks_diff(clock.ticks_us(), start_us)
        if _site.fault is not None:  # the beat asked for heap: measure it unlocked
            raise _site.fault
        allocated += _used() - before
        if _site.telemetry.oldest() is not None:
            _site.telemetry.taken()
        beats += 1
    print(json.dumps({"beats": beats, "allocated": allocated, "us": spent_us // beats,
                      "core_bytes": _core_bytes}))


def _before_all(row: "array[int]", more: "list[str]") -> "Any":
    """What is loaded for some sites only, after all that a gateway has; returns what hands over
    the readings that not every site has."""
    if "remember" in more:
        from hil.bench_memory import remember

        remember(_site.planner, row[1])
    if "leased" in more:
        commanded: Any = _site
        for kind, value in ((0, 400_000), (2, 300), (3, 50_000), (5, 20_000)):
            commanded.leases.take(kind, value, row[0] + (1 << 28), row[0])
    if "own" in more:
        from hil.inputs import takers

        return takers(load(sys.argv[1]), _site)
    if "billed" in more:
        roles: Any = _site.roles
        return [_billed(next(role for role in roles if "meter_clock_s" in role.SIGNALS))]
    return []


def _billed(meter: "Any") -> "Any":
    """A utility's meter whose clock is 437 s ahead, read every 20 s."""
    def take(row: "array[int]") -> None:
        meter.heard_ms = row[0]
        if row[2] % 20 == 0:
            meter.take("meter_clock_s", (row[2] + 437) % 86_400, row[0])
        meter.take("max_demand_w", 150_000, row[0])
        meter.take("max_demand_at", 1_000_000, row[0])

    return take


def mark(path: str, size: int, more: "list[str]") -> None:
    """Write a byte around every beat."""
    sink: Any = getattr(sys.stderr, "buffer", sys.stderr)
    write, beat = sink.write, _controller.beat
    own = _before_all(next(_readings(path, size)), more)
    for row in _readings(path, size):
        hand_over(_site, row)
        for take in own:
            take(row)
        now_ms, day, second = row[0], row[1], row[2]
        write(b".")
        write(b".")  # what a mark costs
        beat(now_ms, day, second)
        write(b".")
        if _site.telemetry.oldest() is not None:
            _site.telemetry.taken()
    if _site.fault is not None:
        raise _site.fault


if sys.argv[3] == "heap":
    heap(sys.argv[2])
else:
    mark(sys.argv[2], int(sys.argv[4]), sys.argv[5:])
