"""The inputs of a site have one description, and every one of them reaches its role."""

from __future__ import annotations

from array import array

import pytest

from edge.controller import Controller
from edge.site import Site
from hil.inputs import MORE, OWN, PHASES, battery_places, names
from hil.lockstep import INPUTS, bind
from tests.core.park import DAY, image
from tests.fleet.fleet import one, several
from tests.island.clinic import clinic

SITES = {
    "plain": image(without=("phase",)), "phase": image(), "island": clinic(),
    "fleet": several(one("a"), one("b"), one("c"))}


@pytest.mark.parametrize(("site", "more"), [
    ("plain", ()), ("phase", PHASES), ("island", OWN),
    ("fleet", tuple(f"{name}_{k}" for k in (1, 2) for name in MORE))])
def test_the_inputs_follow_from_the_image(site, more):
    assert names(SITES[site]) == INPUTS + more
    assert len(set(names(SITES[site]))) == len(names(SITES[site]))


def read(site: Site) -> dict[str, int]:
    """What the roles hold, by the names of the inputs."""
    now = site.now
    found = {"grid_w": now.grid_w, "grid_ms": now.grid_ms, "pv_w": now.pv_w, "pv_ms": now.pv_ms}
    units = site.fleet if site.storage is None else [now]
    for number, unit in enumerate(units):
        end = f"_{number}" if number else ""
        found |= {name + end: int(getattr(unit, name)) for name in MORE}
    for role in site.roles:
        if "islanded" in role.SIGNALS:
            found |= {"islanded": role.islanded.value, "grid_ok": role.grid_ok.value,
                      "switch_ms": role.grid_ok.ms}
        elif "gen_w" in role.SIGNALS:
            found |= {"gen_w": role.power.value, "gen_running": role.running.value,
                      "gen_ready": int(role.ready), "gen_ms": role.power.ms}
        elif "l1_w" in role.SIGNALS:
            found |= {name: trail.w for name, trail in
                      zip(PHASES[:3], role.trails, strict=True)}
            found["phase_ms"] = role.oldest_ms
    return found


@pytest.mark.parametrize("site", SITES)
def test_each_input_reaches_its_role(site):
    """All unlike, all possible: 1 and 0 where only they are, stamps before now."""
    made = SITES[site]
    known = names(made)
    row = array("i", bytes(4 * len(known)))
    for place, name in enumerate(known):
        row[place] = 100_000 - 7 * place if name.endswith("_ms") else 100 + place
    row[:3] = array("i", [100_000, DAY, 0])
    for name in ("grid_ok", "islanded", "gen_running", "gen_ready",
                 *(name for name in known if name.startswith("ready"))):
        if name in known:
            row[known.index(name)] = int(name != "islanded")  # an open one is told for the meter
    parts = Site(made)
    bind(made, parts, Controller(parts))(row)
    told = dict(zip(known, row, strict=True))
    assert parts.fault is None
    assert read(parts) == {name: told[name] for name in known[3:]}


def test_the_places_of_a_battery_are_its_own():
    known = names(SITES["fleet"])
    places = [place for number in range(3) for place in battery_places(known, number)]
    assert len(set(places)) == 3 * len(MORE)
