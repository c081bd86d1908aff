"""Bytes a point of the telemetry codings, in self-contained batches of sixty records."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from pathlib import Path

import msgpack

from edge.wire.batch import BatchEncoder
from hil import streams

BATCH = 60
_ENVELOPE = 22  # MessagePack [version, kind, epoch, seq, bin] with full-size numbers


def measure(folder: Path | None) -> dict[str, float]:
    """Figures `wire.<step>.<coding>`, bytes a point."""
    figures = {}
    for name, step_s in streams.STEPS.items():
        blocks = (streams.read(folder / f"{name}.csv.gz") if folder
                  else streams.generate(step_s))
        for coding, size in _CODINGS.items():
            points = total = 0
            for block in blocks:
                for at in range(0, len(block) - BATCH + 1, BATCH):
                    batch = block[at:at + BATCH]
                    total += size(batch)
                    points += BATCH * len(batch[0])
            figures[f"wire.{name}.{coding}"] = round(total / points, 3)
    return figures


def _ours(batch: streams.Block) -> int:
    encoder = BatchEncoder(len(batch[0]), 16_384)
    for record in batch:
        encoder.add(array("i", record))
    return encoder.finish() + _ENVELOPE


def _msgpack(batch: streams.Block) -> int:
    return sum(len(msgpack.packb(record)) for record in batch) + _ENVELOPE


def _json(batch: streams.Block) -> int:
    return sum(len(json.dumps(dict(zip(streams.CHANNELS, record, strict=True)),
                              separators=(",", ":"))) for record in batch)


_CODINGS: dict[str, Callable[[streams.Block], int]] = {
    "ours": _ours, "msgpack": _msgpack, "json": _json}
