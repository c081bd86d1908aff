"""What telemetry costs: bytes a point in self-contained batches of sixty records, envelope and time
included for ours; instructions and memory on a gateway; points a second in the bridge.

The quanta of a stream's channels are found in the stream, as who commissions a gateway knows them
from its meters.
"""

from __future__ import annotations

import tempfile
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

from boards.quanta import coarsest
from cloud_bridge.batch_bulk import decode_all
from cloud_bridge.batch_decoder import decode
from edge.wire.batch import BatchEncoder
from edge.wire.quanta import QuantaEncoder
from edge.wire.schema_meters import FIELDS, SCHEMA
from hil import bench_modules, streams
from hil.wire_codings import CODINGS

BATCH = 60
MODULES = ("edge.wire.batch", "edge.wire.quanta", "edge.wire.schema_meters")
PROGRAM = "bench_codec"
_ENVELOPE = 16  # MessagePack [version, kind, epoch, seq, bin] with full-size numbers
_FINE = ("1s", "15s", "60s")
_DAY, _DAY_S = 9800, 86_400


def measure(folder: Path | None) -> dict[str, float]:
    """Figures `wire.<step>.<coding>`, bytes a point; and how fast batches are decoded."""
    figures: dict[str, float] = {}
    bodies: list[bytes] = []
    for name, step_s in streams.STEPS.items():
        blocks = streams.load(folder, name)
        quanta, batches = _quanta(blocks), list(_batches(blocks))
        coded = [body(batch, step_s, quanta) for batch in batches]
        bodies += coded
        points = sum(len(batch) * len(batch[0]) for batch in batches)
        totals = {"ours": sum(_ENVELOPE + len(one) for one in coded)}
        totals |= {coding: sum(size(batch, step_s) for batch in batches)
                   for coding, size in CODINGS.items()}
        figures |= {f"wire.{name}.{coding}": round(total / points, 4)
                    for coding, total in totals.items()}
    return {**figures, **_speed(bodies)}


def body(batch: streams.Block, step_s: int, quanta: bytes = b"") -> bytes:
    """A batch as a gateway sends it."""
    encoder = QuantaEncoder(SCHEMA, 16_384, quanta) if quanta else BatchEncoder(SCHEMA, 16_384)
    for row in _timed(batch, step_s):
        encoder.add(row)
    return bytes(encoder.buffer[:encoder.finish()])


def _batches(blocks: list[streams.Block]) -> Iterator[streams.Block]:
    for block in blocks:
        for at in range(0, len(block) - BATCH + 1, BATCH):
            yield block[at:at + BATCH]


def _quanta(blocks: list[streams.Block]) -> bytes:
    steps = streams.steps(blocks)
    return coarsest({FIELDS.index(channel): step for channel, step in steps.items()})


def _timed(batch: streams.Block, step_s: int) -> Iterator[array[int]]:
    for number, record in enumerate(batch):
        second = 40_000 + number * step_s
        yield array("i", [_DAY + second // _DAY_S, second % _DAY_S, *record])


def _speed(bodies: list[bytes]) -> dict[str, float]:
    """Points a second of one core's time: many batches at a time, and one after the other."""
    figures: dict[str, float] = {}
    for name, some, work in (("", bodies, decode_all),
                             ("plain_", bodies[::8], lambda some: [decode(one) for one in some])):
        begun = time.process_time()
        work(some)
        spent = time.process_time() - begun
        points = len(some) * BATCH * len(streams.CHANNELS)
        figures[f"wire.decode_{name}points_a_second"] = round(points / spent)
    return figures


def on_a_gateway(interpreter: str, arm: list[str], folder: Path | None) -> dict[str, float]:
    """Instructions on the Arm, and bytes of the heap on the i386: without quanta, and with."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as tree:
        bench_modules.build(Path(tree), MODULES, PROGRAM)
        file = Path(tree) / "rows"
        found = {name: streams.load(folder, name) for name in streams.STEPS}
        for prefix, names, quanta in (("wire", _FINE, b""), ("wire.1c", ("1c",),
                                                             _quanta(found["1c"]))):
            file.write_bytes(b"".join(row.tobytes() for name in names for row in
                                      _timed(next(_batches(found[name])), streams.STEPS[name])))
            told = [bench_modules.run(command, Path(tree), PROGRAM, mode, str(file), quanta.hex())
                    for command, mode in ((arm, "rows"), (arm, "fields"),
                                          ([interpreter, "-X", "heapsize=512k"], "heap"))]
            records, fields = map(bench_modules.instructions, told[:2])
            state, taken = map(int, told[2].split())
            figures |= {f"{prefix}.arm_instructions_a_record": round(sum(records) / len(records)),
                        f"{prefix}.arm_instructions_a_record_max": max(records),
                        f"{prefix}.arm_instructions_a_channel_max": max(fields),
                        f"{prefix}.state_bytes": state, f"{prefix}.alloc_bytes": taken}
    return figures
