"""One beat of the real controller for one row of readings: the device side of lockstep.

The same function serves the emulator (in process) and a MicroPython process at the end of a pipe
(run this file with the path of a site image), so it keeps to what both interpreters have. A
reading's stamp below zero means that the device stayed silent.
"""

import sys
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INPUTS = (
    "now_ms", "day", "second",
    "grid_w", "grid_ms", "store_w", "store_ms", "soc_pm", "soc_ms", "pv_w", "pv_ms",
    "charge_max_w", "discharge_max_w", "ready",
)
# These come last at a site that has the rule `phase`; what further batteries show, before them.
PHASES = ("l1_w", "l2_w", "l3_w", "phase_ms")


def names(image: "Any") -> "tuple[str, ...]":
    """The inputs of the site of an image."""
    found: tuple[str, ...] = INPUTS
    if "fleet" in image:
        from hil import fleet_inputs

        found += fleet_inputs.MORE * (len(image["fleet"]) - 1)
    for rule in image["rules"]:
        if rule[0] == "phase":
            return found + PHASES
    return found


def hand_over(site: "Any", v: "array[int]") -> None:
    """Give the readings `v` (in the order of `names`) to the roles, as a driver would; what has no
    stamp of its own, only when it has changed."""
    now, storage = site.now, site.storage
    if v[4] >= 0:
        site.grid_meter.take("grid_w", v[3], v[4])
    if v[10] >= 0:
        site.pv.take("pv_w", v[9], v[10])
    if len(v) > 14:
        at = len(v) - 4
        if v[at + 3] >= 0:
            for role in site.roles:
                if "l1_w" in role.SIGNALS:
                    for k in range(3):
                        role.take(PHASES[k], v[at + k], v[at + 3])
    if storage is None:
        from hil import fleet_inputs

        fleet_inputs.hand_over(site.fleet, v)
        return
    if v[6] >= 0:
        storage.take("store_w", v[5], v[6])
        if v[13] != now.ready:
            storage.take("ready", v[13], v[6])
    if v[8] >= 0:
        storage.take("soc_pm", v[7], v[8])
        if v[11] != now.charge_max_w:
            storage.take("charge_max_w", v[11], v[8])
        if v[12] != now.discharge_max_w:
            storage.take("discharge_max_w", v[12], v[8])


def beat(site: "Any", controller: "Any", v: "array[int]") -> "Any":
    """Hand the readings over and take one beat; returns the setpoint in W, of several batteries a
    list of theirs."""
    hand_over(site, v)
    setpoint_w: int = controller.beat(v[0], v[1], v[2])
    if site.storage is None:
        return [unit.setpoint_w for unit in site.fleet]
    return setpoint_w


def serve(path: str) -> None:
    """Answer each array of inputs read from standard input with the journal row it caused, and of
    several batteries their setpoints, or the relays' bits where the site has roles of its own."""
    from edge.controller import Controller
    from edge.image import load
    from edge.site import Site
    from hil.lockstep_own import OWN, beat_own, coils, has_own

    image = load(path)
    site = Site(image)
    site.clock_set = True
    controller = Controller(site)
    own = has_own(site)
    step = beat_own if own else beat
    inputs = array("i", [0] * (len(names(image)) + (len(OWN) if own else 0)))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    size = 4 * len(inputs)
    while True:
        # one readinto may fall short on a pipe; a short rest means that the rig has gone
        data = source.read(size)
        if data is None or len(data) < size:
            return
        inputs = array("i", data)
        setpoint = step(site, controller, inputs)
        sink.write(bytes(site.journal.row))
        if site.storage is None:
            sink.write(bytes(array("i", setpoint)))
        elif own:
            sink.write(bytes(array("i", [coils(site)])))
        flush = getattr(sink, "flush", None)
        if flush:
            flush()


if __name__ == "__main__":
    serve(sys.argv[1])
