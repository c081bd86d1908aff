"""[rules.curtail] on a site's devices: which inverter it limits, and whether it can be."""

from typing import TYPE_CHECKING

from boards import profiles
from boards.shapes import Findings
from boards.site_devices import Device, feeds
from boards.site_fields import say
from boards.sunspec_schema import SunspecProfile

if TYPE_CHECKING:
    from boards.profile_schema import Profile
    from boards.site import Site

RULE = "curtail"
DRIVER = "pv_limit"  # in edge/devices


def limits(device: Device, site: "Site") -> bool:
    """Whether the rule limits this device."""
    return RULE in site.rules and device in feeds(site.devices, "pv_w") \
        and can_be_limited(device.profile)


def can_be_limited(profile: "Profile") -> bool:
    """Whether the profile says how the most that its device generates is set."""
    return isinstance(profile, SunspecProfile) and bool(profile.steering) \
        and profile.steering[0].shape == "limit"


def check(findings: Findings, site: "Site") -> None:
    """The roof can be limited, and the battery is asked before it is."""
    if RULE not in site.rules:
        return
    for device in feeds(site.devices, "pv_w"):
        if not can_be_limited(device.profile):
            known = [name for name in profiles.ids() if can_be_limited(profiles.load(name))]
            say(findings, f"device {device.name}", f"found {device.profile.id}, whose most is not "
                f"known to be set, expected one for [rules.curtail] as {' '.join(known)}")
    export_w = site.rules.get("export", {}).get("export_max_w")
    own_w = site.rules[RULE]["export_max_w"]
    if export_w is None or (own_w is not None and own_w < export_w):
        say(findings, f"rules.{RULE}.export_max_w", f"found {own_w} W, expected [rules.export] "
            "with no more, so that the battery takes what it can before the roof is limited")
