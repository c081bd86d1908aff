"""A planner around another one: what it says is what the inner one says, but for what is added."""


class Around:
    """As Planner."""

    def __init__(self, planner):
        self.planner = planner
        self.scale, self.memory, self.target = planner.scale, planner.memory, planner.target
        self.shaves, self.trade = planner.shaves, planner.trade
        self.busy = False
        self._mirror()

    def slot(self, day: int, slot: int, load_w: int, month_peak_w: int, month: int):
        """As Planner.slot."""
        self.planner.slot(day, slot, load_w, month_peak_w, month)
        self.busy = True

    def step(self, net_w: int, store_wh: int):
        """As Planner.step."""
        planner = self.planner
        if planner.busy:
            planner.step(net_w, store_wh)
            self._mirror()
        self.busy = planner.busy

    def _mirror(self):
        planner = self.planner
        self.target_w = planner.target_w
        self.wish_w = planner.wish_w
        self.recharge_w = planner.recharge_w
