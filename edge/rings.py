"""The two outboxes of a gateway: what must not be lost, and telemetry, which may be.

Each has a device, an epoch and a place in the cloud's store of its own, so telemetry that overflows
in a long outage never touches the rest. Quarter-hour energies go to the vital one: when the rows of
a week are overwritten, their energy is still there.
"""

import errno

from edge.compat import TYPE_CHECKING, const
from edge.outbox import Outbox

if TYPE_CHECKING:
    from edge.blocks import Blocks, Bytes

BATCH = const(1)  # kind of the frames that are not vital


class Rings:
    """Both; `most` is the longest payload. Frames go where their kind belongs. `mount` comes first,
    and may be tried again. `by_rank` are both, the one to be served first at first."""

    def __init__(self, bulk: "Blocks", vital: "Blocks", most: int):
        self.bulk = Outbox(bulk, most)
        self.vital = Outbox(vital, most, self.bulk.scratch)
        self.by_rank = (self.vital, self.bulk)

    def mounted(self) -> bool:
        """Whether frames can be stored."""
        return self.bulk.mounted and self.vital.mounted

    def mount(self) -> None:
        """Find what the devices hold. OSError when one cannot be read."""
        for ring in self.by_rank:
            ring.mount()
        if self.vital.epoch == self.bulk.epoch:  # by chance, or a copied flash
            self.vital.epoch ^= 1

    def append(self, kind: int, buf: "Bytes", n: int) -> int:
        """As Outbox.append, into the one that `kind` belongs to. OSError also before `mount`."""
        if not self.mounted():
            raise OSError(errno.ENODEV)
        return (self.bulk if kind == BATCH else self.vital).append(kind, buf, n)

    def backlog(self) -> int:
        """How many frames wait for their acknowledgement, in both."""
        return self.bulk.backlog() + self.vital.backlog()

    def lost(self) -> int:
        """How many frames were given up without an acknowledgement, in both."""
        return self.bulk.lost() + self.vital.lost()
