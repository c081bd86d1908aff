"""The fleet's rig: a short run of all of it, and that it finds what it looks for."""

import json
import shutil
import sqlite3

import msgpack
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.store import Store
from edge.energies import ENERGY
from edge.rings import BATCH
from edge.ticks import ticks_ms
from hil import fleet, fleet_scale
from hil.fleet_accidents import ALONE, KINDS, Accidents, plan
from hil.fleet_check import check
from hil.fleet_cloud import Victim
from hil.fleet_gateway import PARK, Gateway
from hil.fleet_scale import Cost, Scale


def test_everything_is_killed_and_every_record_is_there_once(mosquitto, postgres_server):
    """A slice of `python -m hil fleet`; the fixtures are asked for to skip where one is missing."""
    done = CliRunner().invoke(fleet.command, [
        "--gateways", "20", "--workers", "2", "--minutes", "0.13", "--hurry", "120",
        "--patience", "1", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert {"broker", "database", "worker", "network", "power"} == told["kills"].keys()
    assert told["records"] > 4_000
    assert told["records"] + told["records_unkept"] == told["records_offered"]
    assert told["energies"] > 20
    assert (told["lost"], told["twice"], told["given_up"], told["wrong"]) == (0, 0, 0, [])


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with all that two gateways kept, one of which lost its power; and what they say."""
    path = tmp_path_factory.mktemp("fleet") / "park.db"
    gateways = [Gateway(number, "127.0.0.1", 1) for number in (0, 1)]
    for gateway in gateways:
        work(gateway, 130)
        if gateway.number == 0:
            gateway.power_cut()
        work(gateway, 400)
        gateway.flush()
    with Store(path) as store:
        for gateway in gateways:
            store.commit(((f"parkedge/{PARK}/{gateway.name}/b", message)
                          for message in messages(gateway)), 1_000)
    return path, [gateway.told() for gateway in gateways]


def work(gateway, until):
    while gateway.offered < until:
        gateway.offer(until)
        while gateway.step(ticks_ms()) == 0:
            pass


def messages(gateway):
    into = bytearray(4096)
    for ring in gateway._rings.by_rank:
        for seq in range(1, ring.backlog() + 1):
            n = ring.read(seq, into)
            yield msgpack.packb([1, ring.kind, ring.epoch, seq, bytes(into[:n])])


def test_what_is_whole_is_well(filled, tmp_path):
    path, told = filled
    found = check(str(shutil.copy(path, tmp_path / "copy.db")), told)
    assert found.is_well, found.wrong
    assert found.records + found.unkept == 800
    assert 0 < found.unkept <= 60
    assert [len(one.lives) for one in told] == [2, 1]


COPY_ELSEWHERE = f"""
    INSERT INTO messages SELECT park, gateway, epoch, (SELECT max(seq) + 1 FROM messages),
        kind, received_utc, body FROM messages WHERE gateway = 'gw001' AND kind = {BATCH} LIMIT 1"""


@pytest.mark.parametrize(("harm", "lost", "twice", "word"), [
    (f"DELETE FROM messages WHERE gateway = 'gw000' AND kind = {BATCH} AND seq = 6", 60, 0,
     "messages, not 1 to"),
    (f"DELETE FROM messages WHERE gateway = 'gw001' AND kind = {BATCH} AND seq ="
     " (SELECT max(seq) FROM messages WHERE gateway = 'gw001')", 40, 0, "messages, not 1 to"),
    (f"DELETE FROM messages WHERE kind = {ENERGY}", 0, 0, "messages, not 1 to"),
    (COPY_ELSEWHERE, 0, 60, "messages, not 1 to"),
    (f"UPDATE messages SET body = (SELECT body FROM messages WHERE gateway = 'gw001'"
     f" AND kind = {BATCH} LIMIT 1) WHERE gateway = 'gw000' AND kind = {BATCH}", None, None,
     "is not as it was"),
    (f"UPDATE messages SET body = x'02' WHERE kind = {BATCH} AND gateway = 'gw001' AND seq = 3",
     60, 0, "a batch that is none"),
    ("UPDATE messages SET kind = 3 WHERE kind = 2", 0, 0, "of kind 3 is none of its own"),
    ("UPDATE cursors SET seq = seq - 1 WHERE gateway = 'gw001'", 0, 0, "the store is at"),
    ("INSERT INTO cursors VALUES('fleet', 'gw001', 7, 1, '[]')", 0, 0, "epoch 7: the store is at"),
    ("INSERT INTO quarantine(received_utc, topic, reason, body) VALUES(1, 'x', 'because', x'00')",
     0, 0, "1 messages put aside: because"),
])
def test_what_is_not_well_is_found(filled, tmp_path, harm, lost, twice, word):
    path, told = filled
    copy = shutil.copy(path, tmp_path / "copy.db")
    with sqlite3.connect(copy) as db:
        assert db.execute(harm).rowcount > 0
    db.close()
    found = check(str(copy), told)
    assert not found.is_well
    assert lost is None or (found.lost, found.twice) == (lost, twice)
    assert any(word in line for line in found.wrong), found.wrong


def test_what_a_gateway_complains_of_is_told(filled, tmp_path):
    path, told = filled
    copy = str(shutil.copy(path, tmp_path / "copy.db"))
    assert check(copy, [told[0]._replace(errors=["gw000: 1 row"]), told[1]]).wrong == [
        "gw000: 1 row"]


@settings(max_examples=50)
@given(st.integers(), st.floats(5, 600), st.sets(st.sampled_from(sorted(KINDS)), min_size=1))
def test_a_plan_has_everything_and_is_the_seeds(seed, load_s, kinds):
    numbers = dict.fromkeys(kinds, 3)
    planned = plan(seed, load_s, numbers)
    assert {one.kind for one in planned} == kinds
    assert all(0 < one.at_s < load_s and 0 <= one.which < 3 for one in planned)
    assert planned == plan(seed, load_s, numbers)


@settings(max_examples=50)
@given(st.integers())
def test_never_are_two_down_that_must_not_be(seed):
    down, most, now_s = {kind: set() for kind in KINDS}, dict.fromkeys(KINDS, 0), [0.0]

    def fall(kind, which):
        assert which not in down[kind]
        down[kind].add(which)
        most[kind] = max(most[kind], len(down[kind]))

    victims = {kind: Victim(3, lambda which, kind=kind: fall(kind, which),
                            lambda which, kind=kind: down[kind].remove(which)) for kind in KINDS}
    accidents = Accidents(plan(seed, 300, dict.fromkeys(KINDS, 3)), victims, lambda: now_s[0])
    while now_s[0] < 300:
        accidents.turn()
        now_s[0] += 0.25
    accidents.end()
    assert not any(down.values())
    assert all(most[kind] == 1 for kind in ALONE)
    assert accidents.done.keys() == KINDS.keys()


def test_a_million_on_paper():
    """1,111.1 batches and 277.8 messages of energies a second, 22,222.2 signs of life."""
    cost = Cost(4, 5_000.0, {"broker": 20.0, "bridges": 90.0, "database": 30.0}, 1_000.0, 2_000.0)
    paper = Scale("mosquitto", [cost], 9.0, 1_800.0).paper()
    assert {key: round(value, 3) for key, value in paper.items()} == {
        "gateways": 1_000_000, "messages_per_s": 1_388.889, "broker_cores": 0.028,
        "bridges_cores": 0.125, "database_cores": 0.042, "ping_cores": 0.2,
        "connections": 1_000_000, "broker_gb": 1.8, "wire_gb_per_day": 120.0,
        "database_gb_per_day": 240.0}


def test_scale_is_measured_to_the_last_message(mosquitto, postgres_server, monkeypatch):
    monkeypatch.setattr(fleet_scale, "WORKERS", (1,))
    monkeypatch.setitem(fleet_scale._MESSAGES, "mosquitto", 640)
    done = CliRunner().invoke(fleet.command, ["--scale", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    (cost,) = found["costs"]
    assert cost["workers"] == 1
    assert cost["us"]["bridges"] > 0
    assert cost["stored_bytes"] > cost["wire_bytes"] / 2 > 100
