"""Little parks and loads for the tests of the emulator."""

from __future__ import annotations

import gzip
from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from boards.site import Site, load
from hil.dut import InProcess
from hil.emulate import Emulator, image_of, plant_of
from hil.feed import Measured
from hil.lockstep import INPUTS
from hil.series import Series

ROOT = Path(__file__).resolve().parent.parent.parent
FOUNDRY = ROOT / "examples" / "foundry" / "site.toml"
START = datetime(2026, 6, 10)
MOMENT = (9657, 0)  # the same in UTC days; the hour does not matter to what is tested


def foundry() -> Site:
    return load(FOUNDRY)


def series(watts: Sequence[int], step_s: int = 900, start: datetime = START) -> Series:
    return Series(start, step_s, tuple(watts), (False,) * len(watts))


def emulator(watts: Sequence[int], pv: Sequence[int] | None = None, beat_s: int = 60,
             image: dict[str, Any] | None = None, dut: Any = None, **settings: Any) -> Emulator:
    """The foundry with a load (and PV) given a quarter-hour at a time, not yet run."""
    image = image or image_of(foundry(), beat_s)
    feed = Measured(series(watts), beat_s)
    sun = Measured(series(pv), beat_s) if pv is not None else None
    return Emulator(dut or InProcess(image), plant_of(image), feed, sun, MOMENT, beat_s, **settings)


class Scripted:
    """A device under test that commands what it was told to, and remembers what it was shown."""

    def __init__(self, setpoints: Sequence[int], width: int) -> None:
        self.names = INPUTS
        self.row = array("i", bytes(4 * width))
        self.shown: list[dict[str, int]] = []
        self._setpoints = list(setpoints)

    def beat(self, inputs: array[int]) -> int:
        self.shown.append(dict(zip(INPUTS, inputs, strict=True)))
        return self._setpoints[(len(self.shown) - 1) % len(self._setpoints)]

    def close(self) -> None:
        pass


def write_load(path: Path, kilowatts: Sequence[float], start: datetime, filled: Sequence[int] = ()
               ) -> Path:
    """A load file of 15-minute means."""
    marks = filled or [0] * len(kilowatts)
    lines = [f"{(start + timedelta(minutes=15 * at)).isoformat()},{kw},{mark}"
             for at, (kw, mark) in enumerate(zip(kilowatts, marks, strict=True))]
    text = "\n".join(["timestamp,kW,filled", *lines, ""])
    with gzip.open(path, "wt", encoding="ascii") as file:
        file.write(text)
    return path
