"""What the agenda asks of the beat now (edge/rules/response.py reads it, edge/response/engine.py
writes it)."""

from array import array

from edge.compat import const

ANY = const(0)  # 0: nothing of all that follows is asked
KIND = const(1)  # of edge/response/event.py; NOTHING while nothing is called
VALUE = const(2)  # W
KEEP_PM = const(3)  # the state of charge that is kept for what comes; 0: nothing
CHARGE_W = const(4)  # with what the battery is charged while it is below
MOST_W = const(5)  # charging may not raise the import above this; -1: nobody says so
HUSH = const(6)  # 1: a baseline is being taken
_COUNT = const(7)
_SURE = const(2)


class Orders:
    """`now` is what the beat reads. As a role it is a contact by which somebody at the site opts
    out: `leaves` is set by an edge that two readings have shown, and whoever acts on it resets it.
    A contact that is closed when the gateway starts has said so before, and says nothing."""

    SIGNALS = ("opt_out",)
    NEEDS = ()

    def __init__(self):
        self.now = array("i", [0] * _COUNT)
        self.now[MOST_W] = -1
        self.leaves = False
        self._closed = 0  # readings in a row that have shown it
        self._open = False  # it has been seen open

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is unknown."""
        if signal != "opt_out":
            return False
        if not value:
            self._closed = 0
            self._open = True
        elif self._closed < _SURE:
            self._closed += 1
            if self._closed == _SURE and self._open:
                self.leaves = True
        return True
