"""Whether the devices of a site give the beat what it needs, as often as it needs it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from boards import polling, profiles
from boards.image import device_image
from boards.shapes import Findings
from boards.site_devices import Device, commanded, feeds
from boards.site_fields import say
from edge.devices.roles import GridMeter, Pv, Storage
from edge.island.roles import Generator, GridSwitch

if TYPE_CHECKING:
    from boards.site import Site

_MEANING = {"grid_w": "the grid meter", "store_w": "the battery's power",
            "soc_pm": "the battery's state of charge"}
# What each reading's age is held against.
_AGES = (
    ("grid_w", ("gate", "age_max_ms"), ("ages", "grid_ms")),
    ("store_w", ("gate", "age_max_ms"), ("ages", "store_ms")),
    ("soc_pm", ("gate", "soc_age_max_ms"), ("ages", "soc_ms")),
    ("pv_w", ("ages", "pv_ms")),
)


def check_devices(findings: Findings, warnings: Findings, site: "Site") -> None:
    """Roles without a source, signals with two, addresses, ages, dead-man timers, slow buses."""
    if "device" not in findings.spoiled:
        _check_roles(findings, site.devices)
    _check_signals(findings, site.devices)
    if None in site.sections["battery"].values():
        return
    images = [device_image(device, site.sections["battery"]) for device in site.devices]
    paced = []
    for number, bus in enumerate(site.buses):
        hung = [image for image in images if image["bus"] == number]
        pace = polling.model(bus.image, hung)
        paced += [(image, pace.mean_ms) for image in hung]
        _check_dead_men(findings, site, number, pace.worst_ms)
        _warn_pace(warnings, site, number, pace)
    _check_ages(findings, site, paced)
    _warn_lines(warnings, site)


def _check_roles(findings: Findings, devices: Sequence[Device]) -> None:
    for signal in (*GridMeter.NEEDS, *Storage.NEEDS):
        if not feeds(devices, signal):
            known = [name for name in profiles.ids() if signal in profiles.load(name).signals]
            say(findings, "device", f"found none that reads {signal}, {_MEANING[signal]}, "
                f"expected one with a profile as {' '.join(known)}")
    if not commanded(devices):
        known = [name for name in profiles.ids()
                 if (control := profiles.load(name).control) and control.shape == "signed"]
        say(findings, "device", "found none that takes the battery's setpoint, "
            f"expected one with a profile as {' '.join(known)}")


def _check_signals(findings: Findings, devices: Sequence[Device]) -> None:
    """No reading has two sources, and one device alone takes the setpoint."""
    doubled: dict[str, list[str]] = {}
    for signal in (*GridMeter.SIGNALS, *Storage.SIGNALS, *Pv.SIGNALS, *GridSwitch.SIGNALS,
                   *Generator.SIGNALS):
        readers = feeds(devices, signal)
        if len(readers) > 1:
            doubled.setdefault(_names(readers), []).append(signal)
    for names, signals in doubled.items():
        say(findings, "device", f"found {' '.join(signals)} read by {names}, expected one: "
            "list the others' readings without it, signals = [...]")
    converters = commanded(devices)
    if len(converters) > 1:
        say(findings, "device",
            f"found the setpoint taken by {_names(converters)}, expected one converter")


def _names(devices: Sequence[Device]) -> str:
    return " and ".join(device.name for device in devices)


def _check_ages(findings: Findings, site: "Site", paced: Sequence[tuple[dict[str, Any], float]]
                ) -> None:
    """A reading must be able to come before it is too old."""
    slowest: dict[tuple[str, str], tuple[int, str]] = {}
    for image, round_ms in paced:
        every = {point[0]: image["blocks"][point[1]][3] for point in image["points"]}
        for signal, *limits in _AGES:
            if signal in every:
                period_ms = round(max(image["poll_ms"], round_ms) * every[signal])
                for limit in limits:
                    slowest[limit] = max(slowest.get(limit, (0, "")), (period_ms, image["name"]))
    for (section, name), (period_ms, device) in slowest.items():
        limit_ms = site.sections[section][name]
        if limit_ms is not None and limit_ms < period_ms:
            say(findings, f"{section}.{name}", f"found {limit_ms} ms, expected at least "
                f"{period_ms} ms, as {device} is read no more often")


def _check_dead_men(findings: Findings, site: "Site", bus: int, worst_ms: float) -> None:
    """A setpoint must be refreshed, even after a full round, before the device gives it up."""
    for device in commanded(site.devices):
        control = device.profile.control
        if device.bus != bus or control is None or control.dead_man is None:
            continue
        needed_ms = control.refresh_s * 1000 + round(worst_ms)
        if control.dead_man.timeout_s * 1000 < needed_ms:
            say(findings, f"device {device.name}", "found a dead-man timer of "
                f"{control.dead_man.timeout_s} s, expected at least {needed_ms} ms: "
                "its refresh and a round of the bus")


def _warn_pace(warnings: Findings, site: "Site", bus: int, pace: polling.Round) -> None:
    polls = [device.poll_ms for device in site.devices if device.bus == bus]
    if polls and pace.mean_ms > min(polls):
        say(warnings, f"bus {site.buses[bus].name}", f"a round takes about {pace.mean_ms:.0f} ms, "
            f"longer than poll_ms = {min(polls)}: readings come later than asked for")


def _warn_lines(warnings: Findings, site: "Site") -> None:
    for device in site.devices:
        bus, usual = site.buses[device.bus], device.profile.rtu
        if bus.image["link"] == "rtu" and usual is not None:
            found = (bus.image["baud"], bus.image["parity"])
            if found != (usual.baud, usual.parity):
                say(warnings, f"bus {bus.name}", f"{found[0]} baud {found[1]}, but "
                    f"{device.profile.id} usually has {usual.baud} {usual.parity}")
