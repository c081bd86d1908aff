"""Telemetry streams for the bench: measured blocks from files, or generated ones.

A stream is a list of blocks of consecutive records of sixteen channels, integers in the units that
the channel names carry.
"""

from __future__ import annotations

import csv
import gzip
import math
import random
from pathlib import Path

CHANNELS = ("grid_w", "battery_w", "soc_pm", "pv_w", "v1_dv", "v2_dv", "v3_dv", "i1_da", "i2_da",
            "i3_da", "freq_mhz", "import_wh", "export_wh", "co2_g", "temp_dc", "state")
STEPS = {"1s": 1, "15s": 15, "60s": 60, "1c": 1}
_COARSE_W = 100  # to which "1c" has the powers of "1s"

Block = list[list[int]]


def load(folder: Path | None, name: str) -> list[Block]:
    """The stream of that name: FOLDER/NAME.csv.gz, or a generated one where there is no folder.
    "1c" is made of "1s" where it is no file."""
    path = folder and folder / f"{name}.csv.gz"
    if path and (path.exists() or name != "1c"):
        return read(path)
    if name == "1c":
        return [[_coarse(record) for record in block] for block in load(folder, "1s")]
    return generate(STEPS[name])


def _coarse(record: list[int]) -> list[int]:
    return [(value + _COARSE_W // 2) // _COARSE_W * _COARSE_W if channel.endswith("_w") else value
            for channel, value in zip(CHANNELS, record, strict=True)]


def steps(blocks: list[Block]) -> dict[str, int]:
    """In what steps each channel moves: the greatest that all its values are multiples of. One
    that never moves shows none."""
    columns = zip(*(record for block in blocks for record in block), strict=True)
    return {channel: math.gcd(*column) for channel, column in zip(CHANNELS, columns, strict=True)
            if len({*column}) > 1}


def read(path: Path) -> list[Block]:
    """Blocks of a `block,channel...` file, gzip."""
    blocks: dict[str, Block] = {}
    with gzip.open(path, "rt", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            blocks.setdefault(row[0], []).append([int(value) for value in row[1:]])
    return list(blocks.values())


def generate(step_s: int, blocks: int = 6, records: int = 480) -> list[Block]:
    """Blocks spread over a day of a site with PV and a battery. Noise as meters show it at 1 s:
    9 to 12 bits in the grid's power, 3 in a voltage, 4 to 5 in a current."""
    return [_block(step_s, number * 86400 // blocks, records, random.Random(number))
            for number in range(blocks)]


class _Site:
    """What moves, a second at a time: slow drifts, and noise that each meter adds."""

    def __init__(self, start_s: int, rng: random.Random) -> None:
        self._rng = rng
        self.second = start_s
        self.import_ws, self.export_ws = float(rng.randrange(10**11)), 12_441_600_400.0
        self._drift_w, self._cloud, self._hertz, self._volt = 0.0, 0.3, 0.0, 0.0
        self._phases = [rng.gauss(0, 6) for _ in range(3)]
        self._shares = [1.0, 1 + rng.gauss(-0.04, 0.01), 1 + rng.gauss(-0.06, 0.01)]
        self.soc, self.temp = rng.uniform(200, 900), rng.uniform(180, 320)

    def run(self, seconds: int) -> list[int]:
        """Go on by so many seconds; the record then."""
        gauss, root = self._rng.gauss, math.sqrt(seconds)
        self.second += seconds
        hour = self.second / 3600 % 24
        self._drift_w += gauss(0, 300) * root - self._drift_w * min(1.0, seconds / 900)
        self._cloud += gauss(0, 0.015) * root - (self._cloud - 0.3) * min(1.0, seconds / 300)
        self._hertz += gauss(0, 2.4) * root - self._hertz * min(1.0, seconds / 40)
        self._volt += gauss(0, 0.9) * root - self._volt * min(1.0, seconds / 600)
        self._phases = [phase + gauss(0, 0.9) * root - phase * min(1.0, seconds / 60)
                        for phase in self._phases]
        battery_w = -80_000 if hour < 4 else 60_000 if 17 < hour < 20 else 0
        battery = battery_w + gauss(0, 60) if battery_w else 0.0
        sun = max(0.0, math.sin((hour - 6) / 12 * math.pi))
        pv_w = 90_000 * sun * (1 - max(0.0, min(0.9, self._cloud))) + (gauss(0, 80) if sun else 0)
        load_w = 180_000 + 90_000 * math.sin((hour - 8) / 24 * math.tau) + self._drift_w
        grid_w = load_w - pv_w - battery + gauss(0, 200)
        self.import_ws += max(grid_w, 0) * seconds
        self.export_ws += max(-grid_w, 0) * seconds
        self.soc -= battery * seconds / 720_000
        self.temp += gauss(0, 0.35) * root - (self.temp - 250) * seconds / 20_000
        volts = [2300 + self._volt + phase + gauss(0, 0.9) for phase in self._phases]
        apparent_va = math.hypot(grid_w, 0.3 * load_w)
        amps = [share * apparent_va / 3 / volt * 100 + gauss(0, 3.5)
                for share, volt in zip(self._shares, volts, strict=True)]
        import_wh = int(self.import_ws) // 3600
        return [round(grid_w), round(battery), round(self.soc), max(0, round(pv_w)),
                *map(round, volts), *map(round, amps), round(50_000 + self._hertz), import_wh,
                int(self.export_ws) // 3600, import_wh * 58 // 100, round(self.temp),
                8192 + (battery_w != 0) + 2 * (sun > 0)]


def _block(step_s: int, start_s: int, records: int, rng: random.Random) -> Block:
    site = _Site(start_s, rng)
    return [site.run(step_s) for _ in range(records)]
