"""A battery management system on CAN in a park: its frames come each second of the plant's time.

The bus is a pair of sockets that keep frames whole, as a CI machine has no CAN; a frame is Linux's
struct can_frame. Whole numbers of the profile's points are made of what the battery bears now.
"""

import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from boards.can_port import CanPort
from boards.profile_can import CanProfile
from hil.faults import Effect

if TYPE_CHECKING:
    from boards.site_devices import Device
    from hil.park import Park

_VOLTS = 50
_FRAME = struct.Struct("=IB3x8s")
_FORMATS = {"u8": "<B", "u16": "<H", "i16": "<h"}


class CanStation:
    """One such system of the site. `effect` is what is wrong with it: silence, or being stuck."""

    def __init__(self, device: "Device", park: "Park") -> None:
        assert isinstance(device.profile, CanProfile)
        self.name = device.name
        self.effect = Effect()
        self.struck = 0  # seconds of that
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.setblocking(False)
        self.alive = 0  # frames heard that say that somebody is there
        self._profile, self._park, self._battery = device.profile, park, device.battery
        self._last: Mapping[str, float] = {}

    def advance(self, now_ms: int) -> None:
        """Tell what the battery bears; nobody may be listening yet."""
        self._hear()
        effect = self.effect
        self.struck += effect != Effect()
        if effect.mute or effect.hides:
            return
        if not effect.frozen or not self._last:
            shown = self._park.shown[self._battery]
            self._last = {"soc": float(shown["soc_pm"]) / 10, "v": _VOLTS, "flags": 0xC0,
                          "i_chg_max": float(shown["charge_max_w"]) / _VOLTS,
                          "i_dis_max": float(shown["discharge_max_w"]) / _VOLTS}
        frames: dict[int, bytearray] = {}
        for point in self._profile.points.values():
            data = frames.setdefault(point.fc, bytearray(8))
            if point.kind in _FORMATS:
                raw = int(self._last.get(point.name, 0) / point.scale)
                struct.pack_into(_FORMATS[point.kind], data, point.addr, raw)
        for ident, data in frames.items():
            with suppress(BlockingIOError):
                self.ours.send(_FRAME.pack(ident, 8, bytes(data)))

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            while _FRAME.unpack(self.ours.recv(64))[0] == self._profile.alive[0]:
                self.alive += 1


class CanLine(CanPort):
    """The gateway's end of such a bus: its interface is the number of an open socket."""

    def open(self, now_ms: int, ids: Sequence[int]) -> None:
        """Take the socket up."""
        self.close()
        self._socket = socket.socket(fileno=os.dup(int(self._interface)))
        self._socket.setblocking(False)


@contextmanager
def serve(station: CanStation) -> Iterator[dict[str, Any]]:
    """Serve one bus; yields the keys of the site file that lead to it."""
    with station.ours, station.theirs:
        yield {"interface": str(station.theirs.fileno())}
