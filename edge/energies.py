"""Quarter-hour energies, for the day when telemetry had to be overwritten.

A row at every quarter-hour holds registers that only grow within one life of the gateway (a birth
tells that one begins), so that a row lost loses a quarter-hour's resolution and no energy. Four
rows are a frame, and each is durable at once; a frame of another kind ends it earlier.
"""

from array import array

from edge.compat import TYPE_CHECKING, const
from edge.open_frame import OpenFrame
from edge.wire.batch import BatchEncoder

if TYPE_CHECKING:
    from edge.outbox import Outbox

ENERGY = const(8)  # kind of its frames
_ROWS = const(4)
_ROW_BYTES = const(90)  # of 17 changes of 32 bits, and what says which
_AROUND_BYTES = const(64)  # of a batch

# UTC at the end; registers, the month's peak, what it came to. In the birth as well.
FIELDS = ("day", "second", "import_kwh", "import_wh", "export_kwh", "export_wh", "charge_kwh",
          "charge_wh", "discharge_kwh", "discharge_wh", "pv_kwh", "pv_wh", "peak_w", "carbon_units",
          "carbon_e4", "cost_units", "cost_e4")


class Energies:
    """The energies of `site` (edge/ledger/account.py), into the outbox `vital`. `birth` gives the
    frame that has to come before a life's first row."""

    def __init__(self, site, vital: "Outbox", birth):
        self._site = site
        self._vital = vital
        self._birth = birth
        self._encoder = BatchEncoder(len(FIELDS), _AROUND_BYTES + _ROWS * _ROW_BYTES)
        self._frame = OpenFrame(vital, ENERGY, self._encoder)
        self._quarter = -1  # the running one, -1: the clock has not been read
        self._waits = False  # a row is coded and not stored

    def step(self) -> None:
        """Store a row when a quarter-hour has ended. OSError passes through; the row is kept, and
        stored by the next call."""
        now = self._site.now
        quarter = now.day * 96 + now.second // 900
        if now.day and quarter != self._quarter:
            begun, self._quarter = self._quarter, quarter  # first: a row that fails is left out
            if begun >= 0:
                self._tell()
        if self._waits:
            self._store()

    def end(self) -> None:
        """One more row, of the quarter-hour as far as it went (on a graceful stop)."""
        if self._quarter >= 0:
            self._tell()
            self._encoder.closed = True
            self._store()

    def drop(self) -> None:
        """After an internal fault: what is durable is a whole frame, and a row that is not is left
        out."""
        self._frame.drop()
        self._waits = False

    def _tell(self) -> None:
        """Code a row; where the one before is still waiting in a full frame, it is left out."""
        if self._frame.ended():
            self._frame.close()
        account, now = self._site.account, self._site.now
        row = [now.day, now.second]
        for register in (account.imported, account.exported, account.charged, account.discharged,
                         account.generated):
            row += [register.kwh, register.wh]
        row += [self._site.window.peak_w, account.carbon.units, account.carbon.e4,
                account.cost.units, account.cost.e4]
        self._encoder.add(array("i", row))
        if self._encoder.rows >= _ROWS:
            self._encoder.closed = True
        self._waits = True

    def _store(self) -> None:
        if self._birth is not None:
            kind, data = self._birth()
            self._vital.append(kind, data, len(data))
            self._birth = None
        if self._encoder.closed:
            self._frame.close()
        else:
            self._frame.flush()
        self._waits = False
