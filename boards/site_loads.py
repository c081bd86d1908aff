"""The sheddable loads and the relays of a site file, and what must hold for a site of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from boards import profiles
from boards.shapes import Findings
from boards.site_devices import commanded, feeds, list_tables
from boards.site_fields import read_table, say
from boards.site_tables import LOAD, rules

if TYPE_CHECKING:
    from boards.site import Site

_COILS = {"island": ("permit_coil", "pv_coil"), "generator": ("start_coil", "load_coil")}


@dataclass(frozen=True)
class Load:
    """One load that may be shed; 1 is the most important priority."""

    name: str
    priority: int
    rated_w: int
    coil: int
    on_without: int
    min_on_s: int
    min_off_s: int
    shed_pm: int
    surplus: int = 0

    def image(self) -> list[int]:
        """As edge/island/shedder.py takes it."""
        return [self.rated_w, self.coil, self.on_without, self.min_on_s, self.min_off_s,
                self.shed_pm]


def read_loads(findings: Findings, raw: object) -> tuple[Load, ...]:
    """Read every [[load]], most important first; one with mistakes stays away."""
    loads = []
    for number, entry in enumerate(list_tables(findings, "load", raw)):
        name = entry.get("name")
        key = f"load[{number}]" + (f" {name}" if isinstance(name, str) else "")
        got = read_table(findings, key, entry, LOAD)
        if None not in got.values():
            loads.append(Load(**got))
        else:
            findings.spoiled.add("load")
    return tuple(sorted(loads, key=lambda load: load.priority))


def check_island(findings: Findings, site: "Site") -> None:
    """What must hold between loads, relays, generator and the rules that use them."""
    _check_needs(findings, site)
    _check_company(findings, site)
    _check_order(findings, site.loads)
    _check_coils(findings, site)
    _check_switchers(findings, site)
    over_w = site.rules.get("shed", {}).get("import_max_w")
    least_w = site.rules.get("contract", {}).get("import_max_w", 0)
    if over_w and not least_w:
        say(findings, "rules.shed.import_max_w", f"found {over_w} W, expected [rules.contract], by "
            "which the battery helps before a load is shed")
    elif over_w and least_w and over_w < least_w:
        say(findings, "rules.shed.import_max_w", f"found {over_w} W, expected at least "
            f"rules.contract.import_max_w = {least_w} W, from which on the battery helps")
    if ("island" in site.rules) != ("island_gate" in site.sections):
        lonely, other = (("rules.island", "[island_gate]") if "island" in site.rules
                         else ("island_gate", "[rules.island]"))
        say(findings, lonely, f"found without {other}, expected both or none")
    generator = site.rules.get("min_import", {}).get("while_running")
    if generator and "generator" not in site.rules:
        say(findings, "rules.min_import.while_running", "found 1, expected [rules.generator]")
    island = site.rules.get("island")
    if island and island["forming"] == 0 and "generator" not in site.rules:
        say(findings, "rules.island.forming", "found 0 and no [rules.generator], expected a "
            "converter or a generator to form the island")
    if island and island["forming"] == 0 and site.rules.get("generator", {}).get("always") == 0:
        say(findings, "rules.generator.always", "found 0, expected 1, as rules.island.forming = 0: "
            "nothing else forms the island")


def _check_switchers(findings: Findings, site: "Site") -> None:
    """Every load has one rule that switches it, and every such rule a load."""
    shedders = [name for name in ("shed", "peak_shed") if name in site.rules]
    shed = [load for load in site.loads if not load.surplus]
    sunny = [load for load in site.loads if load.surplus]
    known = "load" not in findings.spoiled
    if shedders and not shed and known:
        say(findings, f"rules.{shedders[0]}", "found no load to shed, expected tables [[load]]")
    if shed and not shedders:
        say(findings, "load", "found loads to shed, expected [rules.shed] to shed them")
    if len(shedders) > 1:
        say(findings, "rules.peak_shed", "found beside [rules.shed], expected one of them: the "
            "loads are the same")
    if "surplus" in site.rules and not sunny and known:
        say(findings, "rules.surplus", "found no load, expected tables [[load]] with surplus = 1")
    if sunny and "surplus" not in site.rules:
        say(findings, f"load {sunny[0].name}.surplus", "found 1, expected [rules.surplus]")
    for load in sunny:
        if load.on_without:
            say(findings, f"load {load.name}.on_without", "found 1, expected 0: without the gateway"
                " nobody knows of a surplus")
    if "peak_shed" in site.rules and "demand" not in site.rules:
        say(findings, "rules.peak_shed", "found no target to hold, expected [rules.demand]")


def _check_company(findings: Findings, site: "Site") -> None:
    """What nobody has tried together yet is refused, not hoped for."""
    for name in ("island", "generator", "shed", "peak_shed", "surplus", "min_import", "rejoin"):
        if name in site.rules and site.batteries:
            say(findings, f"rules.{name}", "found beside several batteries, expected a single one")


def _check_needs(findings: Findings, site: "Site") -> None:
    if "device" in findings.spoiled:
        return
    known = rules()
    told = set()
    for rule in site.rules:
        for signal in known[rule].needs:
            if signal not in told and not feeds(site.devices, signal):
                told.add(signal)
                fitting = [name for name in profiles.ids()
                           if signal in profiles.load(name).signals]
                say(findings, f"rules.{rule}", f"found no device that reads {signal}, "
                    f"expected one with a profile as {' '.join(fitting)}")


def _check_order(findings: Findings, loads: Sequence[Load]) -> None:
    """Loads are shed in one order, so no two may be alike, and the thresholds must follow it."""
    for field in ("name", "priority"):
        values = [getattr(load, field) for load in loads]
        for twice in dict.fromkeys(value for value in values if values.count(value) > 1):
            say(findings, "load", f"found {values.count(twice)} with {field} {twice}, expected one")
    for load, less in pairwise(loads):
        if less.shed_pm < load.shed_pm:
            say(findings, f"load {less.name}.shed_pm", f"found {less.shed_pm} per mille, expected "
                f"at least {load.shed_pm} per mille as {load.name}, which is more important")


def _check_coils(findings: Findings, site: "Site") -> None:
    """Every coil does one thing, and there is one device with relays where they are used."""
    used: dict[int, str] = {}
    for key, coil in _coils(site):
        if coil in used:
            say(findings, key, f"found {coil}, expected another one: it is {used[coil]}'s")
        used.setdefault(coil, key)
    if "device" in findings.spoiled:
        return
    boards = commanded(site.devices, "coils")
    if used and not boards:
        fitting = [name for name in profiles.ids()
                   if (control := profiles.load(name).control) and control.shape == "coils"]
        say(findings, "device", f"found none with the relays of {next(iter(used.values()))}, "
            f"expected one with a profile as {' '.join(fitting)}")
    if len(boards) > 1:
        names = " and ".join(device.name for device in boards)
        say(findings, "device", f"found relays in {names}, expected one such device")


def _coils(site: "Site") -> Iterator[tuple[str, int]]:
    for rule, keys in _COILS.items():
        for key in keys:
            if coil := site.rules.get(rule, {}).get(key):
                yield f"rules.{rule}.{key}", coil
    for load in site.loads:
        yield f"load {load.name}.coil", load.coil
