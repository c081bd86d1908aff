"""Whether the devices of a site give the beat what it needs, as often as it needs it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from boards import billing_checks, curtail, polling, profiles
from boards.image import device_image
from boards.profile_control import power_range
from boards.shapes import Findings
from boards.site_devices import OF_RULE, Device, commanded, feeds
from boards.site_fields import say
from edge.devices.roles import GridMeter, Pv, Storage
from edge.island.roles import Generator, GridSwitch

if TYPE_CHECKING:
    from boards.site import Site

Sources = list[tuple[str, Sequence[Device], str]]  # whose, among which devices, which signal

_MEANING = {"grid_w": "the grid meter", "store_w": "the battery's power",
            "soc_pm": "the battery's state of charge", "l1_w": "phase 1", "l2_w": "phase 2",
            "l3_w": "phase 3", "present_demand_w": "the billing meter's present demand",
            "max_demand_w": "its highest demand of the month", "max_demand_at": "when that was",
            "meter_clock_s": "its clock"}
# What each reading's age is held against.
_AGES = (
    ("grid_w", ("gate", "age_max_ms"), ("ages", "grid_ms")),
    ("store_w", ("gate", "age_max_ms"), ("ages", "store_ms")),
    ("soc_pm", ("gate", "soc_age_max_ms"), ("ages", "soc_ms")),
    ("pv_w", ("ages", "pv_ms")),
    ("l1_w", ("rules.phase", "age_max_ms")),
    ("l2_w", ("rules.phase", "age_max_ms")),
    ("l3_w", ("rules.phase", "age_max_ms")),
)


def check_devices(findings: Findings, warnings: Findings, site: "Site") -> None:
    """Roles without a source, signals with two, addresses, ages, dead-man timers, slow buses."""
    if "device" not in findings.spoiled:
        _check_roles(findings, site)
    _check_signals(findings, site)
    curtail.check(findings, site)
    if None in site.sections["battery"].values():
        return
    images = [device_image(device, site) for device in site.devices]
    paced = []
    for number, bus in enumerate(site.buses):
        hung = [image for image in images if image["bus"] == number]
        pace = polling.model(bus.image, hung)
        paced += [(image, pace) for image in hung]
        _check_dead_men(findings, site, number, pace.worst_ms)
        _warn_commands(warnings, site, number)
        _warn_pace(warnings, site, number, pace)
    _check_ages(findings, warnings, site, paced)
    billing_checks.check(findings, warnings, site,
                         [(image, pace.mean_ms) for image, pace in paced])
    _warn_lines(warnings, site)


def _batteries(site: "Site") -> list[tuple[str, list[Device]]]:
    """The devices of each battery, after words that tell which one it is."""
    if not site.batteries:
        return [("", list(site.devices))]
    return [(f"battery {name}: ", [device for device in site.devices if device.battery == place])
            for place, name in enumerate(site.batteries)]


def _check_roles(findings: Findings, site: "Site") -> None:
    needs: Sources = [("", site.devices, signal) for signal in GridMeter.NEEDS]
    needs += [(whose, own, signal) for whose, own in _batteries(site) for signal in Storage.NEEDS]
    needs += [("", site.devices, signal) for rule, role in OF_RULE.items() if rule in site.rules
              for signal in role.NEEDS]
    for whose, devices, signal in needs:
        if not feeds(devices, signal):
            known = [name for name in profiles.ids() if signal in profiles.load(name).signals]
            say(findings, "device", f"{whose}found none that reads {signal}, {_MEANING[signal]}, "
                f"expected one with a profile as {' '.join(known)}")
    for whose, own in _batteries(site):
        if not commanded(own):
            known = [name for name in profiles.ids()
                     if (control := profiles.load(name).control) and control.is_power]
            say(findings, "device", f"{whose}found none that takes the battery's setpoint, "
                f"expected one with a profile as {' '.join(known)}")


def _check_signals(findings: Findings, site: "Site") -> None:
    """No reading has two sources, and one device alone takes a battery's setpoint."""
    doubled: dict[str, list[str]] = {}
    more = [signal for role in OF_RULE.values() for signal in role.SIGNALS]
    more += [*GridSwitch.SIGNALS, *Generator.SIGNALS]
    sources: Sources = [("", site.devices, signal)
                        for signal in (*GridMeter.SIGNALS, *Pv.SIGNALS, *more)]
    sources += [(whose, own, signal) for whose, own in _batteries(site)
                for signal in Storage.SIGNALS]
    for whose, devices, signal in sources:
        readers = feeds(devices, signal)
        if len(readers) > 1:
            doubled.setdefault(f"{whose}|{_names(readers)}", []).append(signal)
    for who, signals in doubled.items():
        whose, _, names = who.partition("|")
        say(findings, "device", f"{whose}found {' '.join(signals)} read by {names}, expected one: "
            "list the others' readings without it, signals = [...]")
    for whose, own in _batteries(site):
        converters = commanded(own)
        if len(converters) > 1:
            say(findings, "device", f"{whose}found the setpoint taken by {_names(converters)}, "
                "expected one converter")


def _names(devices: Sequence[Device]) -> str:
    return " and ".join(device.name for device in devices)


def _check_ages(findings: Findings, warnings: Findings, site: "Site",
                paced: Sequence[tuple[dict[str, Any], polling.Round]]) -> None:
    """A reading must be able to come before it is too old, and should be even at the worst."""
    slowest: dict[tuple[str, str], tuple[int, int, str]] = {}
    of_ledger = {device.name for device in site.devices if device.line}  # not read for the beat
    for image, pace in paced:
        if image["name"] in of_ledger:
            continue
        every = {point[0]: image["blocks"][point[1]][3] for point in image["points"]}
        for signal, *limits in _AGES:
            if signal in every:
                period_ms = round(max(image["poll_ms"], pace.mean_ms) * every[signal])
                found = (period_ms, period_ms + round(pace.worst_ms), image["name"])
                for limit in limits:
                    slowest[limit] = max(slowest.get(limit, (0, 0, "")), found)
    tables = {**site.sections, **{f"rules.{rule}": keys for rule, keys in site.rules.items()}}
    for (section, name), (period_ms, worst_ms, device) in slowest.items():
        limit_ms = tables[section][name]
        if limit_ms is not None and limit_ms < period_ms:
            say(findings, f"{section}.{name}", f"found {limit_ms} ms, expected at least "
                f"{period_ms} ms, as {device} is read no more often")
        elif limit_ms is not None and limit_ms < worst_ms:
            say(warnings, f"{section}.{name}", f"found {limit_ms} ms, but a reading of {device} "
                f"may be {worst_ms} ms old when its bus has everything to do at once")


def _check_dead_men(findings: Findings, site: "Site", bus: int, worst_ms: float) -> None:
    """A setpoint must be refreshed, even after a full round, before the device gives it up."""
    for device in (*commanded(site.devices), *commanded(site.devices, "current")):
        control = device.profile.control
        if device.bus != bus or control is None or control.dead_man is None:
            continue
        by_beat = control.dead_man.fed_by == "heartbeat"
        needed_ms = (control.beat_s if by_beat else control.refresh_s) * 1000 + round(worst_ms)
        if 0 < control.dead_man.timeout_s * 1000 < needed_ms:
            say(findings, f"device {device.name}", "found a dead-man timer of "
                f"{control.dead_man.timeout_s} s, expected at least {needed_ms} ms: "
                f"its {'heartbeat' if by_beat else 'refresh'} and a round of the bus")


def _warn_commands(warnings: Findings, site: "Site", bus: int) -> None:
    """What holds its last setpoint for ever, takes less than the battery, or only so often."""
    for device in commanded(site.devices):
        control = device.profile.control
        if device.bus != bus or control is None:
            continue
        timer, key = control.dead_man, f"device {device.name}"
        if timer is None or timer.fed_by == "none":
            known = "has no dead-man timer" if timer else "is not known to have a dead-man timer"
            say(warnings, key, f"{device.profile.id} {known}: if the gateway loses its power, the "
                "last setpoint stays")
        image = device_image(device, site)["control"]
        if device.profile.proto == "modbus":
            low_w, high_w = power_range(device.profile)
            if image["min_w"] == low_w or image["max_w"] == high_w:
                say(warnings, key, f"{device.profile.id} can be told {low_w} .. {high_w} W, and "
                    "the battery may do more")
        if control.nv_per_day:
            each_min, lease = round(image["nv"][0] / 60_000), image["nv"][1]
            say(warnings, key, f"what {device.profile.id} is told is stored for good: at most "
                f"{control.nv_per_day} writes a day, one in {each_min} min, the first "
                f"{lease * each_min} min after a start")
        if control.slot and -image["min_w"] < control.rated_w:
            say(warnings, key, f"rated_w = {control.rated_w} W is more than the battery may be "
                "charged with: it is never told to charge")


def _warn_pace(warnings: Findings, site: "Site", bus: int, pace: polling.Round) -> None:
    polls = [device.poll_ms for device in site.devices if device.bus == bus]
    if polls and pace.mean_ms > min(polls):
        say(warnings, f"bus {site.buses[bus].name}", f"a round takes about {pace.mean_ms:.0f} ms, "
            f"longer than poll_ms = {min(polls)}: readings come later than asked for")
    elif polls:
        _warn_beat(warnings, site, bus, pace.worst_ms)


def _warn_beat(warnings: Findings, site: "Site", bus: int, worst_ms: float) -> None:
    """What the beat works with comes at its pace, even when everything is due at once."""
    key, here = f"bus {site.buses[bus].name}", [one for one in site.devices if one.bus == bus]
    beat_s = site.sections["site"]["beat_s"]
    if beat_s is None:
        return
    beat_ms = beat_s * 1000
    own = [device for device in commanded(here) if device.poll_ms <= beat_ms]
    own += [device for signal, *_ in _AGES for device in feeds(here, signal)
            if device.poll_ms <= beat_ms and device not in own]
    if own and worst_ms > beat_ms:
        say(warnings, key, f"a round takes about {worst_ms:.0f} ms at worst, longer than the beat "
            f"of {beat_ms} ms: now and then {_names(own)} cannot keep it")


def _warn_lines(warnings: Findings, site: "Site") -> None:
    for device in site.devices:
        bus, usual = site.buses[device.bus], device.profile.rtu
        if "baud" in bus.image and usual is not None:
            found = (bus.image["baud"], bus.image["parity"])
            if found != (usual.baud, usual.parity):
                say(warnings, f"bus {bus.name}", f"{found[0]} baud {found[1]}, but "
                    f"{device.profile.id} usually has {usual.baud} {usual.parity}")
