"""The chargers of a site file: what hangs where, who comes first, and what the rule is given."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from boards.profile_schema import Profile
from boards.shapes import Findings, one_of
from boards.site_devices import Device, list_tables
from boards.site_fields import read_table, say
from boards.site_tables import CHARGER
from edge.config import SWITCHES

if TYPE_CHECKING:
    from boards.site import Site

MOST_CHARGERS = 16
_DRAWN = ("charger_w", "i_l1_ma")  # either tells what it draws
_APART = ("island", "share")  # rules that nobody has tried beside chargers


@dataclass(frozen=True)
class Charger:
    """One charger; 1 is the most important priority."""

    name: str
    device: str
    priority: int
    phase: int
    min_a: int
    max_a: int
    failsafe_a: int
    min_on_s: int
    min_off_s: int
    surplus: int

    def image(self) -> list[int]:
        """As edge/charging/offers.py takes it."""
        return [self.phase, self.priority, self.min_a * 1000, self.max_a * 1000,
                self.failsafe_a * 1000, self.min_on_s, self.min_off_s, self.surplus]


def read_chargers(findings: Findings, raw: object) -> tuple[Charger, ...]:
    """Read every [[charger]], most important first; one with mistakes stays away."""
    found = []
    for number, entry in enumerate(list_tables(findings, "charger", raw)):
        name = entry.get("name")
        key = f"charger[{number}]" + (f" {name}" if isinstance(name, str) else "")
        got = read_table(findings, key, entry, CHARGER)
        if None not in got.values():
            found.append(Charger(**got))
        else:
            findings.spoiled.add("charger")
    return tuple(sorted(found, key=lambda one: one.priority))


def check_chargers(findings: Findings, site: "Site") -> None:
    """What must hold between chargers, their devices and the rule that uses them."""
    used = "charging" in site.rules
    if used and not site.chargers and "charger" not in findings.spoiled:
        say(findings, "rules.charging", "found no charger, expected tables [[charger]]")
    if site.chargers and not used:
        say(findings, "charger", "found chargers, expected [rules.charging] to share between them")
    if len(site.chargers) > MOST_CHARGERS:
        say(findings, "charger", f"found {len(site.chargers)}, expected at most {MOST_CHARGERS}")
    for field in ("name", "device"):
        values = [getattr(one, field) for one in site.chargers]
        for twice in dict.fromkeys(value for value in values if values.count(value) > 1):
            say(findings, "charger", f"found {values.count(twice)} with {field} {twice}, "
                "expected one")
    for one in site.chargers:
        _check(findings, site, one)
    for name in _APART:
        if used and name in site.rules:
            say(findings, f"rules.{name}", "found beside [rules.charging], expected one of them")
    named = {one.device for one in site.chargers}
    for device in site.devices:
        if device.profile.kind == "charger" and not device.line and device.name not in named \
                and "charger" not in findings.spoiled:
            say(findings, f"device {device.name}", "found a charger that nobody steers, expected a "
                f'table [[charger]] with device = "{device.name}"')


def _check(findings: Findings, site: "Site", one: Charger) -> None:
    key = f"charger {one.name}"
    if not one.min_a <= one.max_a:
        say(findings, f"{key}.max_a", f"found {one.max_a} A, expected at least min_a = "
            f"{one.min_a} A")
    if one.failsafe_a and not one.min_a <= one.failsafe_a <= one.max_a:
        say(findings, f"{key}.failsafe_a", f"found {one.failsafe_a} A, expected 0 or "
            f"{one.min_a} .. {one.max_a} A, as min_a and max_a")
    found = [device for device in site.devices if device.name == one.device]
    fitting = [device.name for device in site.devices if device.profile.kind == "charger"]
    if not found:
        if "device" not in findings.spoiled:
            say(findings, f"{key}.device", f"found {one.device}, expected "
                f"{one_of(fitting, one.device)}")
        return
    profile = found[0].profile
    control = profile.control
    if control is None or control.shape != "current":
        say(findings, f"{key}.device", f"found {one.device} with the profile {profile.id}, "
            "expected one that takes a current")
        return
    if one.min_a < control.min_a:
        say(findings, f"{key}.min_a", f"found {one.min_a} A, expected at least {control.min_a} A, "
            f"below which {profile.id} pauses")
    if one.failsafe_a and not control.failsafe:
        say(findings, f"{key}.failsafe_a", f"found {one.failsafe_a} A, expected 0: {profile.id} "
            "cannot be told what to fall to")
    if not any(signal in profile.signals for signal in _DRAWN):
        say(findings, f"{key}.device", f"found {one.device} without any of {' '.join(_DRAWN)}, "
            "expected one that tells what it draws")
    if "plugged" not in profile.signals:
        say(findings, f"{key}.device", f"found {one.device} without plugged, expected one that "
            "tells whether a vehicle asks")


def steered(device: Device, site: "Site") -> Iterator[tuple[int, Charger, Profile]]:
    """The charger that a device is, if it is one that takes a limit: its place, and the profile
    with its safe limit."""
    control = device.profile.control
    for place, one in enumerate(site.chargers):
        if one.device == device.name and control is not None and control.shape == "current":
            safe = replace(control, failsafe_ma=one.failsafe_a * 1000)
            yield place, one, replace(device.profile, control=safe)


def image(site: "Site") -> dict[str, Any]:
    """What the rule is given beside its keys."""
    limits = [site.sections["gate"]["import_max_w"]]
    if "contract" in site.rules:
        limits.append(site.rules["contract"]["import_max_w"])
    shown = any(site.sections[name][key] for name, key in SWITCHES.items())
    phase = site.rules.get("phase")
    phase_max_w = 0
    if phase is not None:
        from edge.rules import phase as phases

        phase_max_w = phases.compiled(phase, "")[0][1]["import_max_w"]
    return {
        "chargers": [one.image() for one in site.chargers],
        "names": [one.name for one in site.chargers] if shown else [],
        "import_max_w": min(limits), "demand": int("demand" in site.rules),
        "phase_max_w": phase_max_w,
        "unbalance_w": phase["unbalance_max_w"] if phase else 0,
        "store_phase": phase["store_phase"] if phase else 0,
    }
