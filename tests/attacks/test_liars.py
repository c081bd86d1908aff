"""A gateway whose account is in wrong hands: it writes under other names, says again what was said,
floods, and sends from the future, through a broker that goes by the accounts of `keys gateway`.
All of it is contained to itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgpack
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_bridge.fair import Fair
from cloud_bridge.queries import answers
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.gaps import gaps
from cloud_bridge.queries.messages import NotFoundError
from cloud_bridge.queries.spans import span
from cloud_bridge.store import DAY_0_UTC, Store
from edge.journal import FIELDS
from edge.outbox import GAP
from edge.sync import RESUME
from tests.attacks.test_end_to_end import World, served
from tests.queries.stores import batch, birth
from tests.shown.served import wait

U32 = (1 << 32) - 1
FLOOD = 900  # mosquitto itself forgets what is above 1,000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """With the client's name taken from its account, as docs/bridge.md asks for."""
    with served(tmp_path, "use_username_as_clientid true", fair=Fair(50, 100)) as made:
        wait(lambda: "ready" in made.said, "the bridge is not ready")
        yield made
        assert "trouble" not in made.said, "the bridge has lost broker or store"


class Account:
    """A client with the account of gateway p/`one`; `acks` are what it heard."""

    def __init__(self, world: World, one: str, client_id: str = "") -> None:
        self.one, self.acks, self.lost = one, [], []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id)
        self.client.username_pw_set(f"p.{one}", world.password[f"p.{one}"])
        acks, lost = self.acks, self.lost
        self.client.on_message = lambda _, __, got: acks.append((got.topic, got.payload))
        self.client.on_disconnect = lambda *_: lost.append(1)
        self.client.max_inflight_messages_set(0)
        self.client.connect(world.broker.host, world.broker.port)
        for topic in ("parkedge/p/g/#", "parkedge/p/h/#", "parkedge/+/+/cmd", "#"):
            self.client.subscribe(topic, 1)
        self.client.loop_start()

    def __enter__(self) -> Account:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.on_disconnect = None
        self.client.disconnect()
        self.client.loop_stop()

    def say(self, topic: str, *payloads: bytes) -> None:
        sent = [self.client.publish(topic, payload, 1) for payload in payloads]
        sent[-1].wait_for_publish(20)

    def send(self, seq: int, kind: int = 1, body: bytes | None = None, epoch: int = 9) -> None:
        self.say(f"parkedge/p/{self.one}/b", message(seq, kind, body, epoch))

    def acknowledged(self, seq: int, epoch: int = 9) -> None:
        """Send it until it is, as a gateway does."""
        def told() -> bool:
            return any(msgpack.unpackb(payload)[1:3] == [epoch, seq] for topic, payload in
                       list(self.acks) if topic == f"parkedge/p/{self.one}/ack")

        end_s = time.monotonic() + 30
        while not told():
            assert time.monotonic() < end_s, self.acks[-3:]
            self.send(seq, 7, epoch=epoch)
            time.sleep(0.05)


def message(seq: int, kind: int = 1, body: bytes | None = None, epoch: int = 9) -> bytes:
    body = b"body %d" % seq if body is None else body
    packed: bytes = msgpack.packb([1, kind, epoch, seq, body])
    return packed


def stored(world: World) -> dict[tuple[str, int], int]:
    """How many messages there are of each gateway and epoch."""
    with Store(world.folder / "park.db", create=False) as store:
        return {(f"{park}/{gateway}", epoch): n for park, gateway, epoch, n in store._db.execute(
            "SELECT park, gateway, epoch, count(*) FROM messages GROUP BY 1, 2, 3")}


def test_it_speaks_for_itself_alone_and_hears_nothing_else(world):
    with Account(world, "g") as honest, Account(world, "h") as liar:
        for topic in ("parkedge/p/g/b", "parkedge/p/g/ack", "parkedge/p/g/cmd", "parkedge/q/h/b",
                      "parkedge/p/h/ack", "parkedge/p/h/cmd", "parkedge/p/+/b", "x"):
            if "+" not in topic:  # for which a broker ends the connection
                liar.say(topic, message(1))
        honest.acknowledged(1)
        liar.acknowledged(1)
    assert stored(world) == {("p/g", 9): 1, ("p/h", 9): 1}
    for account, one in ((honest, "g"), (liar, "h")):
        assert {topic for topic, _ in account.acks} == {f"parkedge/p/{one}/ack"}


def test_under_the_name_of_another_client_it_takes_nobody_s_place(world):
    with Account(world, "g", "parkedge-p-g") as honest:
        honest.acknowledged(1)
        for name in ("parkedge-p-g", "p.g", "parkedge-bridge"):
            with Account(world, "h", name) as liar:
                liar.acknowledged(1)
        honest.acknowledged(2)
        assert honest.lost == []
    assert world.said.count("ready") == 1


def test_what_another_one_has_said_is_its_own_when_it_says_it(world):
    with Account(world, "g") as honest, Account(world, "h") as liar:
        honest.send(1)
        honest.acknowledged(2)
        for seq in (1, 1, 2, 1):
            liar.send(seq)
        liar.send(2, body=b"another")
        liar.acknowledged(3)
        honest.acknowledged(3)
    assert stored(world) == {("p/g", 9): 3, ("p/h", 9): 3}
    counts = world.bridge.counts
    assert counts["quarantined"] == 1, "another message under a number that is taken"


def test_a_flood_takes_nothing_from_another_one(world):
    with Account(world, "g") as honest, Account(world, "h") as liar:
        sent = [liar.client.publish("parkedge/p/h/b", message(seq), 1)
                for seq in range(1, FLOOD + 1)]
        for seq in range(1, 6):
            honest.acknowledged(seq)
        sent[-1].wait_for_publish(30)
        honest.acknowledged(6)
        wait(lambda: world.bridge.counts["limited"], "nothing was held back")
    assert stored(world)["p/g", 9] == 6
    assert stored(world)["p/h", 9] < FLOOD


DAYS = (-(1 << 31), -1, 9_657, 40_000, (1 << 31) - 1)


def test_from_the_future_and_from_no_time_at_all(world):
    """Numbers at their ends, and rows of times that there are not: its own history is what it has
    made of it; the questions to the store are answered, of the other one as before."""
    rows = [dict.fromkeys(FIELDS, 0) | {"day": day, "second": second, "flags": -1}
            for day in DAYS for second in (0, (1 << 31) - 1)]
    bodies = [batch([list(row.values())]) for row in rows]
    day = [dict.fromkeys(FIELDS, 1) | {"day": 9_657, "second": 40_000 + 15 * n, "flags": -1}
           for n in range(4)]
    with Account(world, "g") as honest, Account(world, "h") as liar:
        for account in (honest, liar):
            account.send(1, 2, birth(fields=FIELDS))
        honest.send(2, 1, batch([list(row.values()) for row in day]))
        for seq, body in enumerate(bodies, 2):
            liar.send(seq, 1, body)
        liar.send(U32, 1, bodies[0])
        liar.send(U32, epoch=U32)
        liar.send(U32, GAP, msgpack.packb([1, U32 - 5, 6]), epoch=77)
        liar.send(U32, RESUME, b"", epoch=78)
        honest.acknowledged(3)
        liar.acknowledged(len(bodies) + 2)
    with Archive.open(world.folder / "park.db") as archive:
        now = DAY_0_UTC + 9_657 * 86_400 + 50_000
        for one in "gh":
            archive.refresh("p", one, time.monotonic() + 30)
            for resolution in ("raw", "15min", "1d"):
                asked = span("2026-06-10", "2026-06-11", resolution, "UTC", now)
                assert answers.page(archive, "p", one, asked, 100).found
            gaps(archive, "p", one, asked, now)
            assert answers.lag(archive, "p", one, now, 60)["state"] in ("ok", "late", "silent")
        with pytest.raises(NotFoundError):  # its newest row has no time
            answers.last(archive, "p", "h", now)
        assert answers.last(archive, "p", "g", now)["time"] == "2026-06-10T11:07:25Z"
    assert world.bridge.counts["stored"] == sum(stored(world).values())
