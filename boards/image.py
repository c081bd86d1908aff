"""A site compiled to the image that every board loads: plain lists, integers and names.

The same site gives the same bytes, whoever compiles it and when.
"""

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from boards import profiles, zone
from edge.config import SPECIAL
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
    image |= {name: dict(keys) for name, keys in sections.items() if name not in SPECIAL}
    image["tariff"] = site.tariff.image()
    at = zone.zone(sections["site"]["timezone"])
    assert at is not None, "a checked site has a time zone"
    image["offsets"] = zone.offsets(at, first_day(site))
    image["rules"] = [[name, {**keys, **_own(name, site)}] for name, keys in site.rules.items()]
    image["buses"] = [dict(bus.image) for bus in site.buses]
    image["devices"] = [device_image(device, sections["battery"]) for device in site.devices]
    image["hash"] = hashlib.sha256(encode(image)).hexdigest()[:_HASH_DIGITS]
    return image


def encode(image: Mapping[str, Any]) -> bytes:
    """The bytes of an image file: compact, in one order, UTF-8."""
    text = json.dumps(image, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def first_day(site: "Site") -> datetime.date:
    """From when on the image knows the changes of local time."""
    return site.tariff.valid_from or _FIRST_DAY


def _own(name: str, site: "Site") -> dict[str, Any]:
    """What a rule is given beside its keys."""
    if name == "shed":
        return {"loads": [load.image() for load in site.loads]}
    if name == "island":
        return {"gate": dict(site.sections["island_gate"])}
    return {}


def device_image(device: "Device", battery: Mapping[str, int]) -> dict[str, Any]:
    """One device as its driver executes it; a converter gets the battery's limits."""
    limits = {}
    if device.profile.control and device.profile.control.shape == "coils":
        limits = {"min_w": 0, "max_w": _COILS}
    elif device.profile.control:
        limits = {"min_w": -battery["charge_max_w"], "max_w": battery["discharge_max_w"]}
    return profiles.compile_device(device.profile, device.name, device.bus, device.unit,
                                   poll_ms=device.poll_ms, **limits)
