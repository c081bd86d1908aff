"""How fast the bridge's store takes telemetry: opaque batches of sixty records, durable, in commits
as `serve` makes them. Wall time, on this machine's disk."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgpack

from cloud_bridge.databases import Database, opener
from hil.bench_tree import NotMeasuredError

RECORDS = 60
_BATCH_BYTES = 520
_GATEWAYS = 200
_BATCHES = 20_000
_AT_ONCE = 500


def measure() -> dict[str, float]:
    """SQLite, and PostgreSQL where there is one. NotMeasuredError says which is missing."""
    with tempfile.TemporaryDirectory() as folder:
        figures = _figures("sqlite", opener(str(Path(folder) / "park.db")))
    try:
        from hil.postgres import Postgres

        with Postgres() as server:
            figures |= _figures("postgres", opener(server.fresh()))
    except (ImportError, OSError) as error:
        raise NotMeasuredError(f"PostgreSQL: {error}; {figures}") from None
    return figures


def _figures(name: str, open_store: Callable[[], Database]) -> dict[str, float]:
    arrivals = _arrivals()
    with open_store() as store:
        began_s = time.perf_counter()
        for at in range(0, _BATCHES, _AT_ONCE):
            store.commit(arrivals[at:at + _AT_ONCE], 1_000)
        fresh_s = time.perf_counter() - began_s
        began_s = time.perf_counter()
        for at in range(0, _BATCHES, _AT_ONCE):
            receipt = store.commit(arrivals[at:at + _AT_ONCE], 1_000)
            assert receipt.tally == {"doubled": _AT_ONCE}
        again_s = time.perf_counter() - began_s
    return {f"store.{name}_batches_per_s": round(_BATCHES / fresh_s),
            f"store.{name}_records_per_s": round(_BATCHES * RECORDS / fresh_s),
            f"store.{name}_doubled_per_s": round(_BATCHES / again_s)}


def _arrivals() -> list[tuple[str, bytes]]:
    chance = random.Random(1)
    return [(f"parkedge/demo/gw{n % _GATEWAYS:03d}/b",
             msgpack.packb([1, 1, 123_456, n // _GATEWAYS + 1, chance.randbytes(_BATCH_BYTES)]))
            for n in range(_BATCHES)]
