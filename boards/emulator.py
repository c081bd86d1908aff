"""The emulator: the gateway's own files in a process on this machine, real sockets and lines.

Nothing of it is special: the same site file, the same ports; only the watchdog has no teeth.
"""

from boards.host import HostBoard


class Board(HostBoard):
    """A gateway that is this process; the machine's clock is taken for set."""

    name = "emulator"
