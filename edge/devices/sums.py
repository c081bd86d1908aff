"""Signals that a device shows in several registers: strings of a PV plant, charge and discharge
apart, the high and the low word of a counter that do not lie side by side.

All parts of a sum come in one reading. One that is not available leaves the sum unsaid.
"""

from array import array

from edge.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Sequence


class Sums:
    """A role that adds up; `sums` are [signal, number of its parts]. The parts of a signal are
    called by its name behind a plus sign, and `roles` get the sum."""

    def __init__(self, sums: "Sequence[Sequence[Any]]", roles: "Sequence[Any]"):
        self.SIGNALS = tuple(["+" + signal for signal, _ in sums])
        self._names = [signal for signal, _ in sums]
        self._counts = [count for _, count in sums]
        self._roles = [_role_of(signal, roles) for signal, _ in sums]
        self._totals = [0] * len(sums)
        self._parts = [0] * len(sums)
        self._stamps_ms = array("i", [-1] * len(sums))

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Add one part; with the last one the sum is handed on. False when it is refused."""
        k = self.SIGNALS.index(signal)
        if self._stamps_ms[k] != stamp_ms:
            self._stamps_ms[k] = stamp_ms
            self._totals[k] = self._parts[k] = 0
        self._totals[k] += value
        self._parts[k] += 1
        if self._parts[k] < self._counts[k]:
            return True
        self._stamps_ms[k] = -1
        return self._roles[k].take(self._names[k], self._totals[k], stamp_ms)


def _role_of(signal: str, roles: "Sequence[Any]") -> "Any":
    for role in roles:
        if signal in role.SIGNALS:
            return role
    raise ValueError("no role knows the signal " + signal)
