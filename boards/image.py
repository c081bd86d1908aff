"""A site compiled to the image that every board loads: plain lists, integers and names.

The same site gives the same bytes, whoever compiles it and when.
"""

import datetime
import hashlib
import json
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from boards import (
    broker,
    clouds,
    curtail,
    iec104,
    ledger,
    plan,
    profiles,
    quanta,
    site_chargers,
    site_media,
    zone,
)
from boards.site_tables import OWN_TABLES
from edge.config import SPECIAL, SWITCHES
from edge.image import IMAGE_VERSION

if TYPE_CHECKING:
    from boards.site import Site
    from boards.site_devices import Device

_HASH_DIGITS = 16
_COILS = (1 << 15) - 1  # all the relays a site may have
_FIRST_DAY = datetime.date(2025, 1, 1)  # of the zone's changes, where the tariff does not say


def compile_site(site: "Site") -> dict[str, Any]:
    """The image of a valid site."""
    sections = site.sections
    image: dict[str, Any] = {"image": IMAGE_VERSION, "name": site.name}
    image |= {name: dict(keys) for name, keys in sections.items()
              if name not in (*plan.SECTIONS, *SPECIAL) and "." not in name and keys
              and (name not in SWITCHES or keys[SWITCHES[name]])}
    stepped = quanta.pairs(site)
    if stepped:
        image["telemetry"]["step"] = list(stepped)
    image["broker"] = broker.image(site) | clouds.image(site)
    if site.batteries:
        image["fleet"] = [_battery(site, name) for name in site.batteries]
    wrapped = plan.image(site)
    if wrapped:
        image["plan"] = wrapped
    if "oneway" in sections:
        image["oneway"] = dict(sections["oneway"])
    if "ledger" in site.sections:
        image["ledger"] = ledger.image(site)
    if "commands" in sections:
        image["commands"] = dict(sections["commands"])
    if "iec104" in sections:
        image["iec104"] = iec104.image(site)
    if "response" in sections:
        image["response"] = dict(sections["response"])
    if site.media:
        image["media"] = site_media.image(site.media)
    image["tariff"] = site.tariff.image(first_day(site))
    at = zone.zone(sections["site"]["timezone"])
    assert at is not None, "a checked site has a time zone"
    image["offsets"] = zone.offsets(at, first_day(site))
    image["rules"] = [[name, {**keys, **_own(name, site)}] for name, keys in
                      rule_images(_told(site), sections["site"]["gateway"])]
    image["buses"] = [dict(bus.image) for bus in site.buses]
    image["devices"] = [device_image(device, site) for device in site.devices]
    image["hash"] = hashlib.sha256(encode(image)).hexdigest()[:_HASH_DIGITS]
    return image


def rule_images(rules: Mapping[str, Mapping[str, Any]], gateway: str) -> list[list[Any]]:
    """Every rule as the gateway loads it, in the order in which they speak. A rule that speaks in
    several places, or with other words than the site file's, has `compiled` in its file."""
    spoken: list[tuple[int, str, dict[str, Any]]] = []
    for name, keys in rules.items():
        module = import_module(f"edge.rules.{name}")
        places = (module.compiled(keys, gateway) if hasattr(module, "compiled")
                  else [(module.ORDER, dict(keys))])
        spoken += [(order, name, words) for order, words in places]
    spoken.sort(key=lambda word: word[:2])
    return [[name, words] for _, name, words in spoken]


def encode(image: Mapping[str, Any]) -> bytes:
    """The bytes of an image file: compact, in one order, UTF-8."""
    text = json.dumps(image, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def first_day(site: "Site") -> datetime.date:
    """From when on the image knows the changes of local time."""
    return site.tariff.valid_from or _FIRST_DAY


def _told(site: "Site") -> dict[str, Mapping[str, Any]]:
    """The rules with their keys, wherever these stand."""
    return {name: site.sections[OWN_TABLES[name]] if name in OWN_TABLES else keys
            for name, keys in site.rules.items()}


def _own(name: str, site: "Site") -> dict[str, Any]:
    """What a rule is given beside its keys."""
    if name in ("shed", "peak_shed", "surplus"):
        own: dict[str, Any] = {"loads": [load.image() for load in site.loads
                                         if load.surplus == (name == "surplus")]}
        if name != "shed":
            own |= {"back_pm": 1, "floor_pm": site.rules["reserve"]["floor_pm"]}
        return own
    if name == "charging":
        return site_chargers.image(site)
    if name == "billing_meter":
        return {"import_max_w": site.sections["gate"]["import_max_w"]}
    if name == "island":
        return {"gate": dict(site.sections["island_gate"])}
    return {}


def _battery(site: "Site", name: str) -> dict[str, Any]:
    """One of several batteries; its capacity is what its health has left of it."""
    keys = dict(site.sections[f"battery.{name}"])
    keys["capacity_wh"] = keys["capacity_wh"] * keys.pop("health_pm") // 1000
    return {"name": name, **keys, "gate": dict(site.sections[f"gate.{name}"])}


def device_image(device: "Device", site: "Site") -> dict[str, Any]:
    """One device as its driver executes it; a converter gets its battery's limits."""
    owner = f"battery.{site.batteries[device.battery]}" if site.batteries else "battery"
    battery = site.sections[owner]
    for place, one, profile in site_chargers.steered(device, site):
        return profiles.compile_device(
            profile, device.name, device.bus, device.unit, poll_ms=device.poll_ms, min_w=0,
            max_w=one.max_a * 1000) | {"charger": place}
    limits = {}
    if device.profile.control and device.profile.control.shape == "coils":
        limits = {"min_w": 0, "max_w": _COILS}
    elif device.profile.control and device.profile.control.is_power:
        limits = {"min_w": -battery["charge_max_w"], "max_w": battery["discharge_max_w"]}
    elif curtail.limits(device, site):
        limits = {"min_w": 0, "max_w": site.rules[curtail.RULE]["rated_w"]}
    image = profiles.compile_device(device.profile, device.name, device.bus, device.unit,
                                    poll_ms=device.poll_ms, **limits)
    if device.media:
        return site_media.labelled(image, device.media)
    if curtail.limits(device, site):
        image["driver"] = curtail.DRIVER
    if device.line:
        image["line"] = device.line
    return image | {"battery": device.battery} if site.batteries else image
