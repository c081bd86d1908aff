"""Meters, readings and frames for the tests of media."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import msgpack

from cloud_bridge.media import Meter, Reading
from cloud_bridge.store import DAY_0_UTC
from edge.wire.batch import BatchEncoder

WATER = Meter("town-water", "water", "fresh", "l", "m3", "works", 40_000, 0, 0)
REUSED = Meter("recycled", "water", "reused", "l", "m3", "works", 100_000, 0, 0)
GAS = Meter("boiler-gas", "gas", "natural_gas", "l", "m3", "boiler", 400_000, 0, 0)
HEAT = Meter("district-heat", "heat", "bought", "wh", "gj", "offices", 2_000_000, 0, 0)
STEAM = Meter("steam-line", "steam", "bought", "kg", "t", "hall", 6_000, 0, 2_763)


def spread(first_utc: int, values: Iterable[int], step_s: int = 900) -> list[Reading]:
    """Readings so far apart."""
    return [Reading(first_utc + step_s * place, value) for place, value in enumerate(values)]


def frame(meters: Sequence[Meter], utc: int, values: Sequence[int], age_s: int = 0,
          refused: int = 0) -> bytes:
    """The body of a frame as a gateway writes it."""
    day, second = divmod(utc - DAY_0_UTC, 86_400)
    row = [day, second]
    for value in values:
        row += [*divmod(value, 1000), age_s, refused]
    assert len(row) == 2 + 4 * len(meters)
    encoder = BatchEncoder(len(row), 4000)
    encoder.add(array("i", row))
    return bytes(encoder.buffer[:encoder.finish()])


def birth(meters: Sequence[Meter]) -> bytes:
    """A birth that tells of them, and of nothing else."""
    return msgpack.packb({"v": "1", "media": [list(one) for one in meters]})
