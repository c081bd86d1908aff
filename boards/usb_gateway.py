"""A gateway on a USB or serial port, spoken to through mpremote's raw prompt."""

import contextlib
import importlib
import io
import os
from pathlib import Path
from typing import Any

from boards.flash import FlashError

_MAKERS = (0x2E8A, 0xF055, 0x303A)  # USB vendors: Raspberry Pi, MicroPython, Espressif
_RESET = "import machine\nmachine.reset()\n"


class UsbGateway:
    """One MicroPython behind a port; it is never left at the raw prompt. Raises FlashError."""

    def __init__(self, port: str | None) -> None:
        self.port = port or find_port()
        _check_port(self.port)
        serial = _mpremote("transport_serial").SerialTransport
        self._failed = _mpremote("transport").TransportError
        with _told(self.port, self._failed):
            self._transport: Any = serial(self.port, baudrate=115200)
            self._transport.enter_raw_repl()

    def run(self, code: str) -> str:
        """Run statements; return what they print."""
        with _told(self.port, self._failed):
            return bytes(self._transport.exec(code)).decode()

    def restart(self) -> None:
        """Reset the processor and let go of the port."""
        with contextlib.suppress(self._failed, OSError):  # the port goes away with the reset
            self._transport.exec_raw_no_follow(_RESET)
        self.close()

    def close(self) -> None:
        """Leave the raw prompt and let go of the port."""
        with contextlib.suppress(self._failed, OSError):
            self._transport.exit_raw_repl()
            self._transport.close()


def find_port() -> str:
    """The port of the one gateway that is plugged in."""
    try:
        comports = importlib.import_module("serial.tools.list_ports").comports
    except ImportError:
        raise FlashError("mpremote is missing: pip install 'parkedge[board]'") from None
    ports = [port.device for port in comports() if port.vid in _MAKERS]
    if not ports:
        raise FlashError("no gateway found: plug it in by USB (a cable that carries data), "
                         "or name its port with --port")
    if len(ports) > 1:
        raise FlashError(f"{len(ports)} gateways found: name one with --port: {' '.join(ports)}")
    return str(ports[0])


def _check_port(port: str) -> None:
    """Say what is wrong with a port before mpremote swallows the reason."""
    if not Path(port).exists():
        raise FlashError(f"{port} does not exist: plug the gateway in, or name another --port")
    if not os.access(port, os.R_OK | os.W_OK):
        group = Path(port).group() if Path(port).exists() else "dialout"
        raise FlashError(f"no permission for {port}: sudo usermod -aG {group} $USER, "
                         "then log in again")


def _mpremote(module: str) -> Any:
    try:
        return importlib.import_module(f"mpremote.{module}")
    except ImportError:
        raise FlashError("mpremote is missing: pip install 'parkedge[board]'") from None


@contextlib.contextmanager
def _told(port: str, failed: type[Exception]) -> Any:
    """Turn mpremote's errors into one line, and keep its prints to itself."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except (failed, OSError) as error:
        reason = str(error).strip().splitlines()[-1:] or ["no answer"]
        raise FlashError(f"{port}: {reason[0]}: is another program (a serial terminal, Thonny) "
                         "on the port?") from None
