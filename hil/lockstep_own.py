"""The device side of lockstep for a site with a grid switch, a generator or relays of its own.

Apart from hil/lockstep.py, because a beat of any other site must not pay for it; and like that file
for both interpreters.
"""

from hil.lockstep import beat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from typing import Any

# Rules that give a site such roles, and their readings, which stand behind hil.lockstep.INPUTS.
OWN_RULES = ("island", "generator", "shed", "min_import", "rejoin")
OWN = ("islanded", "grid_ok", "switch_ms", "gen_w", "gen_running", "gen_ready", "gen_ms")


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


def beat_own(site: "Any", controller: "Any", v: "array[int]") -> "Any":
    """The same for a site with roles of its own, whose readings are longer."""
    hand_over_own(site, v)
    return beat(site, controller, v)
