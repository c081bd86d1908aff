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
        self.clear()

    def clear(self):
        """Begin new sums; the inventory stays."""
        self.load = self.export = self.loss = self.adjusted = 0

    def step(self, flows):
        """Book what `flows` brought to load, export and store; `draw` follows, what came out."""
        load, export, inventory, factors = 0, 0, self.inventory, self.factors
        for i in _OTHERS:
            factor = factors[i]
            if factor:
                load += flows[3 * i] * factor
                inventory += flows[3 * i + 1] * factor
                export += flows[3 * i + 2] * factor
        self.load += load
        self.export += export
        self.inventory = inventory

    def draw(self, flows, pool):
        """Book what came out of the store, after the pool's own step."""
        wh, inventory = pool.drawn_wh, self.inventory
        if wh == 0:
            return
        if pool.gain_wh:
            gained = pool.gain_wh * self.factors[STORE]
            self.adjusted += gained
            inventory += gained
        drawn = inventory * wh // pool.full_wh
        load = drawn * flows[6] // wh  # as `apportion` would
        two = drawn * (flows[6] + flows[7]) // wh
        self.load += load
        self.export += drawn - two
        self.inventory = inventory - drawn + two - load  # what is charged again returns

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
