"""Raspberry Pi or any Linux machine: serial adapters, systemd's watchdog, a journal on disk."""

import ctypes
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from boards.gpio_pulse import GpioPulse
from boards.host import HostBoard

_TIME_ERROR = 5  # sys/timex.h: the clock is not synchronized
_TIMEX_BYTES = 256  # struct timex is 208 on 64-bit; all zero asks and changes nothing
_RTC = Path("/sys/class/rtc")


class Board(HostBoard):
    """A gateway on Linux, best started by systemd (see boards/parkedge.service)."""

    name = "pi"

    def __init__(self, image: Mapping[str, Any], folder: Path | None) -> None:
        state = os.environ.get("STATE_DIRECTORY")  # from systemd
        super().__init__(image, folder or (Path(state) if state else None))
        self._set = False
        self._notify = _notify_socket(os.environ.get("NOTIFY_SOCKET"))

    def _clock_set(self) -> bool:
        """Whether a time service, or a hardware clock at boot, ever set the clock."""
        self._set = self._set or _synchronized() or _from_hardware(_RTC)
        return self._set

    def open_pulse(self, name: str, debounce_ms: int) -> GpioPulse:
        """What counts the pulses of an input. OSError."""
        return GpioPulse(name, debounce_ms)

    def watchdog(self, feed: bool) -> None:
        """Tell systemd: ready, or a beat was completed."""
        if self._notify is not None:
            with suppress(OSError):
                self._notify.send(b"WATCHDOG=1" if feed else b"READY=1")


def _synchronized() -> bool:
    """What the kernel says of its clock; chrony, ntpd and timesyncd all tell it."""
    answer = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return 0 <= answer < _TIME_ERROR


def _from_hardware(folder: Path) -> bool:
    """Whether the kernel took the time from a hardware clock that had kept it."""
    for clock in folder.glob("rtc*/hctosys"):
        with suppress(OSError):
            if clock.read_text().strip() == "1":
                return True
    return False


def _notify_socket(address: str | None) -> socket.socket | None:
    """A socket to systemd (sd_notify(3)); None when nobody waits for it."""
    if not address:
        return None
    pipe = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        pipe.connect("\0" + address[1:] if address.startswith("@") else address)
    except OSError:
        pipe.close()
        return None
    return pipe
