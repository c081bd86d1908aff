"""What a journal row says the controller knew, given to a controller again.

A row holds what every site reads, with its age. Some sites read more: the switch, a generator,
three phases, what neighbours lend, each of several batteries. What such a rule said then stands in
the row, as the bound with its number, and is said again in its place: a bound that a later rule
moved on needs no telling, because the later one lands where it landed. Several batteries are the
one they are summed into, up to the setpoints. All else is worked out anew.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge.controller import Controller
from edge.gate import Gate
from edge.journal import FIELDS
from edge.site import Site
from edge.snapshot import CLOCK_OK, NEVER_MS, READY
from edge.ticks import ticks_add
from hil.inputs import OWN_RULES
from hil.lockstep import INPUTS, hand_over

# Rules that go by what no row holds.
HEARD = (*OWN_RULES, "phase", "share", "command", "dispatch_centre", "charging", "peak_shed",
         "surplus")
# Inputs that stand in a row as they were, and stamps, which stand there as ages.
_SAME = tuple((INPUTS.index(name), name) for name in (
    "now_ms", "day", "second", "grid_w", "store_w", "soc_pm", "pv_w", "charge_max_w",
    "discharge_max_w"))
_AGED = tuple((INPUTS.index(f"{name}_ms"), f"{name}_age_ms")
              for name in ("grid", "store", "soc", "pv"))
_READY = INPUTS.index("ready")
_NEEDED = (*(name for _, name in _SAME), *(name for _, name in _AGED), "flags")
_SAID = ("net_w", "lo_w", "lo_by", "hi_w", "hi_by", "command_w")
_OWN_FLAGS = 0xF00  # told by rules of HEARD, see edge/journal.py


class Recall:
    """A controller that is fed from rows with these fields; `row` is what it makes of the last one.

    `taken` names what is not worked out anew, `unchecked` the fields that are so not compared;
    `missing` the fields without which nothing can be.
    """

    def __init__(self, image: Mapping[str, Any], fields: Sequence[str]) -> None:
        rules = [name for name, _ in image["rules"]]
        several = "fleet" in image
        self.taken = [name for name in rules if name in HEARD or (several and name == "soc_check")]
        summed = several or bool(set(rules) & set(OWN_RULES))
        self.unchecked: tuple[str, ...] = ()
        if summed:
            self.taken += ["load", "setpoints" if several else "setpoint"]
            self.unchecked = ("net_w", "command_w", "verdict")
        self._summed = summed
        needed = (*_NEEDED, *_SAID) if self.taken else _NEEDED
        self.missing = [name for name in needed if name not in fields]
        if self.missing:
            return
        self._places = {name: at for at, name in enumerate(fields)}
        self._then: array[int] = array("i", bytes(4 * len(fields)))
        self._inputs = array("i", bytes(4 * len(INPUTS)))
        self.site = site = Site({name: part for name, part in image.items() if name != "fleet"})
        for number, name in enumerate(rules):
            if name in self.taken:
                site.rules[number] = self._said(number + 1)
        if summed:
            site.gate = Gate(image["gate"])
            site.dispatch.command = lambda site_w, now_ms: self._then[self._places["command_w"]]
        self._controller = Controller(site)
        self.row: array[int] = site.journal.row

    def beat(self, then: array[int]) -> None:
        """Let it live through the beat of a row again."""
        self._then = then
        places, inputs, site = self._places, self._inputs, self.site
        flags = then[places["flags"]]
        for at, name in _SAME:
            inputs[at] = then[places[name]]
        for at, name in _AGED:
            age_ms = then[places[name]]
            inputs[at] = -1 if age_ms >= NEVER_MS else ticks_add(inputs[0], -age_ms)
        inputs[_READY] = 1 if flags & READY else 0
        site.clock_set = bool(flags & CLOCK_OK)
        hand_over(site, inputs)
        if self._summed:
            self._as_told(then)
        self._controller.beat(inputs[0], inputs[1], inputs[2])

    def _as_told(self, then: array[int]) -> None:
        """What the roles of one battery and a live meter would not make of such readings, and
        the load, which was told from readings of several moments."""
        now, storage, inputs = self.site.now, self.site.storage, self._inputs
        for name in ("ready", "charge_max_w", "discharge_max_w"):
            storage.take(name, inputs[INPUTS.index(name)], 0)
        for name in ("grid_w", "store_w", "soc_pm"):
            w = then[self._places[name]]
            setattr(now, name, w)
            now.row[FIELDS.index(name)] = w
        now.low_w = now.high_w = then[self._places["net_w"]]

    def _said(self, by: int) -> Callable[[Any], None]:
        """What a rule had said when it bound last, on either side."""
        envelope, places = self.site.envelope, self._places

        def narrow(now: Any) -> None:
            then = self._then
            now.flags |= then[places["flags"]] & _OWN_FLAGS
            if then[places["lo_by"]] == by:
                envelope.at_least(then[places["lo_w"]], by)
            if then[places["hi_by"]] == by:
                envelope.at_most(then[places["hi_w"]], by)

        return narrow
