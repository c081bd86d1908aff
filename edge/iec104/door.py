"""Where controlling stations come in: who may, how many, and which of them is told.

The connections are one redundancy group: whoever says STARTDT last is told, and the one before is
told nothing more. The stations on the list of peers come in, no others; while every place is taken,
one who has not started for some time makes room for a new one, so who only sits keeps nobody out.
"""

from edge.compat import const
from edge.iec104.link import FREE, STARTED, STOPPED, Link
from edge.listener import Listener
from edge.ticks import ticks_diff

_PROMPT_MS = const(20)  # between steps while somebody is there
_CALM_MS = const(100)  # between steps otherwise
_SIT_MS = const(5000)  # a connection that never starts may stay so long while others wait
_ADMIT = const(4)  # taken from the queue in a step


class Door:
    """Listens on a TCP port; a step machine over the links that came in."""

    def __init__(self, station, keys: dict):
        self.refused = 0  # connections of strangers, and of too many
        self.station = station
        self.links = [Link(keys, station) for _ in range(keys["connections"])]
        self.listener = Listener(keys["address"], keys["port"], keys["connections"])
        self._peers = keys["peers"]

    def mend(self, now_ms: int) -> None:
        """After an internal fault: nobody is there, and the port is opened anew."""
        for link in self.links:
            link.end()
        self.listener.lose()

    def step(self, now_ms: int) -> int:
        """Serve everybody who is there for a moment; ms until the next call."""
        for _ in range(_ADMIT):
            if not self._admit(now_ms):
                break
        wait_ms, started = _CALM_MS, None
        for link in self.links:
            if link.state != FREE:
                wait_ms = _PROMPT_MS
                link.step(now_ms)
        for link in self.links:
            if link.state == STARTED:
                started = link
        self.station.step(now_ms, started)
        return wait_ms

    def _admit(self, now_ms: int) -> bool:
        found = self.listener.accept(now_ms)
        if found is None:
            return False
        peer = name_of(found[1])
        link = self._place(now_ms) if not self._peers or peer in self._peers else None
        if link is None:
            self.refused += 1
            found[0].close()
            return True
        try:
            link.begin(found[0], peer, now_ms)
        except OSError:
            link.end()
        return True

    def _place(self, now_ms: int):
        """A free link, or that of the one who has sat there longest without starting."""
        longest = None
        for link in self.links:
            if link.state == FREE:
                return link
            if link.state == STOPPED and ticks_diff(now_ms, link.since_ms) > _SIT_MS and (
                    longest is None or ticks_diff(link.since_ms, longest.since_ms) < 0):
                longest = link
        if longest is not None:
            longest.end()
        return longest


def name_of(address) -> str:
    """Who connected, as the site file writes it: what `accept` tells, CPython's (address, port)
    or the sockaddr_in of MicroPython's Unix port."""
    if not isinstance(address, tuple):
        return ".".join([str(byte) for byte in address[4:8]])
    host = str(address[0])
    return host[7:] if host[:7] == "::ffff:" else host
