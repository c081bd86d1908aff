"""The driver of a charger whose current is limited a phase. Loaded only where a site has one.

Its setpoint is in mA where a converter's is in W, and what ends its lease is no pause but the limit
that the site calls safe, which is also what the charger itself is told to fall to.
"""

from edge.compat import TYPE_CHECKING, const
from edge.devices.driver import Driver
from edge.devices.lease import Lease

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

_RELEASING = const(0)  # as in edge/devices/lease.py


class ChargerLease(Lease):
    """The limit of one charger; released, it holds `failsafe_ma` of the control entry."""

    def __init__(self, control: "Mapping[str, Any]", charger: "Any"):
        Lease.__init__(self, control, charger)
        self._failsafe_ma: int = control["failsafe_ma"]

    def compose(self, tx: bytearray, at: int) -> int:
        """Build the write that is wanted; return the index after it."""
        if self.state == _RELEASING and not self._step:
            setpoint = self.setpoint
            self._sent_raw = setpoint.raw(self._failsafe_ma)
            self._sent_w = setpoint.power(self._sent_raw)
            return setpoint.put(tx, at, self._sent_raw)
        return Lease.compose(self, tx, at)


def driver(image: "Mapping[str, Any]", roles: "Sequence[Any]") -> Driver:
    """A charger; of a whole site's roles it feeds and obeys one alone."""
    for role in roles:
        if hasattr(role, "chargers"):
            roles = [role.chargers[image["charger"]]]
            break
    for role in roles:
        if hasattr(role, "asks"):
            role.asks = image["asks"]
    control = image["control"]
    made = Driver(image, roles)
    if control is not None:
        made.lease = ChargerLease(control, roles[0])
    return made
