"""The buses and devices of a site file: what hangs where, and who reads what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from boards import profiles
from boards.profile_schema import Profile
from boards.shapes import Findings, one_of
from boards.site_fields import read_table
from boards.site_tables import DEVICE, LINK, LINKS, NAME
from edge.devices.billing_meter import BillingMeter
from edge.devices.phases import Phases
from edge.devices.roles import Storage
from edge.ledger.gather import SubMeter
from edge.response.orders import Orders

# Roles that a site has only with a rule; without it nobody reads them.
OF_RULE: Mapping[str, Any] = {"phase": Phases, "billing_meter": BillingMeter, "response": Orders}


@dataclass(frozen=True)
class Bus:
    """One connection or serial line; `image` is what a gateway loads."""

    name: str
    image: Mapping[str, Any]

    @property
    def place(self) -> str:
        """What the bus occupies: two buses cannot have the same."""
        image = self.image
        if "host" not in image:
            return str(image.get("path", image.get("interface")))
        return f"{image['host'].lower().rstrip('.')}:{image['port']}"


@dataclass(frozen=True)
class Device:
    """One device, with the part of its profile that the site uses."""

    name: str
    profile: Profile
    bus: int
    unit: int
    poll_ms: int
    battery: int = 0  # whose it is, as a place among the site's batteries
    line: str = ""  # of the ledger alone: the line or the tenant it is the meter of
    media: tuple[tuple[str, int], ...] = ()  # of [[medium]] alone: signal, place among these


def read_buses(findings: Findings, raw: object) -> tuple[Bus, ...]:
    """Read every [[bus]]; one with mistakes stays away, so that nothing is judged by it."""
    buses = []
    for number, entry in enumerate(list_tables(findings, "bus", raw)):
        key = f"bus[{number}]"
        link = entry.get("link")
        if not isinstance(link, str) or link not in LINKS:
            findings.add(f"{key}.link", link, one_of(LINKS, link))
            continue
        fields = (NAME, LINK, *LINKS[link])
        got = read_table(findings, key, entry, fields, {"link": LINKS})
        if None not in got.values():
            if not got.get("settle_ms", 1):
                del got["settle_ms"]  # nothing that a gateway would have to hold
            buses.append(Bus(got["name"], got))
    _unique(findings, "bus", "name", [bus.name for bus in buses])
    for is_tcp, why in ((False, ""), (True, ": a device that takes one connection hangs up on the "
                                      "other; put its devices on one bus")):
        _unique(findings, "bus", "place",
                [bus.place for bus in buses if ("host" in bus.image) == is_tcp], why)
    return tuple(buses)


def read_devices(findings: Findings, raw: object, buses: Sequence[Bus], named: Iterable[str],
                 used: Iterable[str], batteries: Sequence[str] = ()) -> tuple[Device, ...]:
    """Read every [[device]]; one with mistakes stays away. `named` are all buses there were,
    `used` the site's rules, `batteries` the names where there are several."""
    idle = {signal: rule for rule, role in OF_RULE.items() if rule not in used
            for signal in role.SIGNALS}
    places = {bus.name: number for number, bus in enumerate(buses)}
    choices = {"profile": profiles.ids(), "bus": dict.fromkeys(named)}
    devices = []
    entries = list_tables(findings, "device", raw)
    for number, entry in enumerate(entries):
        name = entry.get("name")
        key = f"device[{number}]" + (f" {name}" if isinstance(name, str) else "")
        got = read_table(findings, key, entry, DEVICE, choices)
        if None in got.values() or got["bus"] not in places:
            continue
        profile = _profile(findings, key, got["profile"], got["signals"], idle)
        if profile is not None:
            if got["line"]:  # the ledger's own meter: nothing else of it is read
                profile = replace(profile, signals={signal: point for signal, point in
                                                    profile.signals.items()
                                                    if signal in SubMeter.SIGNALS})
            battery = _battery(findings, f"{key}.battery", got["battery"], profile, batteries)
            device = _device(findings, key, got, profile, places, buses)
            device = replace(device, battery=battery, line=got["line"]) \
                if device and battery is not None else None
            devices += [device] if device else []
    if len(devices) < len(entries):
        findings.spoiled.add("device")
    _unique(findings, "device", "name", [device.name for device in devices])
    _unique(findings, "device", "unit",
            [f"{device.unit} on {buses[device.bus].name}" for device in devices])
    return tuple(devices)


def bus_names(raw: object) -> list[str]:
    """The names of all [[bus]] tables, right or wrong."""
    entries = raw if isinstance(raw, list) else []
    names = (entry.get("name") for entry in entries if isinstance(entry, dict))
    return [name for name in names if isinstance(name, str)]


def list_tables(findings: Findings, key: str, raw: object) -> list[dict[str, Any]]:
    """The tables [[key]]; none when they are something else."""
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        findings.add(key, raw, f"tables [[{key}]]")
        return []
    return raw


def _unique(findings: Findings, key: str, field: str, values: Sequence[str], why: str = "") -> None:
    for value in dict.fromkeys(values):
        if values.count(value) > 1:
            findings.lines.append(f"{findings.file}: {key}: found {values.count(value)} with "
                                  f"{field} {value}, expected one{why}")


def _profile(findings: Findings, key: str, name: str, wanted: Sequence[str],
             idle: Mapping[str, str]) -> Profile | None:
    try:
        profile = profiles.load(name)
    except profiles.ProfileError as error:
        findings.lines += error.lines
        return None
    for signal in wanted:
        if signal not in profile.signals:
            findings.add(f"{key}.signals", signal, one_of(profile.signals, signal))
            return None
        if signal in idle and profile.kind != "charger":
            findings.add(f"{key}.signals", signal,
                         f"signals that somebody uses: this one needs [rules.{idle[signal]}]")
            return None
    return replace(profile, signals={
        signal: point for signal, point in profile.signals.items()
        if signal in wanted or (not wanted and (signal not in idle or profile.kind == "charger"))})


def _device(findings: Findings, key: str, got: Mapping[str, Any], profile: Profile,
            places: Mapping[str, int], buses: Sequence[Bus]) -> Device | None:
    bus = places[got["bus"]]
    link = buses[bus].image["link"]
    if link not in profile.links:
        findings.add(f"{key}.bus", got["bus"], f"a bus with link {' or '.join(profile.links)}, as "
                     f"{profile.id} speaks")
        return None
    if hasattr(profiles.module(profile.proto), "at_site"):
        own = profiles.module(profile.proto).at_site(findings, key, got, profile)
        return own and Device(got["name"], own[0], bus, own[1], got["poll_ms"])
    for name, usual in (("number", ""), ("ct", 1), ("pt", 1)):
        if got[name] != usual:
            findings.add(f"{key}.{name}", got[name], f"none: {profile.id} is no DL/T 645 meter")
            return None
    line = profile.tcp if link == "tcp" else profile.rtu
    if line is None:
        findings.add(f"{key}.bus", got["bus"], f"a bus of the other link: {profile.id} has no "
                     f"{link} table")
        return None
    unit = line.unit if got["unit"] < 0 else got["unit"]
    if link == "rtu" and not 1 <= unit <= 247:
        findings.add(f"{key}.unit", unit, "1 .. 247, as on every serial line")
        return None
    rated = _rated(findings, f"{key}.rated_w", got["rated_w"], profile)
    return Device(got["name"], rated, bus, unit, got["poll_ms"]) if rated else None


def _rated(findings: Findings, key: str, rated_w: int, profile: Profile) -> Profile | None:
    """The profile with the rated power of this device, where its setpoint is a share of one."""
    control = profile.control
    shares = control is not None and control.shape in ("percent", "slots")
    if not shares and rated_w:
        findings.add(key, rated_w, f"none: the setpoint of {profile.id} is no share of it")
        return None
    if control is None or not shares:
        return profile
    if not rated_w and not control.rated_w:
        findings.add(key, None, f"the rated power of this {profile.id}, W")
        return None
    return replace(profile, control=replace(control, rated_w=rated_w or control.rated_w))


def _battery(findings: Findings, key: str, name: str, profile: Profile, batteries: Sequence[str]
             ) -> int | None:
    """The place of the battery that a device belongs to."""
    control = profile.control
    owned = (control and control.shape != "current") or any(
        signal in Storage.SIGNALS for signal in profile.signals)
    if owned and batteries:
        if name in batteries:
            return batteries.index(name)
        findings.add(key, name or None, one_of(batteries, name))
        return None
    if name:
        findings.add(key, name, "none: the site has a single battery" if owned else
                     "none: the device reads nothing of a battery")
        return None
    return 0


def feeds(devices: Sequence[Device], signal: str) -> list[Device]:
    """The devices that read one signal for the beat."""
    return [device for device in devices if signal in device.profile.signals and not device.line
            and not device.media and device.profile.kind != "charger"]


def commanded(devices: Sequence[Device], shape: str = "signed") -> list[Device]:
    """The devices that take the battery's setpoint; shape "coils": those with the site's relays,
    "current": its chargers."""
    return [device for device in devices if (control := device.profile.control)
            and (control.is_power if shape == "signed" else control.shape == shape)]
