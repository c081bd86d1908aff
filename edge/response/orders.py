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


class Orders:
    """`now` is what the beat reads."""

    def __init__(self):
        self.now = array("i", [0] * _COUNT)
        self.now[MOST_W] = -1
