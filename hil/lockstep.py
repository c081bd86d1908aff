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
# Of a site with a grid switch, a generator or relays of its own, behind those.
OWN_RULES = ("island", "generator", "shed", "min_import", "rejoin")
OWN = ("islanded", "grid_ok", "switch_ms", "gen_w", "gen_running", "gen_ready", "gen_ms")


def hand_over(site: "Any", v: "array[int]") -> None:
    """Give the readings `v` (in the order of INPUTS) to the roles, as a driver would; what has no
    stamp of its own, only when it has changed."""
    now, storage = site.now, site.storage
    if v[4] >= 0:
        site.grid_meter.take("grid_w", v[3], v[4])
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
    if v[10] >= 0:
        site.pv.take("pv_w", v[9], v[10])
    if len(v) > len(INPUTS):
        hand_over_own(site, v)


def hand_over_own(site: "Any", v: "array[int]") -> None:
    """Give the readings OWN, which begin behind those of INPUTS."""
    for role in site.roles:
        if v[16] >= 0 and "islanded" in role.SIGNALS:
            role.take("islanded", v[14], v[16])
            role.take("grid_ok", v[15], v[16])
        elif v[20] >= 0 and "gen_w" in role.SIGNALS:
            role.take("gen_w", v[17], v[20])
            role.take("gen_running", 1000 * v[18], v[20])
            role.take("gen_ready", v[19], v[20])


def has_own(site: "Any") -> bool:
    """Whether a rule has given the site roles of its own."""
    return any(name in OWN_RULES for name in site.rule_names)


def coils(site: "Any") -> int:
    """The bits of the site's relays; 0 when it has none."""
    for role in site.roles:
        if hasattr(role, "claim"):
            bits: int = role.setpoint_w
            return bits
    return 0


def beat(site: "Any", controller: "Any", v: "array[int]") -> int:
    """Hand the readings over and take one beat; returns the setpoint in W."""
    hand_over(site, v)
    setpoint_w: int = controller.beat(v[0], v[1], v[2])
    return setpoint_w


def serve(path: str) -> None:
    """Answer each INPUTS array (with OWN, where the site has roles of its own) read from standard
    input with the journal row it caused, and in the latter case the relays' bits."""
    from edge.controller import Controller
    from edge.image import load
    from edge.site import Site

    site = Site(load(path))
    site.clock_set = True
    controller = Controller(site)
    own = has_own(site)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    size = 4 * (len(INPUTS) + (len(OWN) if own else 0))
    while True:
        # one readinto may fall short on a pipe; a short rest means that the rig has gone
        data = source.read(size)
        if data is None or len(data) < size:
            return
        inputs = array("i", data)
        beat(site, controller, inputs)
        sink.write(bytes(site.journal.row))
        if own:
            sink.write(bytes(array("i", [coils(site)])))
        flush = getattr(sink, "flush", None)
        if flush:
            flush()


if __name__ == "__main__":
    serve(sys.argv[1])
