"""Several batteries in one site file: [battery.NAME] and [gate.NAME] in the place of [battery].

Each becomes a section of its own, "battery.NAME" and "gate.NAME"; the section "battery" is then
what all of them are together, which is all that most of parkedge needs to know.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from boards.shapes import Findings
from boards.site_fields import near, read_table, say
from boards.site_tables import FLEET, MOST_BATTERIES, TABLES

Sections = dict[str, dict[str, Any]]
_NAME = re.compile("[a-z0-9-]{1,32}")


def battery_names(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the batteries, where a site file declares several; () for one."""
    table = raw.get("battery")
    if not isinstance(table, dict):
        return ()
    keys = _keys("battery")
    return tuple(name for name, value in table.items()
                 if isinstance(value, dict) and name not in keys)


def read_fleet(findings: Findings, raw: Mapping[str, Any], names: Sequence[str]
               ) -> tuple[dict[str, Any], Sections]:
    """Read the tables of the named batteries: the rest of the site file, and their sections with
    the sum of them. What is wrong becomes findings, and None in the sections."""
    if not 2 <= len(names) <= MOST_BATTERIES:
        findings.add("battery", " ".join(f"[battery.{name}]" for name in names[:9]),
                     f"2 .. {MOST_BATTERIES} such tables, or [battery] itself for a single one")
    gates = raw.get("gate")
    gates = gates if isinstance(gates, dict) else {}
    sections: Sections = {}
    loose = [name for name in raw["battery"] if name not in names]
    if loose:
        say(findings, "battery", f"found {' '.join(loose)} beside [battery.{names[0]}], expected "
            "either [battery] for a single one, or tables [battery.NAME] alone")
    for name in names:
        value = raw["battery"][name]
        if not _NAME.fullmatch(name):
            findings.add("battery", name, "a name of a-z, 0-9 and -, 1 .. 32 of them")
        sections[f"battery.{name}"] = read_table(findings, f"battery.{name}", value,
                                                 FLEET["battery"])
        key = f"gate.{name}"
        if name in gates:
            sections[key] = read_table(findings, key, gates[name], FLEET["gate"])
        else:
            findings.add(key, None, f"a table [{key}] with the numbers on its converter's door")
            sections[key] = dict.fromkeys(_keys("gate", FLEET))
    for name in gates:
        if isinstance(gates[name], dict) and name not in names:
            right = near(name, names)
            say(findings, f"gate.{name}", "there is no such battery"
                + (f"; did you mean {right}?" if right else ""))
    rest = {name: value for name, value in raw.items() if name != "battery"}
    if gates:
        rest["gate"] = {name: value for name, value in gates.items()
                        if not isinstance(value, dict)}
    sections["battery"] = _together(
        findings, [keys for name, keys in sections.items() if name.startswith("battery.")])
    return rest, sections


def _together(findings: Findings, batteries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All batteries as one."""
    if not batteries or any(None in keys.values() for keys in batteries):
        return dict.fromkeys(_keys("battery"))
    healthy_wh = [keys["capacity_wh"] * keys["health_pm"] // 1000 for keys in batteries]
    whole_wh: int = sum(healthy_wh)

    def mean(name: str) -> int:
        """By capacity."""
        total: int = sum(wh * keys[name] for wh, keys in zip(healthy_wh, batteries, strict=True))
        return total // max(whole_wh, 1)

    whole = {
        "capacity_wh": whole_wh,
        "charge_max_w": sum(keys["charge_max_w"] for keys in batteries),
        "discharge_max_w": sum(keys["discharge_max_w"] for keys in batteries),
        "efficiency_pm": mean("efficiency_pm"), "wear_e4": mean("wear_e4"),
        "lease_ms": min(keys["lease_ms"] for keys in batteries)}
    for name, unit, _, most, _, _ in TABLES["battery"]:
        if most is not None and whole[name] > most:
            say(findings, "battery", f"found {name} = {whole[name]} {unit} of all batteries "
                f"together, expected at most {most} {unit}")
            return dict.fromkeys(whole)
    return whole


def _keys(table: str, tables: Mapping[str, Any] = TABLES) -> list[str]:
    return [field[0] for field in tables[table]]
