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
STEPS = {"1s": 1, "15s": 15, "60s": 60}

Block = list[list[int]]


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
    """Blocks spread over a day of a site with PV and a battery; noise as meters show it."""
    return [_block(step_s, number * 86400 // blocks, records, random.Random(number))
            for number in range(blocks)]


def _block(step_s: int, start_s: int, records: int, rng: random.Random) -> Block:
    block = []
    import_ws = rng.randrange(10**11)
    export_wh, soc_pm = 3_456_789, rng.randrange(200, 900)
    drift_w, volt_dv, temp_dc = 0.0, 2300.0, rng.randrange(180, 320)
    for number in range(records):
        hour = (start_s + number * step_s) / 3600 % 24
        drift_w = 0.98 * drift_w + rng.gauss(0, 900)
        volt_dv = 0.97 * volt_dv + 0.03 * 2300 + rng.gauss(0, 0.8)
        battery_w = -80_000 if hour < 4 else 60_000 if 17 < hour < 20 else 0
        pv_w = max(0.0, 90_000 * math.sin((hour - 6) / 12 * math.pi)) if 6 < hour < 18 else 0.0
        load_w = 180_000 + 90_000 * math.sin((hour - 8) / 24 * math.tau) + drift_w
        grid_w = load_w - pv_w - battery_w
        import_ws += int(max(grid_w, 0)) * step_s
        if step_s >= 15 and number % 20 == 0 and battery_w:
            soc_pm += 1 if battery_w < 0 else -1
        amps_da = load_w / 3 / volt_dv * 100
        block.append([
            int(grid_w), battery_w + (rng.randrange(-30, 31) if battery_w else 0), soc_pm,
            int(pv_w), int(volt_dv), int(volt_dv + rng.gauss(0, 0.7)),
            int(volt_dv + rng.gauss(0, 0.7)), int(amps_da), int(amps_da * 0.97 + rng.gauss(0, 3)),
            int(amps_da * 0.94 + rng.gauss(0, 3)), int(50_000 + rng.gauss(0, 6)),
            import_ws // 3600, export_wh, import_ws // 3600 * 8325 // 10_000_000, temp_dc, 8192])
    return block
