"""The whole way up on this machine: a network that can be cut, a broker, a bridge, a store."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cloud_bridge.broker import EmbeddedBroker
from cloud_bridge.serve import Bridge, Broker
from cloud_bridge.store import Store
from hil.line import RigError
from hil.relay import Relay

_LOCKED_S = 0.2  # how long the bridge waits for a store that takes nothing
_FOREVER_UTC = 1 << 40
_PATIENCE_S = 30.0


class Cloud:
    """A context manager. The gateway connects to `host`, `port` with the name `user`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "park.db"
        self.troubles: list[str] = []  # what the bridge met with
        self._ready = threading.Event()
        self._broker = EmbeddedBroker()
        self._relay: Relay | None = None
        self._lock: sqlite3.Connection | None = None
        self._bridge: Bridge | None = None
        self._thread: threading.Thread | None = None
        self._stack = ExitStack()
        self._acts: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "network": (self._cut_network, self._mend_network),
            "broker": (self._stop_broker, self._start_broker),
            "store": (self._lock_store, self._free_store)}

    @property
    def keys(self) -> dict[str, Any]:
        """The [broker] of the gateway's site file."""
        assert self._relay is not None
        return {"host": self._relay.host, "port": self._relay.port, "user": self._broker.user}

    def __enter__(self) -> Self:
        self._broker.__enter__()
        self._relay = self._stack.enter_context(Relay(self._broker.port))
        Store(self.path).close()
        self._bridge = Bridge(Broker.parse(self._broker.url), self._open, self._log)
        self._thread = threading.Thread(target=self._bridge.run, name="bridge", daemon=True)
        self._thread.start()
        if not self._ready.wait(_PATIENCE_S):
            raise RigError(f"the bridge did not start: {' '.join(self.troubles) or 'no word'}")
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._free_store()
        if self._bridge is not None and self._thread is not None:
            self._bridge.stop()
            self._thread.join(_PATIENCE_S)
        self._stack.close()
        self._broker.__exit__(None, None, None)

    def begin(self, part: str) -> None:
        """Strike one part: network, broker or store."""
        self._acts[part][0]()

    def end(self, part: str) -> None:
        """Give it back."""
        self._acts[part][1]()

    def rows(self, park: str, gateway: str) -> list[tuple[int, ...]]:
        """Every row of a gateway that the store holds."""
        with Store(self.path, create=False) as store:
            return [row.values for row in store.rows(park, gateway, 0, _FOREVER_UTC)]

    def _open(self) -> Store:
        return Store(self.path, patience_s=_LOCKED_S)

    def _log(self, event: str, **values: Any) -> None:
        if event == "ready":
            self._ready.set()
        elif event == "trouble":
            self.troubles.append(f"{values['place']}: {values['reason']}")

    def _cut_network(self) -> None:
        assert self._relay is not None
        self._relay.cut()

    def _mend_network(self) -> None:
        assert self._relay is not None
        self._relay.mend()

    def _stop_broker(self) -> None:
        self._broker.__exit__(None, None, None)

    def _start_broker(self) -> None:
        self._broker = EmbeddedBroker(self._broker.port)
        self._broker.__enter__()

    def _lock_store(self) -> None:
        self._lock = sqlite3.connect(self.path, isolation_level=None, timeout=_PATIENCE_S)
        self._lock.execute("BEGIN IMMEDIATE")

    def _free_store(self) -> None:
        if self._lock is not None:
            self._lock.close()  # and with it the transaction
            self._lock = None
