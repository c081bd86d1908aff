"""What a host writes becomes a signed command; one thread waits for what the gateway makes of it.

The keys of gateway G are in FOLDER/G/cloud, as `keys gateway PARK/G --out FOLDER/G` makes them. A
gateway without is refused. A command is a lease: the host writes again before it ends.
"""

import queue
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloud_bridge.command import exchange
from cloud_bridge.command_codec import VERBS, Command
from cloud_bridge.command_state import Sender
from cloud_bridge.fields import DocumentError
from cloud_bridge.inbox import BrokerError
from cloud_bridge.mqtt import Broker

_WAITING = 32  # commands at a time; a host that writes more is told so
_PLAIN = ("stop", "release")  # take no number: any but 0 says them
_WAIT_S = 60


class Commanding:
    """Called with (gateway, verb, value): W, or per mille of a floor. ValueError: refused here.
    `counts`: what gateways said, as "done", "refused by the gateway", "unheard"."""

    def __init__(self, broker: Broker, park: str, folder: Path, lease_s: int,
                 log: Callable[..., None], ca: str | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._broker, self._park, self._folder = broker, park, folder
        self._lease_s, self._log, self._ca = lease_s, log, ca
        self._asked: queue.Queue[tuple[str, str, tuple[int, ...]] | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._work, name="commands", daemon=True)
        self._thread.start()

    def __call__(self, gateway: str, verb: str, value: int) -> None:
        """Let it be sent, in its turn."""
        if not (self._folder / gateway / "cloud").is_dir():
            raise ValueError("no keys of this gateway")
        if verb in _PLAIN:
            if not value:
                raise ValueError("0 asks for nothing")
            arguments: tuple[int, ...] = ()
        else:
            arguments = (value, 1) if verb == "setpoint" else (value,)
        try:
            self._asked.put_nowait((gateway, verb, arguments))
        except queue.Full:
            raise ValueError("too many at a time") from None

    def close(self) -> None:
        """Forget what waits; what is being asked has its minute."""
        while not self._asked.empty():
            self._asked.get_nowait()
        self._asked.put(None)
        self._thread.join(_WAIT_S + 5)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            gateway, verb, arguments = asked
            outcome, reason = self._ask(gateway, verb, arguments)
            self.counts[outcome] += 1
            self._log("command", gateway=gateway, verb=verb, args=arguments, outcome=outcome,
                      reason=reason)

    def _ask(self, gateway: str, verb: str, arguments: tuple[int, ...]) -> tuple[str, str]:
        """What became of it, and why."""
        name = f"{self._park}/{gateway}"
        try:
            sender = Sender(self._folder / gateway / "cloud", name)
            key_id = sender.key_id()

            def sign(issued: int, nonce: int, at_least: int) -> tuple[Any, bytes]:
                return sender.sign(Command(name, key_id, 0, issued, self._lease_s, VERBS[verb],
                                           arguments, nonce), at_least)

            answer = exchange(self._broker, name, sender.keys, self._ca, _WAIT_S, sign)
        except (BrokerError, DocumentError, OSError) as error:
            return "unheard", str(error)
        if answer.result is None:
            return "unheard", ""
        return ("done", "") if answer.result.done else ("refused by the gateway",
                                                       answer.result.reason)
