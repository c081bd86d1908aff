"""What the outboxes of a site hold and wear, measured now: a generated day through the core's own
telemetry, coder and rings.

What a day brings is programmed into rings in memory and counted; no length of a row is assumed. The
load is made up (a day's curve, noise of 2 %), so a plant that is wilder codes longer. Endurance is
the one figure from elsewhere.
"""

import math
import random
from collections.abc import Mapping
from typing import Any

from boards import found, host
from edge import journal, media
from edge.batching import BATCH_BYTES, Batching
from edge.blocks import RamBlocks
from edge.controller import Controller
from edge.energies import Energies
from edge.open_frame import OpenFrame
from edge.outbox import Outbox
from edge.rings import BATCH
from edge.site import Site
from edge.wire.quanta import quantum

ENDURANCE = 100_000  # erases of a sector that makers of NOR flash commonly promise; not verified
_SECTOR_BYTES = 4096
_DAY, _DAY_S = 9_862, 86_400  # 2027-01-01
_PIECES, _PIECE_S = 6, 900  # of the day that are played beat by beat
_ROUND = 40  # sectors that are filled to know how well they are


class _Calls(RamBlocks):
    """What was programmed, in bytes."""

    programmed = 0

    def program(self, sector: int, offset: int, buf: Any, n: int) -> None:
        self.programmed += n
        super().program(sector, offset, buf, n)


class _Noted(Outbox):
    """An outbox that remembers how long each part was."""

    def __init__(self, device: RamBlocks) -> None:
        super().__init__(device, BATCH_BYTES)
        self.noted: list[tuple[bool, int]] = []
        self.mount()

    def append(self, kind: int, buf: Any, n: int) -> int:
        self.noted.append((True, n))
        return super().append(kind, buf, n)

    def extend(self, kind: int, buf: Any, n: int) -> int:
        self.noted.append((False, n))
        return super().extend(kind, buf, n)


def told(image: Mapping[str, Any]) -> dict[str, Any]:
    """Rows and bytes a day, and for every board days without a network and erases a day."""
    rows, bulk = _rows(image)
    vital = _energies(image)
    boards: dict[str, Any] = {}
    for board in found.boards().values():
        if board.name == "emulator":  # no flash of its own
            continue
        holds = {"telemetry": board.constants.get("LOG_SECTORS", host.LOG_SECTORS),
                 "vital": board.constants.get("VITAL_SECTORS", host.VITAL_SECTORS)}
        boards[board.name] = {
            name: {"sectors": sectors, "days": int(10 * (sectors - 2) / a_day) / 10,
                   "erases_a_day": round(a_day / sectors, 4),
                   "years": round(ENDURANCE * sectors / a_day / 365)}
            for (name, sectors), a_day in zip(holds.items(), (bulk[1], vital[1]), strict=True)}
    return {"rows_a_day": round(rows), "telemetry_bytes_a_day": round(bulk[0]),
            "vital_bytes_a_day": round(vital[0]), "boards": boards}


def text(said: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    lines = [f"storage {said['rows_a_day']} rows, {said['telemetry_bytes_a_day'] / 1000:.0f} kB of "
             f"telemetry and {said['vital_bytes_a_day'] / 1000:.1f} kB of energies (and "
             "media) a day with a made-up load; what a ledger or commands store comes on top"]
    for board, rings in said["boards"].items():
        held = [f"{ring['days']:g} days of {name} without a network ({ring['erases_a_day']:g} "
                f"erases a day, {ring['years']:,} years)" for name, ring in rings.items()]
        lines.append(f"  {board}: {', '.join(held)}")
    lines.append(f"  years at {ENDURANCE:,} erases of a sector: not verified, see the flash's "
                 "data sheet")
    return lines


def _rows(image: Mapping[str, Any]) -> tuple[float, tuple[float, float]]:
    """Rows a day; bytes and sectors a day of their batches."""
    played, rows, parts = day(image)
    programmed, sectors = _filled(parts)
    return rows / played, (programmed / played, sectors / played)


def day(image: Mapping[str, Any]) -> tuple[float, int, list[tuple[bool, int]]]:
    """How much of a day was played; the rows of that time, and the parts they were stored as:
    whether it is the last of its frame, and bytes."""
    site = Site(dict(image))
    site.clock_set = True
    beat = Controller(site).beat
    noted = _Noted(RamBlocks(_SECTOR_BYTES, 64))
    batching = Batching(site.telemetry, dict(image["telemetry"]))
    frame = OpenFrame(noted, BATCH, batching.batch)
    quanta = image["telemetry"].get("step", ())
    steps = {journal.FIELDS[field]: quantum(byte)
             for field, byte in zip(quanta[::2], quanta[1::2], strict=True)}
    beat_s, rng, rows, now_ms = site.beat_s, random.Random(1), 0, 0
    for piece in range(_PIECES):
        start_s = (2 * piece + 1) * _DAY_S // (2 * _PIECES) // 900 * 900
        for second in range(start_s - 60, start_s + _PIECE_S, beat_s):
            now_ms += 1000 * beat_s
            _read(site, second, now_ms, rng, steps)
            beat(now_ms, _DAY, second)
            if second < start_s:  # until all is fresh and the ramp has ended
                while site.telemetry.oldest() is not None:
                    site.telemetry.taken()
                continue
            rows += site.telemetry.oldest() is not None
            while site.telemetry.oldest() is not None and not batching.batch.closed:
                batching.take()
            if batching.batch.closed:
                frame.close()
                batching.done()
            elif batching.due():
                frame.flush()
                batching.safe()
        batching.flush()
        if batching.batch.rows:
            frame.close()
            batching.done()
    return _PIECES * _PIECE_S / _DAY_S, rows, noted.noted


def _read(site: Any, second: int, now_ms: int, rng: random.Random, steps: Mapping[str, int]
          ) -> None:
    """A day's curve with noise, in the steps of the site's registers; the battery does what it was
    told, with an error of its own."""
    def take(role: Any, signal: str, value: int) -> None:
        step = steps.get(signal, 1)
        role.take(signal, (value + step // 2) // step * step, now_ms)

    battery = site.battery
    most_w = 4 * battery["discharge_max_w"]
    hour = second / 3600
    load_w = most_w * (5 + 3 * math.sin((hour - 8) / 24 * math.tau) + rng.gauss(0, 0.1)) / 10
    sun_w = most_w / 4 * max(0.0, math.sin((hour - 6) / 12 * math.pi)) * (1 + rng.gauss(0, 0.02))
    store_w = site.now.command_w + (rng.randrange(-50, 51) if site.now.command_w else 0)
    take(site.pv, "pv_w", int(sun_w))
    for number, unit in enumerate(site.fleet):
        take(unit, "store_w", store_w // len(site.fleet))
        take(unit, "soc_pm", 300 + (second // 120 + number) % 400)
    take(site.grid_meter, "grid_w", int(load_w - sun_w) - store_w)


def _energies(image: Mapping[str, Any]) -> tuple[float, float]:
    """Bytes and sectors a day of quarter-hour energies."""
    site: Any = Site(dict(image))
    noted = _Noted(RamBlocks(_SECTOR_BYTES, 64))
    meters: list[media.Meter] = []
    if "media" in image:
        media.join(site, {**image["media"], "pulses": ()}, None)
        meters = site.media.meters
    energies = getattr(site, "energies", Energies)(site, noted, None)
    kw = site.battery["discharge_max_w"] // 1000 + 1
    for quarter in range(97):
        site.now.day, site.now.second = _DAY + quarter // 96, quarter % 96 * 900
        for register in (site.account.imported, site.account.charged, site.account.generated):
            register.post(900_000 * kw * (50 + quarter % 7))
        site.account.cost.post(250 * kw, 7_000 + quarter)
        for meter in meters:
            meter.take(meter.SIGNALS[0], 1_000_000 + 50 * quarter, 0)
        energies.step()
    return _filled(noted.noted)


def _filled(noted: list[tuple[bool, int]]) -> tuple[float, float]:
    """Bytes that these parts program, sectors' headers too, and sectors that they fill."""
    device = _Calls(_SECTOR_BYTES, _ROUND + 2)
    box = Outbox(device, BATCH_BYTES)
    box.mount()
    blank, rounds = bytes(BATCH_BYTES), 0
    while box._newest < _ROUND:
        for last, n in noted:
            (box.append if last else box.extend)(BATCH, blank, n)
        rounds += 1
    return device.programmed / rounds, (box._newest + 1) / rounds
