"""The demo's fixed lines: what is real, what came of the day, where to go on."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boards.why_words import energy, power
from hil.scenario import Planned, clock, span
from hil.summary import amount, cell

if TYPE_CHECKING:
    from boards.site import Site
    from hil.demo_day import Plan

_NAMES = {"grid_meter": "meter", "converter": "PCS", "bms": "BMS", "pv": "PV inverter"}
_KINDS = {"silence": "silent"}
_LINKS = {"rtu": "Modbus RTU, pseudo-terminal", "tcp": "Modbus TCP, loopback"}


def fault_words(fault: Planned) -> str:
    """What goes wrong, in a few words."""
    if fault.effect.part:
        return f"{fault.effect.part} lost"
    return f"{_NAMES[fault.device]} {_KINDS.get(fault.kind, fault.kind.replace('_', ' '))}"


def end_words(fault: Planned) -> str:
    """What is well again."""
    return f"{fault.effect.part or _NAMES[fault.device]} back"


def banner(plan: "Plan", site: "Site", places: Sequence[Mapping[str, Any]],
           faults: Sequence[Planned], out: Path) -> list[str]:
    """What is real, and what will go wrong."""
    battery, beat_s = site.sections["battery"], site.sections["site"]["beat_s"]
    target = f"demand target {power(plan.target_w)}" if plan.target_w else "demand target learned"
    lines = [f"  park   {plan.name}; site file {shown(site.path)}",
             f"         battery {energy(battery['capacity_wh'])}, "
             f"{power(battery['discharge_max_w'])}; {target}"]
    if plan.limit_w:
        lines += [f"         for this load: import up to {power(plan.limit_w)}, whatever the site "
                  "file says",
                  f"  day    {plan.start:%Y-%m-%d} as the first of a billing month, "
                  f"{plan.learned} days to learn from"]
    for link in _LINKS:
        found = [f"{device.name} {_place(places[device.bus])}" for device in site.devices
                 if site.buses[device.bus].image["link"] == link]
        if found:
            lines.append(f"  {'rig' if link == 'rtu' else '   '}    {_LINKS[link]}: "
                         + ", ".join(found))
    lines += [
        f"  core   the gateway's own files (edge/), a beat of {beat_s} s instead of 1 s",
        f"  cloud  MQTT broker, bridge and SQLite store on loopback, {shown(out / 'park.db')}",
        "  time   virtual: goes on when every device has answered and has its setpoint"]
    told = [f"{clock(one.at_s)} {fault_words(one)} {span(one.for_s)}" for one in faults]
    lines.append(f"  faults {'   '.join(told)}     Ctrl-C stops")
    return lines


def table(found: Mapping[str, Any], took_s: float) -> list[str]:
    """Without the battery, with it, and with all known ahead; each line of the best by itself."""
    columns = [found[name] for name in ("without", "with", "best")]
    carbon = found["carbon"]
    rows = [("peak, 15 min", "kW", [cell(one, "peak_kw") for one in columns]),
            ("demand charge, month", found["currency"], [cell(one, "demand") for one in columns]),
            ("energy, day", found["currency"],
             ["-" if one is None else amount(one["energy"] + one["refill"]) for one in columns]),
            ("carbon, day", "kg", [amount(carbon["without_kg"]), amount(carbon["with_kg"]), "-"])]
    lines = ["", f" {f'day done in {took_s:.0f} s':<29}" + _cells(("without", "with", "best"))]
    lines += [f"   {label:<21}{unit:>4} " + _cells(cells) for label, unit, cells in rows]
    share = found["share_of_best"]["peak"]
    if share is not None:
        lines.append(f"   {'share of the best peak saving':<30}{share * 100:>5.0f} %   "
                     "(best: the whole day known ahead)")
    return lines


def counted(found: Mapping[str, Any], blind_s: int, stored: int, lost: int, doubled: int
            ) -> list[str]:
    """What the gateway's own ledger says (it was blind for `blind_s`), and what arrived."""
    ledger, plant = found["ledger"], found["energy_kwh"]
    return [f" ledger {amount(ledger['import_kwh'])} kWh imported, "
            f"{amount(ledger['energy_cost'])} {found['currency']}, "
            f"{amount(ledger['carbon_kg'])} kg CO2 by its own count",
            f"        {amount(plant['import'])} kWh by the plant itself; the gateway missed "
            f"{blind_s // 60} min {blind_s % 60} s",
            f" cloud  {stored} rows in the store: {lost} lost, {doubled} doubled"]


def onwards(plan: "Plan", out: Path) -> list[str]:
    """What to do next."""
    return ["", f" next   open {shown(out / 'report.html')}",
            f"        {python()} -m boards why {shown(out / 'journal')} --at 10:06",
            f"        edit {shown(plan.path)}, run again",
            f"        {python()} -m hil demo --load your.csv   (lines of timestamp,kW)",
            f"        {python()} -m hil run wire   (one fault after the other, judged)"]


def shown(path: Path) -> str:
    """A path as it is typed from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def python() -> str:
    """The interpreter as it is typed from here: a new user's own one has nothing installed."""
    path = Path(sys.executable)
    inside = path.is_relative_to(Path.cwd())
    return str(path.relative_to(Path.cwd())) if inside else "python"


def _place(keys: Mapping[str, Any]) -> str:
    return str(keys["path"]) if "path" in keys else f"port {keys['port']}"


def _cells(cells: Sequence[str]) -> str:
    return "".join(f"{cell:>12}" for cell in cells)
