"""The setpoint of a device that says which way in one register, and how much in the next."""

from edge.compat import TYPE_CHECKING, const
from edge.devices.decode import nearest
from edge.devices.setpoint import Setpoint

if TYPE_CHECKING:
    from typing import Any, Mapping

_DISCHARGE = const(1)  # places in `modes`, behind that of 0 W
_CHARGE = const(2)


class ModeSetpoint(Setpoint):
    """A setpoint that is read back as a mode and a power behind it; `modes` of the control entry
    are those of 0 W, discharge and charge."""

    def __init__(self, control: "Mapping[str, Any]"):
        Setpoint.__init__(self, control)
        self._modes = control["modes"]
        self._num_w = self._den_w = 1
        if self.can_read_back:
            _, _, _, self._num_w, self._den_w = control["readback"]

    def read_back(self, rx: bytearray, at: int) -> "int | None":
        """Return the power in the reply whose data begins at `at`, W."""
        mode = rx[at] << 8 | rx[at + 1]
        w = nearest((rx[at + 2] << 8 | rx[at + 3]) * self._num_w, self._den_w)
        if mode == self._modes[_DISCHARGE]:
            return w
        return -w if mode == self._modes[_CHARGE] else 0
