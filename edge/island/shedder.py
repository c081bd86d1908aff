"""Which of the sheddable loads are connected: always the most important ones.

Loads stand in the order of their importance, so that a number says it all: the first `count` are
connected. The last one is shed first and comes back last. What keeps them from chattering: a load
rests and runs for its own least times, a restored one must fit with a margin, and it waits for
`restore_s` of calm, which every shedding and every restoring begins anew.
"""

from array import array

from edge.compat import const

_LONG_S = const(1_000_000)
_RATED_W = const(0)  # places in a load as the image lists it
_COIL = const(1)
_ON_WITHOUT = const(2)
_ON_S = const(3)
_OFF_S = const(4)
_SHED_PM = const(5)


class Shedder:
    """`loads` as [rated_w, coil, on_without, min_on_s, min_off_s, shed_pm], most important first;
    `keys` are those of edge/rules/shed.py."""

    def __init__(self, loads: list, keys: dict, outputs):
        self.loads = loads
        self.count = 0  # the first so many are connected
        self._turn = outputs.turn
        self._bits = [outputs.claim(load[_COIL], load[_ON_WITHOUT]) for load in loads]
        while self.count < len(loads) and loads[self.count][_ON_WITHOUT]:
            self.count += 1  # the others come one by one, whatever their coils do without power
        for place in range(self.count, len(loads)):
            outputs.turn(self._bits[place], False)
        self._held_s = array("i", [_LONG_S] * len(loads))  # since it was switched
        self._calm_s = 0
        self._wait_s = 0  # until the readings show what was shed
        self._restore_s = keys["restore_s"]
        self._settle_s = keys["settle_s"]
        self._margin_pm = keys["margin_pm"]
        self._back_pm = keys["back_pm"]

    def follow(self, need_w: int, spare_w: int, soc_pm: int, span_s: int):
        """Take one beat: `need_w` above 0 is to be shed, `spare_w` is free for what comes back;
        `soc_pm` is held against each load's own threshold (1000 where that does not count)."""
        held_s = self._held_s
        for place in range(len(held_s)):
            if held_s[place] < _LONG_S:
                held_s[place] += span_s
        if self._calm_s < _LONG_S:
            self._calm_s += span_s
        self._wait_s -= span_s if self._wait_s > 0 else 0
        if self._wait_s > 0:
            need_w = 0
        if need_w > 0:
            self._calm_s = 0
        while self.count and (need_w > 0 or soc_pm < self.loads[self.count - 1][_SHED_PM]):
            load = self.loads[self.count - 1]
            if held_s[self.count - 1] < load[_ON_S]:
                return
            if need_w > 0:
                need_w -= load[_RATED_W]
                self._wait_s = self._settle_s
            self.count -= 1
            self._switch(False, self.count)
        if self.count < len(held_s) and self._calm_s >= self._restore_s:
            load = self.loads[self.count]
            if (held_s[self.count] >= load[_OFF_S] and spare_w >= self._wanted_w(load)
                    and (soc_pm >= 1000 or soc_pm >= load[_SHED_PM] + self._back_pm)):
                self._switch(True, self.count)
                self.count += 1

    def shed_w(self) -> int:
        """What is shed now, by what the loads are rated."""
        w = 0
        for place in range(self.count, len(self.loads)):
            w += self.loads[place][_RATED_W]
        return w

    def _switch(self, on: bool, place: int):
        self._turn(self._bits[place], on)
        self._held_s[place] = 0
        self._calm_s = 0

    def _wanted_w(self, load) -> int:
        """What must be free for a load that comes back: more than it is rated, as what was cold or
        still draws more at first."""
        rated_w, margin_pm = load[_RATED_W], self._margin_pm
        return rated_w // 1000 * margin_pm + rated_w % 1000 * margin_pm // 1000
