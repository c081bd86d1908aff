"""How many messages a second a cloud takes, what one costs, and what a million gateways would ask.

Messages of full batches go out as fast as the broker answers, on a few connections, and the clock
runs until the store has all. What is measured shares this machine's processors with what
measures it; the costs are processor time of each part, and so do not depend on how many there are.
"""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgpack
import psycopg

from cloud_bridge.batches import TELEMETRY
from edge.ticks import ticks_ms
from edge.wire import mqtt
from hil.fleet_cloud import Cloud, processor_s
from hil.fleet_gateway import PARK, Gateway, name

WORKERS = (1, 2, 4)
_MESSAGES = {"mosquitto": 20_000, "nats": 4_000}
_GATEWAYS = 200
_PUBLISHERS = 16
_AT_ONCE = {"mosquitto": 256, "nats": 4}  # of each; a gateway sends one at a time
_CONNECTIONS = 200  # that only live
_PINGS = 50
_EPOCH = 7
_READY_S = 120.0
_STORED_S = 300.0
_TURN_S = 0.05
_TRIES = 5
_DAY_S = 86_400
_TARGET = 1_000_000
_SAMPLE_S, _BATCH_ROWS = 15, 60  # as configured by itself, at the slowest of its paces
_HOUR_S = 3_600  # a message of energies each
_PING_S = 45  # between signs of life of a quiet gateway
_PARTS = ("broker", "bridges", "database")


class Cost(NamedTuple):
    """Of one message, with so many bridges."""

    workers: int
    messages_per_s: float
    us: dict[str, float]  # processor time, by part
    wire_bytes: float  # of its MQTT packet, without TCP, TLS and answers
    stored_bytes: float  # in the database


class Scale(NamedTuple):
    """What was measured, and what follows."""

    broker: str
    costs: list[Cost]
    ping_us: float  # of the broker
    connection_bytes: float  # of its memory

    def paper(self) -> dict[str, float]:
        """For a million gateways, from the costs with the most bridges."""
        cost = self.costs[-1]
        messages_per_s = _TARGET / (_SAMPLE_S * _BATCH_ROWS) + _TARGET / _HOUR_S  # all as if full
        cores = {f"{part}_cores": messages_per_s * cost.us[part] / 1e6 for part in _PARTS}
        return {"gateways": _TARGET, "messages_per_s": messages_per_s, **cores,
                "ping_cores": _TARGET / _PING_S * self.ping_us / 1e6, "connections": _TARGET,
                "broker_gb": _TARGET * self.connection_bytes / 1e9,
                "wire_gb_per_day": messages_per_s * _DAY_S * cost.wire_bytes / 1e9,
                "database_gb_per_day": messages_per_s * _DAY_S * cost.stored_bytes / 1e9}

    def for_machine(self) -> dict[str, object]:
        """For --json."""
        return {"broker": self.broker, "processors": os.cpu_count(),
                "costs": [one._asdict() for one in self.costs], "ping_us": self.ping_us,
                "connection_bytes": self.connection_bytes, "paper": self.paper()}

    def text(self) -> str:
        """For people."""
        rows = [f"{'bridges':>8}{'messages/s':>12}" + "".join(f"{part + ' us':>13}"
                                                                for part in _PARTS)]
        rows += [f"{one.workers:>8}{one.messages_per_s:>12,.0f}"
                 + "".join(f"{one.us[part]:>13.0f}" for part in _PARTS) for one in self.costs]
        cost, paper = self.costs[-1], self.paper()
        return "\n".join([
            f"{self.broker} and PostgreSQL on {os.cpu_count()} processors, packets of "
            f"{cost.wire_bytes:.0f} B that take {cost.stored_bytes:.0f} B of the database;",
            f"a connection takes {self.connection_bytes / 1000:.1f} KB of the broker, a sign of"
            f" life {self.ping_us:.0f} us", *rows,
            f"{_TARGET:,} gateways with a row every {_SAMPLE_S} s, on paper:",
            *(f"{key.replace('_', ' '):>24}{value:>14,.2f}" for key, value in paper.items())])


def measure(broker: str) -> Scale:
    """With 1, 2 and 4 bridges into PostgreSQL. OSError when something does not start."""
    packets = _packets(_MESSAGES[broker])
    costs = []
    ping_us = connection_bytes = 0.0
    for workers in WORKERS:
        with _cloud(broker, workers) as cloud:
            if workers == WORKERS[-1]:  # before the load, which leaves the broker with free memory
                ping_us, connection_bytes = _idle(cloud)
            costs.append(_cost(cloud, workers, packets))
    return Scale(broker, costs, ping_us, connection_bytes)


@contextmanager
def _cloud(broker: str, workers: int) -> Iterator[Cloud]:
    with tempfile.TemporaryDirectory(prefix="parkedge-scale-") as folder, \
            Cloud(Path(folder), broker, "postgres", workers, is_unbounded=True) as cloud:
        deadline_s = time.monotonic() + _READY_S
        while not cloud.is_ready():
            if time.monotonic() > deadline_s:
                raise OSError("the bridges are not ready")
            time.sleep(_TURN_S)
        yield cloud


def _cost(cloud: Cloud, workers: int, packets: Sequence[bytes]) -> Cost:
    with psycopg.connect(cloud.url, autocommit=True) as db, ExitStack() as stack, \
            ThreadPoolExecutor(_PUBLISHERS) as pool:
        pipes = [stack.enter_context(_connect(cloud.places[at % len(cloud.places)],
                                              f"publisher{at}"))
                 for at in range(_PUBLISHERS)]
        size = _size(db)
        before_s = {part: processor_s(cloud.pids[part]()) for part in _PARTS}
        began_s = time.perf_counter()
        sent = [pool.submit(_publish, pipe, packets[at::_PUBLISHERS], _AT_ONCE[cloud.broker])
                for at, pipe in enumerate(pipes)]
        deadline_s = time.monotonic() + _STORED_S
        while _stored(db) < len(packets):
            if time.monotonic() > deadline_s:
                raise OSError(f"{_stored(db)} of {len(packets)} messages are stored")
            for one in sent:
                if one.done():
                    one.result()
            time.sleep(_TURN_S)
        took_s = time.perf_counter() - began_s
        us = {part: (processor_s(cloud.pids[part]()) - before_s[part]) / len(packets) * 1e6
              for part in _PARTS}
        grown = (_size(db) - size) / len(packets)
        for one in sent:
            one.result()  # a message may be stored before its publisher knows
    return Cost(workers, len(packets) / took_s, us, sum(map(len, packets)) / len(packets), grown)


def _stored(db: psycopg.Connection) -> int:
    (n,) = db.execute("SELECT coalesce(sum(seq), 0) FROM cursors").fetchone() or (0,)
    return int(n)


def _size(db: psycopg.Connection) -> int:
    """With its indexes; the staging tables and logs are none of it."""
    (n,) = db.execute("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c"
                      " JOIN pg_namespace n ON n.oid = relnamespace"
                      " WHERE nspname = 'public' AND relkind = 'r'").fetchone() or (0,)
    return int(n)


def _packets(n: int) -> list[bytes]:
    """PUBLISH of n messages, each a batch of a gateway's."""
    bodies, made = _bodies(), []
    buf = bytearray(4096)
    for at in range(n):
        payload = msgpack.packb([1, TELEMETRY, _EPOCH, at // _GATEWAYS + 1,
                                 bodies[at % len(bodies)]])
        topic = f"parkedge/{PARK}/{name(at % _GATEWAYS)}/b".encode()
        start = mqtt.begin_publish(buf, topic, at // _PUBLISHERS % 65_535 + 1)
        buf[start:start + len(payload)] = payload
        end = start + len(payload)
        made.append(bytes(buf[mqtt.end_publish(buf, end, False):end]))
    return made


def _bodies() -> list[bytes]:
    """Full batches of a gateway with a row every 15 s."""
    gateway = Gateway(2, "127.0.0.1", 1)
    while gateway.offered < 20 * _BATCH_ROWS:
        gateway.offer(20 * _BATCH_ROWS)
        while gateway.step(ticks_ms()) == 0:
            pass
    return gateway.waiting(TELEMETRY)


def _connect(place: tuple[str, int], client_id: str) -> socket.socket:
    """Tried again: the first client that a young NATS cluster meets makes it place what it needs
    for MQTT, which may take longer than it gives a client to connect."""
    for left in reversed(range(_TRIES)):
        pipe = socket.create_connection(place, _READY_S)
        try:
            pipe.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            buf = bytearray(256)
            hello = mqtt.Hello(client_id.encode(), 600, clean=True)
            pipe.sendall(memoryview(buf)[:hello.put(buf, 0)])
            _read(pipe, 4)
            break
        except OSError:
            pipe.close()
            if not left:
                raise
    return pipe


def _publish(pipe: socket.socket, packets: Sequence[bytes], most: int) -> None:
    """A few at a time, as fast as the broker answers."""
    for at in range(0, len(packets), most):
        some = packets[at:at + most]
        pipe.sendall(b"".join(some))
        _read(pipe, 4 * len(some))


def _read(pipe: socket.socket, n: int) -> None:
    while n > 0:
        got = len(pipe.recv(min(n, 65_536)))
        if not got:
            raise OSError("the broker has hung up")
        n -= got


def _idle(cloud: Cloud) -> tuple[float, float]:
    """What a sign of life and a connection with a subscription cost the broker: us, bytes."""
    before = _memory(cloud.pids["broker"]())
    buf = bytearray(256)
    pipes = []
    for number in range(_CONNECTIONS):
        pipe = _connect(cloud.places[number % len(cloud.places)], f"idle{number}")
        end = mqtt.put_subscribe(buf, 0, 1, [f"parkedge/{PARK}/idle{number}/ack".encode()])
        pipe.sendall(memoryview(buf)[:end])
        _read(pipe, 5)
        pipes.append(pipe)
    grown = _memory(cloud.pids["broker"]()) - before
    before_s = processor_s(cloud.pids["broker"]())
    end = mqtt.put_empty(buf, 0, mqtt.PINGREQ)
    for _ in range(_PINGS):
        for pipe in pipes:
            pipe.sendall(memoryview(buf)[:end])
        for pipe in pipes:
            _read(pipe, 2)
    spent_s = processor_s(cloud.pids["broker"]()) - before_s
    for pipe in pipes:
        pipe.close()
    return spent_s / (_PINGS * _CONNECTIONS) * 1e6, grown / _CONNECTIONS


def _memory(pids: Sequence[int]) -> int:
    """Resident, bytes."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids
               ) * os.sysconf("SC_PAGE_SIZE")
