"""A site of 15-minute slots and a battery that does what the planner and the rules would do."""

from collections.abc import Sequence

PRICES = [3000] * 32 + [10000] * 12 + [6500] * 24 + [10000] * 8 + [12000] * 8 + [10000] * 4 + [
    6500] * 8
FIRST_DAY = 9000


class Run:
    """Drives one planner through whole days of loads, W; keeps what the grid saw."""

    def __init__(self, planner, power_w: int, store_wh: int, days_a_month: int = 30):
        self.planner, self.power_w, self.full_wh = planner, power_w, store_wh
        self.store_wh, self.peak_w, self.slots = float(store_wh), 0, 0
        self.days_a_month = days_a_month
        self.grid_w: list[float] = []
        self.targets_w: list[int] = []
        self.slices_max = 0

    def days(self, loads_w: Sequence[int]) -> None:
        for load_w in loads_w:
            self._slot(load_w)

    def _slot(self, load_w: int) -> None:
        planner, slices = self.planner, 0
        planner.step(load_w, int(self.store_wh))
        while planner.busy:
            planner.step(load_w, int(self.store_wh))
            slices += 1
            assert slices < 5000, "the planner is busy for ever"
        self.slices_max = max(self.slices_max, slices)
        self.targets_w.append(planner.target_w)
        grid_w = load_w - self._battery_w(load_w)
        self.grid_w.append(grid_w)
        self.peak_w = max(self.peak_w, int(grid_w))  # as the ledger: whole watts
        day, slot = divmod(self.slots, 96)
        self.slots += 1
        month = self.slots // 96 // self.days_a_month  # of the slot that begins now
        if slot == 95 and (day + 1) % self.days_a_month == 0:
            self.peak_w = 0
        planner.slot(FIRST_DAY + day, slot, load_w, self.peak_w, month)

    def _battery_w(self, load_w: int) -> float:
        target_w = self.planner.target_w
        wanted_w = float(self.planner.wish_w)
        if wanted_w >= 0:
            wanted_w = min(wanted_w, max(0, load_w))
            if wanted_w == 0 and load_w < target_w:
                wanted_w = -min(self.planner.recharge_w, target_w - load_w)
        wanted_w = max(wanted_w, load_w - target_w)
        wanted_w = max(-self.power_w, min(self.power_w, wanted_w))
        way = 0.9**0.5
        wanted_w = min(wanted_w, self.store_wh * 4 * way)
        wanted_w = max(wanted_w, -(self.full_wh - self.store_wh) * 4 / way)
        self.store_wh -= wanted_w / 4 / way if wanted_w > 0 else wanted_w / 4 * way
        return wanted_w
