"""What must hold of a utility's own meter in a site, and whether its slow line keeps up."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from boards.shapes import Findings
from boards.site_devices import feeds
from boards.site_fields import say

if TYPE_CHECKING:
    from boards.site import Site

_RULE = "billing_meter"


def check(findings: Findings, warnings: Findings, site: "Site",
          paced: Sequence[tuple[dict[str, Any], float]]) -> None:
    """A meter that answers to any number is alone; `paced` are the compiled devices, each with
    how long a round of its bus takes, ms."""
    for device in site.devices:
        others = [one.name for one in site.devices if one.bus == device.bus and one != device]
        if device.profile.proto == "dlt645" and not device.unit and others:
            say(findings, f"device {device.name}.number", "found 12 letters A, expected its own "
                f"number: {' '.join(others)} would answer as well")
    if "demand" in site.rules and _RULE not in site.rules:
        for device in feeds(site.devices, "grid_w"):
            if device.profile.proto == "dlt645":
                say(warnings, f"device {device.name}", "is a utility's own meter: without "
                    f"[rules.{_RULE}] the demand window keeps to this gateway's clock, not to its")
    _warn_pace(warnings, site, paced)


def _warn_pace(warnings: Findings, site: "Site",
               paced: Sequence[tuple[dict[str, Any], float]]) -> None:
    """Whoever steers by so slow a meter shall know."""
    beat_ms = 1000 * (site.sections["site"]["beat_s"] or 1)
    for image, round_ms in paced:
        every = {point[0]: image["blocks"][point[1]][3] for point in image["points"]}
        period_ms = round(max(image["poll_ms"], round_ms) * every.get("grid_w", 0))
        if image.get("driver") == "dlt645" and "grid_w" in every and period_ms > beat_ms:
            say(warnings, f"device {image['name']}", f"tells the power at the grid every "
                f"{period_ms} ms, slower than a beat of {beat_ms} ms: beats work with old readings")
