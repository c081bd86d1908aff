"""The inputs of a site, as its image declares them: one row of numbers a beat, known to both sides.

INPUTS come first. Behind them stand, in this order, what only some sites have: MORE for each
further one of several batteries (store_w_1, store_ms_1, ...), OWN with a rule of OWN_RULES, PHASES
with the rule `phase`, and CHARGER for each charger, with CHARGERS_MS behind them all.

Apart from hil/lockstep.py, because a MicroPython that is measured should load no names that a
gateway does not have. It keeps to what both Pythons have.
"""

from hil.lockstep import INPUTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from typing import Any

MORE = ("store_w", "store_ms", "soc_pm", "soc_ms", "charge_max_w", "discharge_max_w", "ready")
OWN_RULES = ("island", "generator", "shed", "min_import", "rejoin")
OWN = ("islanded", "grid_ok", "switch_ms", "gen_w", "gen_running", "gen_ready", "gen_ms")
CHARGER = ("charger_w", "plugged")
CHARGERS_MS = "chargers_ms"
PHASES = ("l1_w", "l2_w", "l3_w", "phase_ms")


def names(image: "Any") -> "tuple[str, ...]":
    """The inputs of the site of an image, in their order."""
    rules = [rule[0] for rule in image["rules"]]
    found: tuple[str, ...] = INPUTS
    for number in range(1, len(image.get("fleet", ()))):
        found += tuple([name + "_" + str(number) for name in MORE])
    if any(name in OWN_RULES for name in rules):
        found += OWN
    if "phase" in rules:
        found += PHASES
    chargers = _chargers(image)
    for number in range(chargers):
        found += tuple([name + "_" + str(number) for name in CHARGER])
    if chargers:
        found += (CHARGERS_MS,)
    return found


def _chargers(image: "Any") -> int:
    for rule in image["rules"]:
        if rule[0] == "charging":
            return len(rule[1]["chargers"])
    return 0


def battery_places(known: "tuple[str, ...]", number: int) -> "list[int]":
    """Where in the inputs `known` the readings of a battery are, in the order of MORE."""
    end = "_" + str(number) if number else ""
    return [known.index(name + end) for name in MORE]


def takers(image: "Any", site: "Any") -> "list[Any]":
    """What hands the readings beyond those of every site to its roles: functions of a row."""
    known = names(image)
    found = []
    if "fleet" in image:
        for number in range(len(site.fleet)):
            found.append(_battery(site.fleet[number], battery_places(known, number)))
    for signal, bind in (("islanded", _switch), ("gen_w", _generator), ("l1_w", _phases)):
        for role in site.roles:
            if signal in known and signal in role.SIGNALS:
                found.append(bind(role, known.index(signal)))
    for role in site.roles:
        if hasattr(role, "chargers"):
            found.append(_yard(role.chargers, known.index(CHARGER[0] + "_0")))
    return found


def answers(image: "Any", site: "Any") -> "list[int]":
    """What a site tells beside its journal row: the setpoints of several batteries, the bits of its
    relays with a rule of OWN_RULES, and what its chargers are offered."""
    found = [unit.setpoint_w for unit in site.fleet] if "fleet" in image else []
    if "islanded" in names(image):
        found.append(coils(site))
    return found + offers(site)


def offers(site: "Any") -> "list[int]":
    """What the site's chargers are offered, mA."""
    for role in site.roles:
        if hasattr(role, "chargers"):
            return [charger.setpoint_w for charger in role.chargers]
    return []


def coils(site: "Any") -> int:
    """The bits of the site's relays; 0 when it has none."""
    for role in site.roles:
        if hasattr(role, "claim"):
            bits: int = role.setpoint_w
            return bits
    return 0


def _battery(unit: "Any", places: "list[int]") -> "Any":
    store_w, store_ms, soc_pm, soc_ms, charge_w, discharge_w, ready = places

    def take(v: "array[int]") -> None:
        if v[store_ms] >= 0:
            unit.take("store_w", v[store_w], v[store_ms])
            unit.take("ready", v[ready], v[store_ms])
        if v[soc_ms] >= 0:
            unit.take("soc_pm", v[soc_pm], v[soc_ms])
            unit.take("charge_max_w", v[charge_w], v[soc_ms])
            unit.take("discharge_max_w", v[discharge_w], v[soc_ms])

    return take


def _switch(role: "Any", at: int) -> "Any":
    def take(v: "array[int]") -> None:
        if v[at + 2] >= 0:
            role.take("islanded", v[at], v[at + 2])
            role.take("grid_ok", v[at + 1], v[at + 2])

    return take


def _generator(role: "Any", at: int) -> "Any":
    def take(v: "array[int]") -> None:
        if v[at + 3] >= 0:
            role.take("gen_w", v[at], v[at + 3])
            role.take("gen_running", 1000 * v[at + 1], v[at + 3])
            role.take("gen_ready", v[at + 2], v[at + 3])

    return take


def _yard(chargers: "list[Any]", at: int) -> "Any":
    def take(v: "array[int]") -> None:
        ms = v[at + 2 * len(chargers)]
        if ms >= 0:
            for k in range(len(chargers)):
                chargers[k].take("charger_w", v[at + 2 * k], ms)
                chargers[k].take("plugged", v[at + 2 * k + 1], ms)

    return take


def _phases(role: "Any", at: int) -> "Any":
    def take(v: "array[int]") -> None:
        if v[at + 3] >= 0:
            for k in range(3):
                role.take(PHASES[k], v[at + k], v[at + 3])

    return take
