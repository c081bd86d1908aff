"""A site file: read, held against the field tables, and whole or not at all.

`check` says everything that is wrong with one, a line each: where, what was found, what was
expected. `load` is for programs: the site, or SiteError with the same lines.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from boards import clouds, site_media, zone
from boards import ledger as ledgers
from boards import plan as plans
from boards import tariff as tariffs
from boards.shapes import Findings, one_of, toml
from boards.site_chargers import Charger, read_chargers
from boards.site_checks import cross_check
from boards.site_devices import Bus, Device, bus_names, read_buses, read_devices
from boards.site_fields import near, read_table, say
from boards.site_fleet import battery_names, read_fleet
from boards.site_loads import Load, read_loads
from boards.site_tables import ALWAYS, LIST_SECTIONS, OWN_TABLES, TABLES, rules
from edge.config import OPTIONAL, SPECIAL

_LONGEST_LINE = 400


@dataclass(frozen=True)
class Site:
    """A valid site: every value inside its range, every default filled in."""

    path: Path
    sections: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, Mapping[str, int]]  # most important first
    tariff: tariffs.Tariff
    buses: tuple[Bus, ...]
    devices: tuple[Device, ...]
    batteries: tuple[str, ...] = ()  # names, where there are several: boards/site_fleet.py
    loads: tuple[Load, ...] = ()  # that may be shed, most important first
    chargers: tuple[Charger, ...] = ()  # likewise
    media: tuple[site_media.Medium, ...] = ()  # meters of water, heat ...
    carbon: plans.Carbon | None = None
    ledger: ledgers.Ledger | None = None

    @property
    def name(self) -> str:
        return f"{self.sections['site']['park']}/{self.sections['site']['gateway']}"


@dataclass(frozen=True)
class Checked:
    """What became of a site file; `site` is None when there are errors."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    site: Site | None


class SiteError(ValueError):
    """A site file that cannot be used; `lines` says everything that is wrong with it."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(tuple(lines))  # what pickling hands to the next process
        self.lines = tuple(lines)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def load(path: Path | str) -> Site:
    """Read a site file. Raises SiteError with every mistake in it, OSError when it is not there."""
    checked = check(Path(path))
    if checked.site is None:
        raise SiteError(checked.errors)
    return checked.site


def check(path: Path, today: datetime.date | None = None) -> Checked:
    """Read and judge a site file. OSError when it is not there."""
    return check_bytes(path.read_bytes(), path, today)


def check_bytes(content: bytes, path: Path, today: datetime.date | None = None) -> Checked:
    """Judge the bytes of a site file that lies, or would lie, at `path`."""
    try:
        raw = toml(content)
    except ValueError as error:
        return Checked((_tidy(f"{path.name}: not TOML: {error}"),), (), None)
    try:
        return _check(raw, path, today or datetime.date.today())
    except RecursionError:  # in telling what was found
        return Checked((f"{path.name}: not a site: nested too deep",), (), None)


def _check(raw: Mapping[str, Any], path: Path, today: datetime.date) -> Checked:
    findings = Findings(path.name)
    warnings = Findings(path.name)
    site = _read(findings, raw, path)
    cross_check(findings, warnings, site, today)
    ledgers.warn(warnings, site)
    errors = tuple(dict.fromkeys(_tidy(line) for line in findings.lines))
    return Checked(errors, tuple(_tidy(line) for line in warnings.lines),
                   None if errors else site)


def _read(findings: Findings, raw: Mapping[str, Any], path: Path) -> Site:
    known = [*TABLES, "cloud", "rules", *LIST_SECTIONS]
    raw = _renamed(findings, "", "table", raw, known)
    sections: dict[str, dict[str, Any]] = {}
    names = battery_names(raw)
    if names:
        raw, sections = read_fleet(findings, raw, names)
    for name, fields in TABLES.items():
        if name in sections:
            continue
        if name in raw or name in OPTIONAL:
            sections[name] = read_table(findings, name, raw.get(name, {}), fields)
        elif name not in SPECIAL:
            findings.add(name, None, f"a table [{name}]")
            sections[name] = dict.fromkeys(field[0] for field in fields)
    sections["cloud"] = clouds.read(findings, raw.get("cloud"), sections["broker"]["cloud"])
    used = _rules(findings, raw.get("rules", {}), sections)
    buses = read_buses(findings, raw.get("bus", []))
    devices = read_devices(findings, raw.get("device", []), buses, bus_names(raw.get("bus")),
                           used, names)
    media, devices = site_media.read(findings, raw.get("medium", []), devices)
    _zone(findings, sections["site"]["timezone"])
    prices = _tariff(findings, sections["tariff"]["file"], path)
    loads = read_loads(findings, raw.get("load", []))
    chargers = read_chargers(findings, raw.get("charger", []))
    site = Site(path, sections, used, prices, buses, devices,  # type: ignore[arg-type]
                names, loads, chargers, media)
    return replace(site, carbon=plans.read(findings, site, path.parent),
                   ledger=ledgers.read(findings, site, path.parent))


def _rules(findings: Findings, raw: object, sections: Mapping[str, Mapping[str, Any]]
           ) -> dict[str, dict[str, int]]:
    """The rules a site switches on, by the order in which they speak; some by a table of their
    own."""
    if not isinstance(raw, dict):
        findings.add("rules", raw, "tables [rules.NAME]")
        raw = {}
    known = rules()
    for name, own in OWN_TABLES.items():
        if name in raw:
            say(findings, f"rules.{name}", f"is switched on by a table [{own}]")
    raw = _renamed(findings, "rules.", "rule", raw, list(known))
    raw |= {name: {} for name, own in OWN_TABLES.items() if own in sections}
    return {name: read_table(findings, f"rules.{name}", raw.get(name, {}), rule.fields)
            for name, rule in known.items() if name in raw or name in ALWAYS}


def _renamed(findings: Findings, place: str, what: str, raw: Mapping[str, Any],
             known: Sequence[str]) -> dict[str, Any]:
    """Say which names nobody knows; read them as what they were meant to be."""
    meant = {}
    for name, value in raw.items():
        if name in known:
            meant[name] = value
        else:
            right = near(name, [other for other in known if other not in raw])
            hint = f"; did you mean {right}?" if right else f", expected {one_of(known)}"
            say(findings, f"{place}{name}", f"unknown {what}{hint}")
            if right:
                meant.setdefault(right, value)
    return meant


def _zone(findings: Findings, name: str | None) -> None:
    if name is not None and zone.zone(name) is None:
        right = zone.likely(name)
        findings.add("site.timezone", name, "an IANA time zone as Asia/Shanghai"
                     + (f"; did you mean {right}?" if right else ""))


def _tariff(findings: Findings, file: str | None, path: Path) -> tariffs.Tariff | None:
    if file is None:
        return None
    found = tariffs.find(file, path.parent)
    if found is None:
        findings.add("tariff.file", file, "a file beside the site file, or one of "
                     + " ".join(tariffs.shipped()))
        return None
    inside = Findings(found.name)
    prices = tariffs.read(found, inside)
    findings.lines += inside.lines
    return prices


def _tidy(line: str) -> str:
    """One line, of bearable length, whatever a file may hold."""
    shown = "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in line)
    return shown if len(shown) <= _LONGEST_LINE else shown[:_LONGEST_LINE - 2] + " …"
