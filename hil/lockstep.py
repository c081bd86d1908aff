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
# Where the same readings of each further battery follow, in this order.
MORE = ("store_w", "store_ms", "soc_pm", "soc_ms", "charge_max_w", "discharge_max_w", "ready")
_FIRST = (5, 6, 7, 8, 11, 12, 13)  # of MORE in INPUTS
_PLACES = [_FIRST] + [tuple(range(14 + 7 * k, 21 + 7 * k)) for k in range(7)]


def width(batteries: int) -> int:
    """How many inputs a site with so many batteries has."""
    return len(INPUTS) + len(MORE) * (batteries - 1)


def places(battery: int) -> "Any":
    """Where in the inputs the readings of a battery are, in the order of MORE."""
    return _PLACES[battery]


def hand_over(site: "Any", v: "array[int]") -> None:
    """Give the readings `v` (in the order of INPUTS) to the roles, as a driver would; what has no
    stamp of its own, only when it has changed."""
    now, storage = site.now, site.storage
    if v[4] >= 0:
        site.grid_meter.take("grid_w", v[3], v[4])
    if v[10] >= 0:
        site.pv.take("pv_w", v[9], v[10])
    if storage is None:
        for number in range(len(site.storages)):
            _hand_over_one(site.storages[number], v, _PLACES[number])
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


def _hand_over_one(unit: "Any", v: "array[int]", at: "Any") -> None:
    """The same for one of several batteries."""
    store_w, store_ms, soc_pm, soc_ms, charge_w, discharge_w, ready = at
    if v[store_ms] >= 0:
        unit.take("store_w", v[store_w], v[store_ms])
        unit.take("ready", v[ready], v[store_ms])
    if v[soc_ms] >= 0:
        unit.take("soc_pm", v[soc_pm], v[soc_ms])
        unit.take("charge_max_w", v[charge_w], v[soc_ms])
        unit.take("discharge_max_w", v[discharge_w], v[soc_ms])


def beat(site: "Any", controller: "Any", v: "array[int]") -> "Any":
    """Hand the readings over and take one beat; returns the setpoint in W, of several batteries a
    list of theirs."""
    hand_over(site, v)
    setpoint_w: int = controller.beat(v[0], v[1], v[2])
    if site.storage is None:
        return [unit.setpoint_w for unit in site.storages]
    return setpoint_w


def serve(path: str) -> None:
    """Answer each array of inputs read from standard input with the journal row it caused, and of
    several batteries their setpoints."""
    from edge.controller import Controller
    from edge.image import load
    from edge.site import Site

    site = Site(load(path))
    site.clock_set = True
    controller = Controller(site)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    size = 4 * width(len(site.storages))
    while True:
        # one readinto may fall short on a pipe; a short rest means that the rig has gone
        data = source.read(size)
        if data is None or len(data) < size:
            return
        inputs = array("i", data)
        setpoint = beat(site, controller, inputs)
        sink.write(bytes(site.journal.row))
        if site.storage is None:
            sink.write(bytes(array("i", setpoint)))
        flush = getattr(sink, "flush", None)
        if flush:
            flush()


if __name__ == "__main__":
    serve(sys.argv[1])
