"""A gateway that takes commands, and somebody who holds its keys."""

from __future__ import annotations

from typing import Any

from cloud_bridge.command_codec import VERBS, Command, Result, decode_result
from edge.blocks import RamBlocks
from edge.command import _RECORD_BYTES, Commands
from edge.keep import Keep
from edge.tags import command_key
from tests.core.park import DAY, Park, image

ROOT = bytes(range(32))
NAME = "p/g"
KEYS = {"lease_max_s": 14_400, "setpoint_max_s": 900, "over_demand": 0, "root": ""}
BY_NUMBER = {number: command_key(ROOT, number) for number in range(1, 10)}
SECOND = 36_000  # of DAY, where a gateway's life begins


class Outbox:
    """Where frames go."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []

    def append(self, kind: int, buf: bytes, n: int) -> int:
        self.frames.append((kind, bytes(buf[:n])))
        return len(self.frames)


class Gateway:
    """One gateway in the test's time: `commands`, and what it has said. `device` outlives it."""

    def __init__(self, device: Any = None, clock_set: bool = True, made: Any = None,
                 second: int = SECOND) -> None:
        self.device = device or RamBlocks(256, 4)
        self.park = Park(made or image())
        self.park.site.clock_set = clock_set
        self.outbox = Outbox()
        self.wall_s = DAY * 86_400 + second
        self.now_ms = 5_000
        self._tell()
        self.commands = Commands(self.park.site, KEYS, NAME, ROOT,
                                 Keep(self.device, _RECORD_BYTES), self.outbox)
        self.commands.step(self.now_ms)

    def _tell(self) -> None:
        self.park.site.now.day, self.park.site.now.second = divmod(self.wall_s, 86_400)

    def live(self, seconds: int, wall_s: int | None = None) -> None:
        """Let time pass; the wall clock by `wall_s` where it goes otherwise."""
        for second in range(seconds):
            self.now_ms = (self.now_ms + 1000) % (1 << 30)
            self.wall_s += 1 if wall_s is None else wall_s if second == 0 else 0
            self._tell()
            self.commands.step(self.now_ms)

    def hear(self, message: bytes) -> str:
        """Let a message come; the reason it is refused for, "" when it is accepted."""
        before = self.commands.accepted
        self.commands.receive(bytearray(b"xx" + message), 2, 2 + len(message), self.now_ms)
        self.commands.step(self.now_ms)
        return "" if self.commands.accepted > before else self.commands.reason

    @property
    def results(self) -> list[Result]:
        return [decode_result(body, BY_NUMBER) for kind, body in self.outbox.frames if kind == 9]

    @property
    def held(self) -> int:
        """How many leases are in force."""
        self.park.site.leases.settle(self.now_ms)  # type: ignore[attr-defined]
        return int(self.park.site.leases.bounds[0])  # type: ignore[attr-defined]


def command(verb: str = "limit-import", *args: int, counter: int = 1, key: int = 1,
            issued: int = DAY * 86_400 + SECOND, ttl_s: int = 900, gateway: str = NAME,
            nonce: int = 0, algorithm: int = 1, root: bytes = ROOT) -> bytes:
    """What somebody with the keys sends."""
    if verb == "limit-import" and not args:
        args = (300_000,)
    asked = Command(gateway, key, counter, issued, ttl_s, VERBS[verb], args, nonce)
    return asked.encode(command_key(root, key), algorithm)


