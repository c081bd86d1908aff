"""The driver of a device that shows a signal in several registers, or takes its setpoint in several
writes. Loaded only where a device's image asks for it.
"""

from edge.compat import TYPE_CHECKING
from edge.devices.driver import Driver, commander
from edge.devices.steps import Steps
from edge.devices.sums import Sums

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence


class Limits:
    """What the device says that it takes at most, W; -1: it has not said so yet."""

    SIGNALS = ("charge_limit_w", "discharge_limit_w")

    def __init__(self) -> None:
        self.charge_w = self.discharge_w = -1

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one limit; False when there can be no such limit."""
        if value < 0:
            return False
        if signal == "charge_limit_w":
            self.charge_w = value
        else:
            self.discharge_w = value
        return True


def driver(image: "Mapping[str, Any]", roles: "Sequence[Any]", lease: "Any" = Steps) -> Driver:
    """A device whose image has sums, paths or both; `lease` makes what executes its paths."""
    control = image["control"]
    roles = list(roles)
    limits = None
    if control is not None and "limits" in control:
        limits = Limits()
        roles.insert(0, limits)
    if "sums" in image:
        roles.insert(0, Sums(image["sums"], roles[:]))
    made = Driver(image, roles)
    if control is not None and "paths" in control:
        made.lease = lease(control, commander(roles, "signed"), limits)
    return made
