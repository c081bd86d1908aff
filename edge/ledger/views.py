"""The same flows in the light of one set of factors: what load, export and store have emitted.

A Wh at a factor in mg/kWh is exactly that many micrograms, so nothing is rounded at the source;
only what leaves the store is shared out, exactly. Amounts leave 31 bits (1 MW for a day: 45), and
are the interpreter's own long integers; see DESIGN.md for what the alternative cost.
"""

from edge.ledger.matrix import STORE

_OTHERS = (0, 1, 3, 4)  # sources that are not the store


class View:
    """`factors`, mg CO2 per kWh (>= 0) of each source in the order of edge/ledger/matrix.py, in the
    store's place that of what nobody can explain. In µg: `inventory` is in store; `load`,
    `export`, `loss`, and `adjusted` (booked without a source: unexplained gain), since `clear`.

        inventory before + emitted + adjusted = load + export + loss + inventory

    where what flowed from a source emitted its Wh times its factor.
    """

    def __init__(self, factors):
        self.factors = factors
        self.inventory = 0
        self._drawn_load = 0  # of the last step, through the store
        self.clear()

    def clear(self):
        """Begin new sums; the inventory stays."""
        self.load = self.export = self.loss = self.adjusted = 0

    def step(self, flows, pool):
        """Book what a step's `flows` brought into the store and, after the pool's own step, what
        came out of it. What flows past it is for `straight`."""
        inventory, factors = self.inventory, self.factors
        for i in _OTHERS:
            charged = flows[3 * i + 1]
            if charged:
                inventory += charged * factors[i]
        load = 0
        wh = pool.drawn_wh
        if wh:
            if pool.gain_wh:
                gained = pool.gain_wh * factors[STORE]
                self.adjusted += gained
                inventory += gained
            drawn = inventory * wh // pool.full_wh
            load = drawn * flows[6] // wh  # as `apportion` would
            two = drawn * (flows[6] + flows[7]) // wh
            self.load += load
            self.export += drawn - two
            inventory += two - load - drawn  # what is charged again returns
        self._drawn_load = load
        self.inventory = inventory

    def load_ug(self, flows) -> int:
        """All the carbon of the last step's load, of which these were the flows."""
        ug = self._drawn_load
        for i in _OTHERS:
            ug += flows[3 * i] * self.factors[i]
        return ug

    def straight(self, flows):
        """Book what flowed past the store. A factor that stands makes that linear, so that the
        sum of many steps' flows will do."""
        for i in _OTHERS:
            factor = self.factors[i]
            if factor:
                self.load += flows[3 * i] * factor
                self.export += flows[3 * i + 2] * factor

    def settle(self, pool):
        """Book what the pool lost or gained when it was settled. The loss is rounded up, so that
        the pool never gets dirtier than the worst that flowed in."""
        if pool.loss_wh:
            lost = -(-self.inventory * pool.loss_wh // pool.full_wh)
            self.loss += lost
            self.inventory -= lost
        gained = pool.gain_wh * self.factors[STORE]
        self.adjusted += gained
        self.inventory += gained
