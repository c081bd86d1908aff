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

INPUTS = (  # of every site; hil/inputs.py says what follows them at some
    "now_ms", "day", "second",
    "grid_w", "grid_ms", "store_w", "store_ms", "soc_pm", "soc_ms", "pv_w", "pv_ms",
    "charge_max_w", "discharge_max_w", "ready",
)


def hand_over(site: "Any", v: "array[int]") -> None:
    """Give the readings INPUTS to the roles, as a driver would; what has no stamp of its own, only
    when it has changed. Several batteries are told apart from the rest."""
    now, storage = site.now, site.storage
    if v[4] >= 0:
        site.grid_meter.take("grid_w", v[3], v[4])
    if v[10] >= 0:
        site.pv.take("pv_w", v[9], v[10])
    if storage is None:
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


def beat(site: "Any", controller: "Any", v: "array[int]") -> int:
    """Hand the readings of a site with none but INPUTS over and take one beat; the setpoint, W."""
    hand_over(site, v)
    setpoint_w: int = controller.beat(v[0], v[1], v[2])
    return setpoint_w


def bind(image: "Any", site: "Any", controller: "Any") -> "Any":
    """The function that does so with a row of the site of any image; it returns the setpoint in W,
    of several batteries a list of theirs."""
    from hil.inputs import takers

    more = takers(image, site)
    several = "fleet" in image

    def beat(v: "array[int]") -> "Any":
        hand_over(site, v)
        for take in more:
            take(v)
        setpoint_w = controller.beat(v[0], v[1], v[2])
        return [unit.setpoint_w for unit in site.fleet] if several else setpoint_w

    return beat


def serve(path: str) -> None:
    """Answer each row of inputs read from standard input with the journal row it caused, and with
    what else hil/inputs.py says."""
    from edge.controller import Controller
    from edge.image import load
    from edge.site import Site
    from hil.inputs import answers, names

    image = load(path)
    site = Site(image)
    site.clock_set = True
    beat = bind(image, site, Controller(site))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    size = 4 * len(names(image))
    while True:
        # one readinto may fall short on a pipe; a short rest means that the rig has gone
        data = source.read(size)
        if data is None or len(data) < size:
            return
        beat(array("i", data))
        sink.write(bytes(site.journal.row))
        sink.write(bytes(array("i", answers(image, site))))
        flush = getattr(sink, "flush", None)
        if flush:
            flush()


if __name__ == "__main__":
    serve(sys.argv[1])
