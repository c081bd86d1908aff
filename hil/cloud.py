"""The whole way up on this machine: a network that can be cut, a broker, a bridge, a store."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cloud_bridge.broker import EmbeddedBroker
from cloud_bridge.mqtt import Broker, MqttInbox
from cloud_bridge.serve import Bridge
from cloud_bridge.store import Store
from hil import mosquitto
from hil.patience import RigError
from hil.relay import Relay

_LOCKED_S = 0.2  # how long the bridge waits for a store that takes nothing
_FOREVER_UTC = 1 << 40
_PATIENCE_S = 30.0


class Cloud:
    """A context manager. The broker is mosquitto where there is one, and otherwise, or `embedded`,
    one in this process; neither remembers anything when it comes back."""

    def __init__(self, folder: Path, embedded: bool = False) -> None:
        self.path = folder / "park.db"
        self.troubles: list[str] = []  # what the bridge met with
        self._ready = threading.Event()
        self._new_broker: Callable[[int], EmbeddedBroker | mosquitto.Mosquitto] = EmbeddedBroker
        if not embedded and mosquitto.find():
            self._new_broker = partial(mosquitto.Mosquitto, folder / "mosquitto")
        self._broker = self._new_broker(0)
        self._lock: sqlite3.Connection | None = None

    @property
    def broker(self) -> str:
        """Which broker it is."""
        return self._broker.name

    @property
    def keys(self) -> dict[str, Any]:
        """The [broker] of the gateway's site file."""
        return {"host": self._relay.host, "port": self._relay.port, "user": self._broker.user}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._broker.__enter__()
            stack.callback(self._stop_broker)  # the one that runs then
            self._relay = stack.enter_context(Relay(self._broker.port))
            Store(self.path).close()
            broker = Broker.parse(self._broker.url)
            bridge = Bridge(lambda: MqttInbox(broker), self._open, self._log)
            thread = threading.Thread(target=bridge.run, name="bridge", daemon=True)
            thread.start()
            stack.callback(thread.join, _PATIENCE_S)
            stack.callback(bridge.stop)
            stack.callback(self._free_store)
            if not self._ready.wait(_PATIENCE_S):
                raise RigError(f"the bridge did not start: {' '.join(self.troubles) or 'no word'}")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stack.close()

    def begin(self, part: str) -> None:
        """Strike one part: network, broker or store."""
        {"network": self._relay.cut, "broker": self._stop_broker, "store": self._lock_store}[part]()

    def end(self, part: str) -> None:
        """Give it back."""
        {"network": self._relay.mend, "broker": self._start_broker,
         "store": self._free_store}[part]()

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

    def _stop_broker(self) -> None:
        self._broker.__exit__(None, None, None)

    def _start_broker(self) -> None:
        self._broker = self._new_broker(self._broker.port)
        self._broker.__enter__()

    def _lock_store(self) -> None:
        self._lock = sqlite3.connect(self.path, isolation_level=None, timeout=_PATIENCE_S)
        self._lock.execute("BEGIN IMMEDIATE")

    def _free_store(self) -> None:
        if self._lock is not None:
            self._lock.close()  # and with it the transaction
            self._lock = None
