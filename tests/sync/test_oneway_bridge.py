"""The cloud's end of a one-way line: what is believed, what is stored, what is known to be missing.
"""

import socket
import sqlite3
import time
from array import array

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge import listener as listeners
from cloud_bridge.batches import decode_message
from cloud_bridge.listener import Listener
from cloud_bridge.oneway import Joiner, Keys, unseal
from cloud_bridge.store import Store
from edge.sync import RESUME
from edge.wire.batch import BatchEncoder
from hil.lossy import Lossy
from tests.sync.oneway import HEAD, HOUR, MINUTE, Gateway, datagram, keys_in, listening, until
from tests.sync.test_mqtt_store import TOPIC, message, numbers


def stored(path):
    """{(gateway, epoch, seq): body} of the store, and the numbers its gaps name, by epoch."""
    db = sqlite3.connect(path)
    found = {key: body for *key, body in db.execute(
        "SELECT gateway, epoch, seq, body FROM messages") for key in [tuple(key)]}
    gaps = {}
    for epoch, first, last in db.execute("SELECT epoch, first, last FROM gaps"):
        gaps.setdefault(epoch, []).extend(range(first, last + 1))
    db.close()
    return found, gaps


def carry(gateway, channel, listener):
    """What has been sent since, through the network, to the listener; what came out."""
    out = [one for _, data in gateway.sent for one in channel.take(data)]
    gateway.sent.clear()
    for data in out:
        listener.take(data, "test")
    return out


@settings(max_examples=8)
@given(seed=st.integers(0, 1 << 32), drop_pm=st.sampled_from([0, 50, 300]),
       burst_pm=st.sampled_from([0, 10]), sizes=st.sampled_from([200, 1500, 3900]),
       restarts=st.booleans())
def test_what_came_once_is_there_once_and_the_rest_is_known(
        tmp_path_factory, seed, drop_pm, burst_pm, sizes, restarts):
    """Drops, doubles, reorders and bursts: exactly what came at least once is stored, and exactly
    what will never come is named."""
    folder = tmp_path_factory.mktemp("lossy")
    channel = Lossy(seed, drop_pm, 100, 100, burst_pm)
    gateway, arrived = Gateway(), []
    with listening(folder) as listener:
        for turn in range(8):
            gateway.append(12, sizes)
            gateway.pass_time(10 * MINUTE)
            arrived += carry(gateway, channel, listener)
            if restarts and turn == 4:
                gateway.boot()
        gateway.drain()
        arrived += carry(gateway, channel, listener)
        rest = channel.rest()
        for data in rest:
            listener.take(data, "test")
        arrived += rest
    keys, joiner, whole, done = Keys(folder / "keys"), Joiner(), {}, 0
    for data in arrived:
        message = joiner.join(unseal(data, keys))
        if message is not None and message.kind == RESUME:
            done = max(done, message.seq - 1)
        elif message is not None:
            whole["gw07", message.epoch, message.seq] = message.body
    found, gaps = stored(folder / "park.db")
    assert found == whole
    assert {(epoch, seq): body for (_, epoch, seq), body in found.items()}.items() \
        <= gateway.bodies.items()
    here = {seq for _, _, seq in found}
    assert set(gaps.get(gateway.outbox.epoch, [])) - here == set(range(1, done + 1)) - here
    assert listener.counts["dropped"] == listener.counts["refused"] == 0


def test_gaps_name_exactly_what_never_came(tmp_path):
    gateway = Gateway()
    gateway.append(50)
    gateway.drain()
    lost = {3, 4, 17, 50}
    with listening(tmp_path) as listener:
        for _, data in gateway.sent:
            message = decode_message(unseal(data, Keys(tmp_path / "keys")).message)
            if message.kind == RESUME or message.seq not in lost:
                listener.take(data, "test")
    found, gaps = stored(tmp_path / "park.db")
    assert {seq for _, _, seq in found} == set(range(1, 51)) - lost
    assert gaps == {gateway.outbox.epoch: [3, 4, 17, 50]}
    assert numbers(tmp_path / "park.db", "gaps", "reason") == ["unseen"] * 3
    assert numbers(tmp_path / "park.db", "cursors") == [50]


def test_the_missing_end_is_known_while_repeats_are_to_come(tmp_path, monkeypatch):
    monkeypatch.setattr(listeners, "_STATUS_S", 0.0)
    gateway = Gateway()
    gateway.append(10)
    gateway.pass_time(90_000)
    keys = Keys(keys_in(tmp_path))
    with listening(tmp_path) as listener:
        for _, data in gateway.sent:
            message = decode_message(unseal(data, keys).message)
            if message.kind == RESUME or message.seq < 8:
                listener.take(data, "test")
    status = [values for event, values in listener.said if event == "status"][-1]
    assert status["behind"] == {"demo/gw07": 3}
    assert stored(tmp_path / "park.db")[1] == {}  # not given up: repeats may bring them


def test_all_of_it_again_changes_nothing(tmp_path):
    gateway = Gateway()
    gateway.append(20)
    gateway.drain()
    with listening(tmp_path) as listener:
        for _, data in gateway.sent:
            listener.take(data, "test")
    before = stored(tmp_path / "park.db")
    with listening(tmp_path) as listener:
        for _, data in reversed(gateway.sent):
            listener.take(data, "elsewhere")
    assert stored(tmp_path / "park.db") == before
    assert listener.counts["doubled"] == 60
    assert listener.counts["stored"] == 0


def test_a_new_store_begins_where_the_gateway_is(tmp_path):
    gateway = Gateway()
    gateway.append(20)
    gateway.drain()
    gateway.sent.clear()
    gateway.boot()
    gateway.append(5)
    gateway.drain()
    with listening(tmp_path) as listener:
        for _, data in gateway.sent:
            listener.take(data, "test")
    found, gaps = stored(tmp_path / "park.db")
    first = min(seq for _, _, seq in found)
    assert gaps == {gateway.outbox.epoch: list(range(1, first))}
    assert max(seq for _, _, seq in found) == 25


def test_clocks_that_are_wrong_by_a_year_change_nothing(tmp_path, monkeypatch):
    """A gateway whose rows are of next year, a listener that believes in last year."""
    encoder = BatchEncoder(3, 100)
    encoder.add(array("i", [9800 + 366, 60, 1000]))
    body = bytes(encoder.buffer[:encoder.finish()])
    now = time.time() - 365 * 86400
    monkeypatch.setattr(time, "time", lambda: now)
    with listening(tmp_path) as listener:
        for _ in range(3):
            listener.take(datagram(1, body=body), "test")
        listener.take(datagram(2, 99, msgpack.packb([1, 1, 0])), "test")
    assert (listener.counts["stored"], listener.counts["doubled"]) == (1, 2)
    with Store(tmp_path / "park.db") as store:
        rows = list(store.rows("demo", "gw07", 0, 1 << 40))
    assert [row.values for row in rows] == [(9800 + 366, 60, 1000)]
    assert stored(tmp_path / "park.db")[1] == {}


def test_what_is_refused_is_counted_and_some_of_it_kept(tmp_path):
    with listening(tmp_path) as listener:
        for number in range(3_000):
            listener.take(b"\xe1\x01 noise %d" % number, "203.0.113.9:7")
        listener.take(datagram(1, key=bytes(32)), "203.0.113.9:7")
        listener.take(datagram(0), "192.168.10.9:7")
        listener.take(datagram(1), "192.168.10.9:7")
    assert listener.counts["refused"] == 3_002
    assert listener.refused == {"not a datagram of a gateway": 3_000, "wrong tag": 1,
                                "bad message": 1}
    assert listener.counts["stored"] == 1
    db = sqlite3.connect(tmp_path / "park.db")
    kept = db.execute("SELECT topic, reason FROM quarantine").fetchall()
    db.close()
    assert kept == [("udp 203.0.113.9:7", "not a datagram of a gateway")] * 100


def test_a_store_that_takes_nothing_for_a_while(tmp_path):
    """All that came waits; more than there is room for is counted, and one gateway cannot take the
    room of the others."""
    keys_in(tmp_path, "gw07", "gw08")
    Store(tmp_path / "park.db").close()
    locker = sqlite3.connect(tmp_path / "park.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    with listening(tmp_path, patience_s=0.05) as listener:
        for seq in range(1, 6_001):
            listener.take(datagram(seq), "test")
        for seq in range(1, 101):
            listener.take(datagram(seq, head=HEAD.replace(b"gw07", b"gw08")), "test")
        until(lambda: listener.counts["failures"] >= 1)
        dropped = listener.counts["dropped"]
        assert 6_000 - 4_096 - 1_000 <= dropped <= 6_000 - 4_096
        locker.execute("ROLLBACK")
        locker.close()
        until(lambda: listener.counts["stored"] == 6_100 - dropped)
    found, _ = stored(tmp_path / "park.db")
    assert len([seq for name, _, seq in found if name == "gw08"]) == 100
    assert next(values for event, values in listener.said if event == "trouble")["place"] == "store"


def test_a_gateway_that_falls_silent_is_told_once(tmp_path, monkeypatch):
    monkeypatch.setattr(listeners, "_STATUS_S", 0.0)
    with listening(tmp_path) as listener:
        listener.take(datagram(1), "test")
        until(lambda: listener.counts["commits"] == 1)
        listener._gateways["demo", "gw07"].heard_s -= 301
        until(lambda: "silent" in dict(listener.said))
        listener.take(datagram(2), "test")
        until(lambda: "heard" in dict(listener.said))
    events = [event for event, _ in listener.said]
    assert (events.count("silent"), events.count("heard")) == (1, 1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reading_thread_that_dies_is_no_graceful_end(tmp_path, monkeypatch):
    listener = Listener(("127.0.0.1", 0), lambda: Store(tmp_path / "park.db"),
                        Keys(keys_in(tmp_path)), lambda *_, **__: None)
    monkeypatch.setattr(listener, "take", None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", listener.port))
        with pytest.raises(RuntimeError, match="the thread that takes datagrams has ended"):
            listener.run()


def test_resume_names_holes_and_nothing_that_has_come(tmp_path):
    """Through a broker as well: it made one gap from the first hole on."""
    with Store(tmp_path / "park.db") as store:
        store.commit([(TOPIC, message(seq)) for seq in (3, 6)], 1_000)
        store.commit([(TOPIC, message(8, RESUME, b""))], 1_000)
    assert stored(tmp_path / "park.db")[1] == {9: [1, 2, 4, 5, 7]}
    assert numbers(tmp_path / "park.db", "gaps", "reason") == ["elsewhere"] * 3


def test_an_hour_without_a_receiver_is_made_good_by_the_repeats(tmp_path):
    gateway = Gateway()
    gateway.append(30)
    gateway.pass_time(HOUR)
    gateway.sent.clear()  # nobody was there
    gateway.append(5)
    gateway.drain()
    with listening(tmp_path) as listener:
        carry(gateway, Lossy(1), listener)
    found, gaps = stored(tmp_path / "park.db")
    assert {seq for _, _, seq in found} == set(range(1, 36))
    assert gaps == {}
