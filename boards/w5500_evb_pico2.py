"""WIZnet W5500-EVB-Pico2: RP2350, Ethernet, two UARTs for RS-485.

Wiring: the W5500 sits on SPI 0 as the firmware of that name knows it. A transceiver on each UART,
its DE and /RE together on one pin:
    UART 0   TX GP0   RX GP1   DE GP2
    UART 1   TX GP4   RX GP5   DE GP6
Contacts that give pulses lie between a pin of PULSE_INPUTS and ground.
"""

import os
import time

import network
from machine import RTC, UART, WDT, Pin, Timer, reset

from boards.sector_files import SectorFiles
from boards.sntp import Sntp
from edge import app
from edge.compat import TYPE_CHECKING
from edge.image import load
from edge.port import TcpPort
from edge.ticks import ticks_add, ticks_diff, ticks_ms

if TYPE_CHECKING:
    from typing import Any

FIRMWARE = "W5500_EVB_PICO2"  # MicroPython's name of the board, 1.24 or newer
UARTS = 2
PULSE_INPUTS = "GP7 GP8 GP9 GP10 GP11 GP12 GP13 GP14 GP15 GP22 GP26 GP27 GP28"
WATCHDOG_MS = 8000
_PINS = ((0, 1, 2), (4, 5, 6))  # TX, RX, DE of each UART
_BUFFER_BYTES = 512  # two of the longest frames: nothing is lost while flash is written
_RELEASE_MS = 1  # added to the computed end of a frame
LOG_SECTORS = 64  # of 4 KiB for what waits for the cloud
VITAL_SECTORS = 32  # for that of it which must not be lost
_STATE_SECTORS = 4
_PASSWORD = "/broker.password"
_KEY = "/broker.key"
_UNIX_2000_S = 946_684_800
_DAY_S = 86_400


class Rs485Port:
    """A UART behind a transceiver whose direction this board drives.

    The pin is let go by a timer at the computed end of the frame: the UART's own "done" and its
    idle interrupt come before the last characters have left (MicroPython docs, machine.UART). What
    is taken in pieces holds the line for all of them.
    """

    def __init__(self, bus: "dict[str, Any]"):
        self._number = bus["path"]
        self._baud = bus["baud"]
        self._parity = {"N": None, "E": 0, "O": 1}[bus["parity"]]
        self._stop = bus["stop"]
        self._bits = 9 + bus["stop"] + (bus["parity"] != "N")  # of one character on the line
        self._drive = Pin(_PINS[self._number][2], Pin.OUT, value=0)
        self._timer = Timer(-1)
        self._release = self._let_go  # bound once: a send costs no heap for it
        self._uart: Any = None
        self._sending = False
        self._end_ms = 0  # when all that was taken has left, while sending

    def open(self, now_ms: int) -> None:
        """Set the UART up."""
        tx, rx, _ = _PINS[self._number]
        self._uart = UART(
            self._number, baudrate=self._baud, bits=8, parity=self._parity, stop=self._stop,
            tx=Pin(tx), rx=Pin(rx), txbuf=_BUFFER_BYTES, rxbuf=_BUFFER_BYTES, timeout=0)

    def is_open(self) -> bool:
        """Whether it is set up."""
        return self._uart is not None

    def send(self, buf: "bytearray | memoryview", n: int) -> int:
        """Take the line and send the first `n` bytes of `buf`; return how many were taken."""
        self._drive.value(1)
        sent = self._uart.write(memoryview(buf)[:n]) or 0
        now_ms = ticks_ms()
        left_ms = (sent * self._bits * 1000 + self._baud - 1) // self._baud
        if self._sending and ticks_diff(self._end_ms, now_ms) > 0:
            left_ms += ticks_diff(self._end_ms, now_ms)
        self._sending = True
        self._end_ms = ticks_add(now_ms, left_ms)
        self._timer.init(mode=Timer.ONE_SHOT, period=left_ms + _RELEASE_MS,
                         callback=self._release)
        return sent

    def recv(self, buf: bytearray, at: int) -> int:
        """Read what has come into `buf` from index `at` on; 0 when nothing has."""
        if not self._uart.any() or at >= len(buf):
            return 0
        return self._uart.readinto(memoryview(buf)[at:]) or 0

    def close(self) -> None:
        """Let go of the line."""
        self._timer.deinit()
        self._drive.value(0)
        self._sending = False
        if self._uart is not None:
            self._uart.deinit()
        self._uart = None

    def _let_go(self, timer: "Any") -> None:
        self._drive.value(0)
        self._sending = False


class Board:
    """The gateway; Ethernet gets its address by DHCP, the time from the broker or the router."""

    name = "w5500_evb_pico2"

    def __init__(self, image: "dict[str, Any]"):
        broker = image["broker"]
        # A cloud tells no time, and what has a name needs one first.
        own = "" if "cloud" in broker or "named" in broker else broker["host"]
        self._time_server = broker.get("clock", own)
        self._needs_time = "tls" in broker  # certificates are only valid for a time
        self._sntp = Sntp()
        self._watchdog: Any = None
        # Only the firmware of this board has it, MicroPython's stubs know another one.
        self._nic = network.WIZNET5K()  # pyright: ignore[reportAttributeAccessIssue]
        self._nic.active(True)  # DHCP starts by itself

    def open_port(self, bus: "dict[str, Any]") -> "TcpPort | Rs485Port":
        """The byte pipe of one bus of the image, not opened yet."""
        return TcpPort(bus["host"], bus["port"]) if "host" in bus else Rs485Port(bus)

    def open_pulse(self, name: str, debounce_ms: int) -> "Any":
        """What counts the pulses of an input."""
        module = __import__("boards.pulse_pin", None, None, ("PulsePin",))
        return module.PulsePin(name, debounce_ms)

    def wall(self) -> "tuple[int, int, bool]":
        """UTC: days since 2000-01-01, second of the day, whether the clock was ever set."""
        if self._nic.isconnected():
            router = self._nic.ifconfig()[2]
            if self._sntp.step(ticks_ms(), self._time_server or router):
                _set_clock(self._sntp.day, self._sntp.second)
        now_s = time.time()
        if time.gmtime(0)[0] == 1970:
            now_s -= _UNIX_2000_S
        return now_s // _DAY_S, now_s % _DAY_S, self._sntp.known

    def flash_device(self) -> SectorFiles:
        """Where the outbox keeps its frames."""
        return SectorFiles("/log", 4096, LOG_SECTORS)

    def state(self, name: str) -> SectorFiles:
        """Where a record that must survive a power cut is kept (edge/keep.py), and `vital`, the
        outbox of what must not be lost."""
        return SectorFiles("/" + name, 4096,
                           VITAL_SECTORS if name == "vital" else _STATE_SECTORS)

    def secret(self, name: str) -> bytes:
        """32 secret bytes of this gateway alone, made when they are first asked for from the
        chip's own source of randomness; flashing leaves them alone."""
        path = "/" + name + ".secret"
        try:
            with open(path, "rb") as file:
                found = file.read()
            if len(found) == 32:
                return found
        except OSError:
            pass
        found = os.urandom(32)
        with open(path + ".new", "wb") as file:
            file.write(found)
        os.rename(path + ".new", path)
        return found

    def watchdog(self, feed: bool) -> None:
        """Start the watchdog, or tell it that a beat was completed. It cannot be stopped."""
        if self._watchdog is None:
            self._watchdog = WDT(timeout=WATCHDOG_MS)
        self._watchdog.feed()

    def keep(self, row: "Any", rule_names: "Any") -> None:
        """Nothing: here the rows that matter go to the cloud by way of the outbox."""

    def password(self) -> bytes:
        """The broker's password: a secret, so in a file of its own, which flashing leaves alone."""
        return _secret(_PASSWORD).strip()

    def on_stop(self, stop: "Any") -> None:
        """A gateway is not stopped; it is unplugged, and its devices fall back by themselves."""

    def name_server(self) -> str:
        """The name server that DHCP has told."""
        return self._nic.ifconfig()[3]

    def key(self) -> bytes:
        """The key of the gateway's certificate, DER: a secret, kept as the password is."""
        return _secret(_KEY)

    def network_up(self) -> bool:
        """Whether the cable is in, there is an address, and the time where that is needed."""
        return self._nic.isconnected() and (self._sntp.known or not self._needs_time)


def _secret(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _set_clock(day: int, second: int) -> None:
    """Set the clock of the chip, UTC."""
    now = time.gmtime(
        day * _DAY_S + second + (_UNIX_2000_S if time.gmtime(0)[0] == 1970 else 0))
    RTC().datetime((now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0))


def main(path: str) -> None:
    """Run the site image at `path`; an error that ends it restarts the gateway."""
    try:
        image = load(path)
        app.run(image, Board(image))
    except KeyboardInterrupt:
        raise  # somebody at the prompt
    except Exception as error:
        print("parkedge:", repr(error))
        time.sleep(5)  # readable at the prompt, and no tight loop
        reset()
