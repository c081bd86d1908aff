"""What telemetry costs: bytes a point in self-contained batches of sixty records, envelope and time
included for ours; instructions and memory on a gateway; points a second in the bridge.
"""

from __future__ import annotations

import tempfile
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

from cloud_bridge.batch_bulk import decode_all
from cloud_bridge.batch_decoder import decode
from edge.wire.batch import BatchEncoder
from edge.wire.schema_meters import SCHEMA
from hil import bench_modules, streams
from hil.wire_codings import CODINGS

BATCH = 60
MODULES = ("edge.wire.batch", "edge.wire.schema_meters")
PROGRAM = "bench_codec"
_ENVELOPE = 16  # MessagePack [version, kind, epoch, seq, bin] with full-size numbers
_DAY, _DAY_S = 9800, 86_400


def measure(folder: Path | None) -> dict[str, float]:
    """Figures `wire.<step>.<coding>`, bytes a point; and how fast batches are decoded."""
    figures = {}
    bodies: list[bytes] = []
    for name, step_s in streams.STEPS.items():
        codings = {"ours": lambda batch, step_s: _ENVELOPE + len(body(batch, step_s)), **CODINGS}
        batches = list(_batches(folder, name))
        points = sum(len(batch) * len(batch[0]) for batch in batches)
        for coding, size in codings.items():
            total = sum(size(batch, step_s) for batch in batches)
            figures[f"wire.{name}.{coding}"] = round(total / points, 4)
        bodies += [body(batch, step_s) for batch in batches]
    return {**figures, **_speed(bodies)}


def body(batch: streams.Block, step_s: int) -> bytes:
    """A batch as a gateway sends it."""
    encoder = BatchEncoder(SCHEMA, 16_384)
    for row in _timed(batch, step_s):
        encoder.add(row)
    return bytes(encoder.buffer[:encoder.finish()])


def _batches(folder: Path | None, name: str) -> Iterator[streams.Block]:
    blocks = (streams.read(folder / f"{name}.csv.gz") if folder
              else streams.generate(streams.STEPS[name]))
    for block in blocks:
        for at in range(0, len(block) - BATCH + 1, BATCH):
            yield block[at:at + BATCH]


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
    """Instructions on the Arm, and bytes of the heap on the i386."""
    with tempfile.TemporaryDirectory() as tree:
        bench_modules.build(Path(tree), MODULES, PROGRAM)
        rows = Path(tree) / "rows"
        rows.write_bytes(b"".join(
            row.tobytes() for name, step_s in streams.STEPS.items()
            for row in _timed(next(_batches(folder, name)), step_s)))

        def told(command: list[str], mode: str) -> str:
            return bench_modules.run(command, Path(tree), PROGRAM, mode, str(rows))

        records = bench_modules.instructions(told(arm, "rows"))
        fields = bench_modules.instructions(told(arm, "fields"))
        state, taken = map(int, told([interpreter, "-X", "heapsize=512k"], "heap").split())
    return {"wire.arm_instructions_a_record": round(sum(records) / len(records)),
            "wire.arm_instructions_a_record_max": max(records),
            "wire.arm_instructions_a_channel_max": max(fields),
            "wire.state_bytes": state, "wire.alloc_bytes": taken}
