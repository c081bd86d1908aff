"""From datagrams into the store, for sites that no answer can reach.

Two threads. One takes datagrams from the socket, and throws away at once what no known gateway has
sealed; what is left waits in a queue of fixed length, of which no gateway may take more than a
quarter. The other commits in groups. So while the store takes nothing, or a flood comes in, memory
stays bounded, what finds no room is counted, and the gateway's next repeat brings it again.
"""

import socket
import sqlite3
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import NamedTuple

from cloud_bridge.batches import BadMessage, Told, decode_told
from cloud_bridge.databases import Database
from cloud_bridge.intake import TroubleError
from cloud_bridge.logs import Log
from cloud_bridge.oneway import DATAGRAM_MAX, Joiner, Keys, Refused, unseal
from edge.sync import RESUME

_WAITING = 16_384  # messages that wait for the store
_SHARE = _WAITING // 4  # of one gateway
_MOST = 1_000  # messages in one commit
_LINGER_S = 0.05  # to wait for more of them
_POLL_S = 0.25
_DRAIN_S = 1.0  # for what is in the socket at the end
_SOCKET_BYTES = 4 << 20  # asked of the kernel, which grants what it likes
_ASIDE = 100  # refused datagrams kept for inspection in a status period; all are counted
_EPOCHS = 8  # of one gateway, whose ends are remembered
_STATUS_S = 10.0
_SILENT_S = 300.0  # of a gateway that tells every minute how far it is
_PAUSE_S, _PAUSE_MAX_S = 0.5, 30.0  # before a store is tried again



class _Gateway:
    """What is known of one gateway: how far it told to be, by epoch, and how far it is here."""

    def __init__(self) -> None:
        self.joiner = Joiner()
        self.heard_s = time.monotonic()
        self.is_silent = False
        self.waiting = 0  # messages in the queue
        self.told: OrderedDict[int, Told] = OrderedDict()
        self.here: dict[int, int] = {}  # nothing is missing up to this number

    def hear(self, epoch: int, told: Told) -> None:
        """Take its word; an older one that comes late changes nothing."""
        known = self.told.pop(epoch, told)
        self.told[epoch] = Told(max(known.top, told.top), max(known.lost, told.lost))
        if len(self.told) > _EPOCHS:
            old, _ = self.told.popitem(last=False)
            self.here.pop(old, None)

    def behind(self) -> int:
        """Messages that were sent and, with those behind them, wait for a repeat; at most."""
        return sum(max(told.top - self.here.get(epoch, 0), 0) for epoch, told in self.told.items())


class _Arrival(NamedTuple):
    gateway: _Gateway
    topic: str
    payload: bytes


class Listener:
    """Takes datagrams at one address into one store until it is told to stop."""

    def __init__(self, address: tuple[str, int], open_store: Callable[[], Database], keys: Keys,
                 log: Log) -> None:
        """Bind the address. OSError when that cannot be; ValueError for a key that is none."""
        self.counts = Counter(datagrams=0, parts=0, dropped=0, refused=0)
        self.refused: Counter[str] = Counter()  # by reason
        self._open_store = open_store
        self._keys = keys
        self._log = log
        self._stopping = threading.Event()
        self._change = threading.Condition()  # and the lock of all that both threads touch
        self._gateways = {name: _Gateway() for name in keys.gateways()}
        self._queue: deque[_Arrival] = deque()
        self._aside: list[tuple[str, bytes, str]] = []
        self._group: list[_Arrival] = []  # taken from the queue, not committed yet
        self._status_due_s = time.monotonic() + _STATUS_S
        family, kind, protocol, _, found = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, kind, protocol)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)
            self._socket.bind(found)
        except OSError:
            self._socket.close()
            raise
        self._socket.settimeout(_POLL_S)
        self.port: int = self._socket.getsockname()[1]

    def stop(self) -> None:
        """Ask `run` to commit what has come, and to return."""
        self._stopping.set()

    def run(self) -> None:
        """Listen until `stop`, through every failure of the store. StoreError passes."""
        reader = threading.Thread(target=self._read, name="datagrams", daemon=True)
        reader.start()
        try:
            self._work(reader)
            if not self._stopping.is_set():
                raise RuntimeError("the thread that takes datagrams has ended")
        finally:
            self._stopping.set()
            reader.join()
            self._socket.close()

    def _work(self, reader: threading.Thread) -> None:
        pause_s = _PAUSE_S
        while True:
            commits = self.counts["commits"]
            try:
                with self._open_store() as store:
                    self._log("ready", udp=self.port, gateways=len(self._gateways))
                    self._serve(store, reader)
                    return
            except (sqlite3.OperationalError, TroubleError) as error:
                pause_s = _PAUSE_S if self.counts["commits"] > commits else pause_s
                self._log("trouble", place="store", reason=str(error), retry_s=pause_s)
                self.counts["failures"] += 1
            if self._stopping.wait(pause_s):
                self.counts["left"] = len(self._group) + len(self._queue)
                return
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)

    def take(self, data: bytes, source: str) -> None:
        """Take one datagram that has come from `source`."""
        self.counts["datagrams"] += 1
        try:
            datagram = unseal(data, self._keys)
            name = (datagram.park, datagram.gateway)
            with self._change:
                gateway = self._gateways.setdefault(name, _Gateway())
            gateway.heard_s = time.monotonic()
            message = gateway.joiner.join(datagram)
            if message is None:
                self.counts["parts"] += 1
                return
            told = decode_told(message.body) if message.kind == RESUME else None
        except (Refused, BadMessage) as error:
            self._refuse(data, source, error)
            return
        with self._change:
            if told is not None:
                gateway.hear(message.epoch, told)
            if len(self._queue) >= _WAITING or gateway.waiting >= _SHARE:
                self.counts["dropped"] += 1
                return
            gateway.waiting += 1
            topic = f"parkedge/{datagram.park}/{datagram.gateway}/b"
            self._queue.append(_Arrival(gateway, topic, message.encode()))
            self._change.notify()

    def _refuse(self, data: bytes, source: str, error: ValueError) -> None:
        self.counts["refused"] += 1
        with self._change:
            self.refused[str(error) if isinstance(error, Refused) else "bad message"] += 1
            if len(self._aside) < _ASIDE:
                self._aside.append((f"udp {source}", data, str(error)))

    def _read(self) -> None:
        """The thread that takes datagrams; at the end, those that have come by then."""
        end_s = float("inf")
        while time.monotonic() < end_s:
            if self._stopping.is_set() and end_s == float("inf"):
                end_s = time.monotonic() + _DRAIN_S
                self._socket.settimeout(0.01)
            try:
                data, source = self._socket.recvfrom(DATAGRAM_MAX + 1)
            except TimeoutError:
                if end_s < float("inf"):
                    return
                continue
            except OSError as error:  # of the network; the next call may well succeed
                self._log("trouble", place="network", reason=str(error), retry_s=_POLL_S)
                self._stopping.wait(_POLL_S)
                continue
            self.take(data, f"{source[0]}:{source[1]}")

    def _serve(self, store: Database, reader: threading.Thread) -> None:
        is_last = False
        while not is_last or self._queue:
            is_last = not reader.is_alive()
            self._gather()
            self._settle(store)
            self._tell_status(store, is_last)

    def _gather(self) -> None:
        """Take what waits; wait a moment for more, so that one commit serves many."""
        with self._change:
            if self._change.wait_for(lambda: self._queue, _POLL_S) and len(self._queue) < _MOST:
                self._change.wait_for(lambda: len(self._queue) >= _MOST, _LINGER_S)
            while self._queue and len(self._group) < _MOST:
                arrival = self._queue.popleft()
                arrival.gateway.waiting -= 1
                self._group.append(arrival)

    def _settle(self, store: Database) -> None:
        """Commit what was taken; until that is done it stays, for another store to take."""
        if not self._group:
            return
        receipt = store.commit([arrival[1:] for arrival in self._group], int(time.time()))
        self._group.clear()
        with self._change:
            for stream, seq in receipt.acks.items():
                gateway = self._gateways[stream.park, stream.gateway]
                if stream.epoch in gateway.told:
                    gateway.here[stream.epoch] = seq
        self.counts.update(receipt.tally)
        self.counts["commits"] += 1

    def _tell_status(self, store: Database, now: bool) -> None:
        now_s = time.monotonic()
        if now_s < self._status_due_s and not now:
            return
        self._status_due_s = now_s + _STATUS_S
        with self._change:
            aside = list(self._aside)
            refused = dict(self.refused)
            behind = {"/".join(name): gateway.behind() for name, gateway in self._gateways.items()
                      if gateway.behind()}
            lost = sum(told.lost for gateway in self._gateways.values()
                       for told in gateway.told.values())
        if aside:
            store.put_aside(aside, int(time.time()))
            with self._change:
                self._aside.clear()
        for name, gateway in list(self._gateways.items()):
            is_silent = now_s - gateway.heard_s > _SILENT_S
            if is_silent != gateway.is_silent:
                gateway.is_silent = is_silent
                self._log("silent" if is_silent else "heard", gateway="/".join(name))
        self._log("status", **self.counts, reasons=refused, behind=behind, overwritten=lost)
