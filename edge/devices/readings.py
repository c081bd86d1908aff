"""What a device's registers mean, handed to the roles it feeds, unless the device has frozen.

A meter whose measuring part has died often goes on answering with its last readings. A live one
never shows the same bytes for long, so where a profile says so, bytes that do not change are worth
no more than silence: they are not handed on, and the signals grow old.
"""

from array import array

from edge.compat import TYPE_CHECKING
from edge.devices.decode import check, decode
from edge.ticks import ticks_diff
from edge.wire.crc16 import crc16

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence


class Readings:
    """The points of one device image, each with the role in `roles` that knows its signal."""

    def __init__(self, image: "Mapping[str, Any]", roles: "Sequence[Any]"):
        self._blocks = image["blocks"]
        self._points = []
        for point in image["points"]:
            check(point, self._blocks)
            self._points.append((_role_of(point[0], roles), point))
        self._frozen_ms = image["frozen_ms"]
        self._marks = array("H", [0] * len(self._blocks))
        self._changed_ms = 0
        self._seen = False
        self.frozen = False
        self.refused = 0  # values that no such device can have, or that are not available

    def restart(self) -> None:
        """Forget what was read: another device may stand there now."""
        self._seen = False
        self.frozen = False

    def take(self, block: int, rx: bytearray, at: int, sent_ms: int) -> None:
        """Hand on every signal of a block just read; `sent_ms` is when it was asked for.

        `at` is the index in `rx` of the block's first register.
        """
        if self._frozen_ms and self._blocks[block][3] == 1:
            self._watch(block, crc16(rx, at, at + 2 * self._blocks[block][2]), sent_ms)
        if self.frozen:
            return
        for role, point in self._points:
            if point[1] == block:
                value = decode(rx, at, point)
                if value is None or not role.take(point[0], value, sent_ms):
                    self.refused += 1

    def _watch(self, block: int, mark: int, sent_ms: int) -> None:
        """Follow the bytes of the fast blocks, by their check sum."""
        if mark != self._marks[block] or not self._seen:
            self._marks[block] = mark
            self._seen = True
            self._changed_ms = sent_ms
            self.frozen = False
        elif ticks_diff(sent_ms, self._changed_ms) >= self._frozen_ms:
            self.frozen = True


def _role_of(signal: str, roles: "Sequence[Any]") -> "Any":
    for role in roles:
        if signal in role.SIGNALS:
            return role
    raise ValueError("no role knows the signal " + signal)
