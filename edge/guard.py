"""What runs beside the beat answers for its own internal faults; the beat has an answer of its own
(edge/controller.py).

A step that raises is not called again as if nothing had been. Its part is mended: brought to where
it can begin anew, which each part says for itself. Then it rests, for longer and longer while it
goes on failing, and a frame of kind FAULT tells the cloud why, once for each reason in a row.
"""

from edge.compat import TYPE_CHECKING, const
from edge.ticks import ticks_add, ticks_diff

if TYPE_CHECKING:
    from typing import Any

FAULT = const(7)  # kind of its frames: words
_FAULT_BYTES = const(200)
_FIRST_MS = const(1_000)  # of rest; doubles
_MOST_MS = const(300_000)
_CALM_MS = const(600_000)  # after a rest without a fault: the next one is short again
_TELL_MS = const(60_000)  # before what could not be stored is tried again
_WORDLESS = "internal fault"  # there is no room even to say which


def tell(outbox: "Any", words: str) -> bool:
    """Tell the cloud what is wrong, by `append` of an outbox as edge/rings.py (None: nobody);
    False when that cannot be stored, whatever the reason."""
    try:
        if outbox is not None:
            data = words.encode()[:_FAULT_BYTES]
            outbox.append(FAULT, data, len(data))
    except Exception:  # whoever tells of a fault must not end in another one
        return False
    return True


class Guard:
    """`step(now_ms)` as the part's, but it raises no Exception; `mend(now_ms)`, None: nothing has
    to be, may itself fail, and is tried again before the part goes on. `outbox` as for `tell`; a
    rest is at most `most_ms`."""

    def __init__(self, name: str, step: "Any", mend: "Any", outbox: "Any",
                 most_ms: int = _MOST_MS) -> None:
        self.faults = 0
        self.reason = ""  # of the last fault
        self._name = name
        self._step, self._mend = step, mend
        self._outbox = outbox
        self._most_ms = most_ms
        self._rest_ms = 0  # the last one, until _due_ms; 0: long forgotten
        self._due_ms = 0
        self._broken = False  # and not mended yet
        self._untold = ""
        self._tell_ms = 0

    def step(self, now_ms: int) -> int:
        """A step of the part unless it rests; ms until the next."""
        if self._rest_ms:
            left_ms = ticks_diff(self._due_ms, now_ms)
            if 0 < left_ms <= self._rest_ms:
                return left_ms
            if not -_CALM_MS < left_ms <= 0:
                self._rest_ms = 0
        try:
            if self._broken:
                self._mend(now_ms)
                self._broken = False
            if self._untold and not 0 < ticks_diff(self._tell_ms, now_ms) <= _TELL_MS:
                self._tell(now_ms)
            return max(self._step(now_ms), 0)
        except Exception as error:
            return self.fault(error, now_ms)

    def fault(self, error: Exception, now_ms: int) -> int:
        """The part has raised this; ms of rest."""
        self.faults += 1
        goes_on = self._rest_ms > 0
        self._rest_ms = min(max(2 * self._rest_ms, _FIRST_MS), self._most_ms)
        self._due_ms = ticks_add(now_ms, self._rest_ms)
        self._broken = self._mend is not None
        try:
            if self._broken:
                self._mend(now_ms)
                self._broken = False
        except Exception:  # the part does not go on before it has been mended
            self.faults += 1
        reason = _WORDLESS
        try:
            reason = "%s: %r" % (self._name, error)
            print("parkedge:", reason)
        except Exception:  # no memory, no console, or an error that cannot say what it is
            pass
        if not goes_on or reason != self.reason:
            self.reason = self._untold = reason
            self._tell(now_ms)
        return self._rest_ms

    def _tell(self, now_ms: int) -> None:
        if tell(self._outbox, self._untold):
            self._untold = ""
        self._tell_ms = ticks_add(now_ms, _TELL_MS)
