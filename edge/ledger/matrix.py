"""Which source fed which sink: one step of the busbar, in Wh, without any factor.

Sources and sinks stand in the order in which a gap is poured: what is dirtiest feeds the load, so
that nothing unmeasured leaves the site clean. The same order names the origins of what is in
store, where what came unexplained takes the place of the store itself.
"""

from edge.compat import const
from edge.ledger.apportion import pour, serve, trace

GRID = const(0)
GENERATOR = const(1)
STORE = const(2)  # as an origin: unknown
DIRECT = const(3)  # a line of its own to a green plant
PV = const(4)
LOAD = const(0)
CHARGE = const(1)
EXPORT = const(2)
SOURCES = ("grid", "generator", "store", "direct", "pv")
SINKS = ("load", "charge", "export")


class Matrix:
    """`flows[3 * source + sink]`, Wh of the step just done; `total`, of all since `clear`.

    The load is not metered: it is what sources give beyond charge and export. When they give less
    than those ask (meters of unlike resolution), both are cut in proportion and the rest stays in
    `owed` [charge, export], to be booked as soon as there is something to book.
    """

    def __init__(self):
        self.flows = [0] * 15
        self.owed = [0, 0]
        self._sinks = [0] * 3
        self._given = [0, 0]
        self.clear()

    def clear(self):
        """Begin a new sum; what is owed stays."""
        self.total = [0] * 15

    def step(self, sources, asked, measured: bool) -> bool:
        """Book `sources` (Wh of five) to load and `asked` (Wh charged, exported); True when all
        that was asked could be given. `measured`: in proportion, else as a gap."""
        owed, sinks, total = self.owed, self._sinks, sum(sources)
        sinks[CHARGE], sinks[EXPORT] = asked[0] + owed[0], asked[1] + owed[1]
        left = total - sinks[CHARGE] - sinks[EXPORT]
        if left >= 0:
            owed[0] = owed[1] = 0
            sinks[LOAD] = left
        else:
            serve(total, asked, owed, self._given)
            sinks[:] = [0] + self._given
        (trace if measured else pour)(sources, sinks, self.flows, self.total)
        return left >= 0
