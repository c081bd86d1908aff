"""Any bytes as what a gateway says of an event: refused with BadMessage, or something that a
gateway can say, and that prints in one line."""

import msgpack

from cloud_bridge.batches import BadMessage
from cloud_bridge.response.announced import decode
from edge.response.agenda import PHASES

SEEDS = [msgpack.packb([1, 314_944_170, 0, phase, reason, 9_657, 36_000, 512, 0])
         for phase, reason in ((1, ""), (3, ""), (8, "energy"), (7, "local"), (9, ""))]


def one(data: bytes) -> None:
    """A body."""
    try:
        said = decode(data)
    except BadMessage as error:
        assert "\n" not in str(error)
        return
    assert said.phase in PHASES[1:]
    assert said.reason.isprintable()
    assert said.utc.endswith("Z")
    assert msgpack.unpackb(data)[1:3] == [said.number, said.rev]
