"""The carbon ledger of a site: the factor sets it accounts by, and the meters that feed it."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boards.parts import FACTORS, PartError
from boards.profile_schema import TYPES, Profile, signal_terms
from boards.shapes import Findings
from boards.site_devices import Device, feeds
from boards.site_fields import say

if TYPE_CHECKING:
    from boards.site import Site
    from cloud_bridge.carbon.factors import FactorSet

LINES = ("direct", "generator")  # meters of a line into the site; any other name is a tenant's
_ENERGIES = ("grid", "gen", "residual", "direct", "pv")  # in the order of edge/ledger/matrix.py
_QUARTERS_H = 4
_NEVER_WH = 2**53 - 1  # a register that does not begin again
_LINE_MAX_W = 8_000_000  # of what the site file tells no rating


@dataclass(frozen=True)
class Ledger:
    """The factor sets, the one that is reported first."""

    sets: "tuple[FactorSet, ...]"


def read(findings: Findings, site: "Site", beside: Path) -> Ledger | None:
    """Read the sets that [ledger] names, and hold the meters against it."""
    named = [device for device in site.devices if device.line]
    keys = site.sections.get("ledger")
    if keys is None:
        for device in named:
            say(findings, f"device {device.name}.line", f'found "{device.line}", expected a table '
                "[ledger], which counts it")
        return None
    if None in keys.values():
        return None
    try:
        FACTORS.load()
    except PartError as error:
        say(findings, "ledger", str(error))
        return None
    from cloud_bridge.evidence.terms import MOST_VIEWS

    before = len(findings.lines)
    _check_lines(findings, site, named)
    names = keys["factors"].split()
    sets = [_set(findings, name, beside) for name in names]
    if not 1 <= len(set(names)) == len(names) <= MOST_VIEWS:
        findings.add("ledger.factors", keys["factors"],
                     f"1 .. {MOST_VIEWS} factor sets, each once, spaces between them")
    if len(findings.lines) > before:
        return None
    return Ledger(tuple(one for one in sets if one is not None))


def warn(warnings: Findings, site: "Site") -> None:
    """Say what a ledger cannot stand on."""
    if "ledger" in site.sections and "import" in from_powers(site):
        say(warnings, "ledger", "the meter of the grid has no import_wh: its powers are counted, "
            "and nobody can hold them against the utility's register")


def told(site: "Site") -> dict[str, Any]:
    """What `check` says of it."""
    found = site.ledger
    assert found is not None, "a checked site has its ledger"
    return {"factors": [one.name for one in found.sets],
            "head_h": site.sections["ledger"]["head_h"],
            "lines": [one.line for one in site.devices if one.line in LINES],
            "tenants": tenants(site.devices), "from_powers": from_powers(site)}


def from_powers(site: "Site") -> list[str]:
    """The meters and tenants without a register: minutes' powers stand for their energy."""
    asked = {"import": "import_wh", "export": "export_wh", "charge": "charge_wh",
             "discharge": "discharge_wh", "pv": "pv_wh" if feeds(site.devices, "pv_w") else ""}
    least = {"charge": max(1, len(site.batteries)), "discharge": max(1, len(site.batteries))}
    found = [name for name, signal in asked.items()
             if signal and len(feeds(site.devices, signal)) < least.get(name, 1)]
    return found + [one.line for one in site.devices
                    if one.line and "import_wh" not in one.profile.signals]


def _check_lines(findings: Findings, site: "Site", named: "list[Device]") -> None:
    from cloud_bridge.evidence.terms import MOST_TENANTS
    from cloud_bridge.fields import TEXT

    lines = [device.line for device in named]
    for line in dict.fromkeys(lines):
        if TEXT.read(line) is None:
            findings.add("device.line", line, "plain text, at most 500 letters")
        if lines.count(line) > 1:
            findings.add("device.line", line, "one device for each")
    if len(tenants(site.devices)) > MOST_TENANTS:
        findings.add("device.line", len(tenants(site.devices)), f"at most {MOST_TENANTS} tenants")
    for device in named:
        if "grid_w" not in device.profile.signals:
            say(findings, f"device {device.name}.line", f"{device.profile.id} is no meter: it has "
                "no grid_w")


def _set(findings: Findings, name: str, beside: Path) -> "FactorSet | None":
    """A shipped set by name, or a file beside the site file."""
    from cloud_bridge import source
    from cloud_bridge.carbon import factors
    from cloud_bridge.fields import DocumentError

    path = beside / name
    try:
        document = source.open_any(path) if path.is_file() else source.load(factors.named(name))
        found = factors.read(document)
    except (DocumentError, OSError) as error:
        say(findings, "ledger.factors", str(error))
        return None
    if any(found.hourly(energy) for energy in _ENERGIES):
        say(findings, "ledger.factors", f"{name}: changes by the hour, expected factors that stand:"
            " views by the hour are made from the leaves, on a host")
        return None
    return found


def tenants(devices: "tuple[Device, ...]") -> list[str]:
    """The names of the tenants and lines that have a meter, in order."""
    return [device.line for device in devices if device.line and device.line not in LINES]


def image(site: "Site") -> dict[str, Any]:
    """What a gateway loads; see edge/ledger/gather.py and edge/evidence/keeper.py."""
    from cloud_bridge.evidence import terms

    keys, found = site.sections["ledger"], site.ledger
    assert found is not None, "a checked site has its ledger"
    rows = [[one.mg_per_kwh(energy, one.newest) for energy in _ENERGIES] for one in found.sets]
    meters, own = _meters(site), _tenants(site)
    text = terms.make(rows, [one.name for one in found.sets], [one.id for one in found.sets],
                      meters, own)
    lines = [device.line for device in site.devices if device.line in LINES]
    return {"factors": rows, "meters": [list(one or ()) for one in meters],
            "tenants": [[name, list(limits)] for name, limits in own], "lines": lines,
            "slack_wh": site.sections["battery"]["capacity_wh"] // 1000 + 1,
            "batteries": max(1, len(site.batteries)),
            "head_quarters": keys["head_h"] * _QUARTERS_H, "terms": text.decode(),
            "terms_id": terms.id_of(text).hex()}


def _meters(site: "Site") -> list[tuple[int, int] | None]:
    """Of each meter in the order of edge/ledger/leaf.py: import, generator, discharge, direct, pv,
    charge, export."""
    gate, lines = site.sections["gate"], {one.line: one for one in site.devices if one.line}
    has_pv = bool(feeds(site.devices, "pv_w"))
    return [
        _limits(feeds(site.devices, "import_wh"), "import_wh", gate["import_max_w"]),
        _limits([lines["generator"]], "import_wh", _LINE_MAX_W) if "generator" in lines else None,
        _limits(feeds(site.devices, "discharge_wh"), "discharge_wh", gate["discharge_max_w"]),
        _limits([lines["direct"]], "import_wh", _LINE_MAX_W) if "direct" in lines else None,
        _limits(feeds(site.devices, "pv_wh"), "pv_wh", _LINE_MAX_W) if has_pv else None,
        _limits(feeds(site.devices, "charge_wh"), "charge_wh", gate["charge_max_w"]),
        _limits(feeds(site.devices, "export_wh"), "export_wh", gate["import_max_w"])]


def _tenants(site: "Site") -> list[tuple[str, tuple[int, int]]]:
    most_w = site.sections["gate"]["import_max_w"]
    return [(device.line, _limits([device], "import_wh", most_w)) for device in site.devices
            if device.line and device.line not in LINES]


def _limits(devices: "list[Device]", signal: str, most_w: int) -> tuple[int, int]:
    """What a register counts to, and twice what its line carries in a quarter-hour, Wh."""
    turns = [_turn_wh(device.profile, signal) for device in devices
             if signal in device.profile.signals]
    return turns[0] if len(turns) == 1 else _NEVER_WH, max(1, most_w * 2 // _QUARTERS_H)


def _turn_wh(profile: Profile, signal: str) -> int:
    """Where an unsigned register begins again, also one in parts; a float, one with a variable
    scale, or a sum of several counters never."""
    terms = signal_terms(profile.signals[signal])
    turn = Fraction(0)
    for scale, name in sorted((profile.term_scale(signal, *term), term[0]) for term in terms):
        point = profile.points[name]
        _, low, high = TYPES[point.kind]
        if low < 0 or point.power or (turn and scale != turn):
            return _NEVER_WH
        turn = (high + 1) * scale
    return min(int(turn), _NEVER_WH) if turn.denominator == 1 and turn > 0 else _NEVER_WH


def key_line(compiled: dict[str, Any], seed: bytes, folder: Path | None) -> str:
    """The public key, for an auditor to have from here and not from the gateway's messages."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from cloud_bridge.notes import Key

    if folder is None:
        return "warning: ledger: lost when it stops, and its key too: give --journal"
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return f"ledger key {Key('{park}/{gateway}'.format(**compiled['site']), public)}"
