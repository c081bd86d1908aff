"""The client against the simulated server over HTTP, with a gateway that only notes: what is told,
what a bad day of the server changes, and what is reported."""

import json
import threading
from contextlib import contextmanager

import pytest

from cloud_bridge.fields import DocumentError
from cloud_bridge.inbox import BrokerError
from cloud_bridge.response.announced import Said, number
from cloud_bridge.response.deliver import Outcome
from cloud_bridge.response.feed import Feed
from cloud_bridge.response.openadr3.asks import Reading
from cloud_bridge.response.openadr3.client import Client
from cloud_bridge.response.openadr3.memory import Memory
from cloud_bridge.response.openadr3.vtn import Vtn, VtnError
from hil.openadr3_vtn import Vtn as Server
from tests.openadr3.events import START, event, interval, period

NOW = START - 3600


class Gateway:
    """Takes everything, as deliver.Delivery does; `told` is what reached it."""

    def __init__(self):
        self.told, self.away = [], False

    def deliver(self, feed, listed, now_utc):
        if self.away:
            feed.take(listed, now_utc)
            raise BrokerError("nobody there")
        outcomes = []
        for one in feed.take(listed, now_utc):
            feed.answered(one.name, one.rev)
            self.told.append((one.name, one.rev, bool(one.intervals)))
            outcomes.append(Outcome(one, ""))
        return outcomes


class World:
    def __init__(self, server, folder):
        self.server, self.folder, self.gateway = server, folder, Gateway()
        self.heard, self.log = [], []
        self.program = server.create("programs", {"programName": "shed"})
        self.start()

    def start(self, *targets):
        """As after a restart."""
        self.client = Client(
            Vtn(self.server.url, "ven", "ven", wait_s=1), "shed", self.gateway,
            Feed(self.folder / "feed.json"), Memory(self.folder / "feed.json.seen"),
            lambda: self.heard, Reading({1: 50_000}), "ven-1", "g",
            lambda event, **more: self.log.append((event, more)), targets)

    def call(self, *values, **more):
        made = {**event(*values, **more), "programID": self.program}
        return self.server.create("events", {name: made[name] for name in made if name != "id"})

    def turn(self, now=NOW):
        """What was told in one turn."""
        self.gateway.told.clear()
        self.good = self.client.turn(now)
        return list(self.gateway.told)

    def notes(self):
        return [more["note"] for said, more in self.log if said == "event"]


@pytest.fixture
def world(tmp_path):
    with Server() as server:
        yield World(server, tmp_path)


def test_told_once_changed_as_a_revision_gone_called_off(world):
    name = world.call(300)
    assert world.turn() == [(name, 0, True)]
    assert world.turn() == []
    made = {**event(310), "programID": world.program}
    world.server.update("events", name, made)
    assert world.turn() == [(name, 1, True)]
    world.start()
    assert world.turn() == [], "a restart tells nothing twice"
    world.server.delete("events", name)
    assert world.turn() == [(name, 2, False)]
    assert world.good


def test_called_off_by_a_duration_of_nothing(world):
    name = world.call(300)
    world.turn()
    world.server.update("events", name, {**event(300), "programID": world.program,
                                         "intervalPeriod": period("0001-01-01", "PT0S")})
    assert world.turn() == [(name, 1, False)]


def test_now_stays_the_moment_it_was_first_seen(world):
    name = world.call(300, intervalPeriod=period("0001-01-01", "PT2H"))
    assert world.turn() == [(name, 0, True)]
    assert world.turn(NOW + 600) == []
    world.start()
    assert world.turn(NOW + 1200) == []


FAULTS = [{"fail": 9, "status": status} for status in (301, 302, 400, 403, 404, 429, 500, 503)] + [
    {"garbage": 9}, {"cut": 9}, {"huge": 1}, {"drip": 1}]


@pytest.mark.parametrize("faults", FAULTS, ids=str)
def test_a_list_that_does_not_come_calls_nothing_off(world, faults):
    name = world.call(300)
    world.turn()
    for fault, much in faults.items():
        setattr(world.server.faults, fault, much)
    world.server.delete("events", name)  # and still: nobody has heard of it
    assert world.turn() == []
    assert not world.good
    for fault in faults:
        setattr(world.server.faults, fault, 0)
    assert world.turn() == [(name, 1, False)]


def test_a_server_that_is_away_calls_nothing_off(tmp_path):
    with Server() as server:
        world = World(server, tmp_path)
        name = world.call(300)
        assert world.turn() == [(name, 0, True)]
    assert world.turn() == []
    assert not world.good
    assert world.log[-1][0] == "trouble"


def test_an_answer_that_takes_too_long_is_none(world):
    world.call(300)
    world.server.faults.wait_s = 3
    assert world.turn() == []
    assert not world.good


def test_a_token_that_ended_is_fetched_anew(world):
    world.call(300)
    world.turn()
    world.server.faults.no_token = True
    assert world.turn() == []
    assert world.good
    assert world.server.state.asked.count("POST /auth/token") == 2


@pytest.mark.parametrize("page", [1, 2, 7, 50])
def test_a_list_is_read_to_its_end_whatever_a_page_holds(world, page):
    names = [world.call(300, priority=at) for at in range(7)]
    world.server.faults.page = page
    assert world.turn() == [(name, 0, True) for name in names]
    assert world.turn() == []


def test_a_server_without_pages(world):
    names = [world.call(300, priority=at) for at in range(3)]
    world.server.faults.pages = False
    assert world.turn() == [(name, 0, True) for name in names]
    assert world.turn() == []


def test_a_list_that_changes_while_it_is_read_is_none(world):
    for at in range(4):
        world.call(300, priority=at)
    world.turn()
    world.server.faults.page = 2
    world.server.faults.shuffle = True
    assert world.turn() == []
    assert not world.good


def test_other_programs_events_are_not_ours(world):
    other = world.server.create("programs", {"programName": "other"})
    world.server.create("events", {**event(300), "programID": other})
    assert world.turn() == []
    assert world.good


def test_what_is_for_some_is_seen_by_who_names_a_target(world):
    open_to_all = world.call(300)
    private = world.call(310, targets=["feeder-7", "g"])
    world.call(320, targets=["feeder-8"])
    assert world.turn() == [(open_to_all, 0, True)]
    world.start("feeder-7", "x")
    assert world.turn() == [(private, 0, True)]
    assert world.turn() == []


def test_no_such_program_is_trouble_and_no_cancel(world):
    name = world.call(300)
    world.turn()
    world.server.delete("programs", world.program)
    assert world.turn() == []
    assert "found none of the name shed" in world.log[-1][1]["reason"]
    assert name


def test_what_is_not_taken_is_told_once(world):
    world.call(0.17, kind="PRICE")
    world.call(-1)
    both = event(10)["intervals"]
    both[0]["payloads"].append({"type": "EXPORT_CAPACITY_LIMIT", "values": [4]})
    name = world.call(10, intervals=both)
    assert world.turn() == [(name, 0, True)]
    world.turn()
    assert world.notes() == ["PRICE is not taken",
                             "refused: IMPORT_CAPACITY_LIMIT: found -1, expected at least 0",
                             "EXPORT_CAPACITY_LIMIT is not taken beside IMPORT_CAPACITY_LIMIT"]


def test_a_gateway_that_is_away_is_told_later(world):
    name = world.call(300)
    world.gateway.away = True
    assert world.turn() == []
    world.gateway.away = False
    world.server.faults.fail = 9  # not even a list is needed
    assert world.turn() == [(name, 0, True)]


def said(name, phase, rev=0, reason="", utc="2026-07-15T04:00:00Z"):
    return Said(number(name), rev, phase, reason, utc, 500, 0)


def reports(world):
    return [(one["eventID"], one["resources"][0]["intervals"][0]["payloads"][0]["values"],
             one["reportName"]) for one in world.server.listed("reports")]


def test_phases_are_reported_once(world):
    name = world.call(300)
    fills = world.call(20, kind="DISPATCH_SETPOINT")
    world.turn()
    world.heard += [said(name, "scheduled"), said(name, "active"), said("not ours", "active")]
    world.turn()
    world.start()
    world.heard += [said(name, "opted out", reason="local"), said(fills, "active"),
                    said(fills, "failed", reason="energy")]
    world.turn()
    world.turn()
    assert reports(world) == [
        (name, ["NORMAL"], "scheduled"), (name, ["RUNNING_CURTAILED"], "active"),
        (name, ["RUNNING_OPTED_OUT"], "opted out: local"),
        (fills, ["RUNNING_HEIGHTENED"], "active"), (fills, ["ERROR"], "failed: energy")]
    made = world.server.listed("reports")[0]
    assert (made["clientName"], made["resources"][0]["resourceName"]) == ("ven-1", "g")
    assert made["resources"][0]["intervalPeriod"]["start"] == "2026-07-15T04:00:00Z"


def test_a_report_that_nobody_wants_is_left_and_one_that_did_not_arrive_comes_again(world):
    name = world.call(300)
    world.turn()
    world.heard.append(said(name, "active"))
    world.server.faults.fail = 9
    world.turn()
    world.server.faults.fail = 0
    world.turn()
    assert reports(world) == [(name, ["RUNNING_CURTAILED"], "active")]
    world.server.delete("events", name)
    world.heard.append(said(name, "cancelled", 1))
    asked = len(world.server.state.asked)
    world.turn()
    world.turn()
    assert world.server.state.asked[asked:].count("POST /reports") == 1
    assert world.notes()[-1].startswith("no report of cancelled: POST")


def test_the_secret_is_in_no_line(world, tmp_path):
    world.client = Client(
        Vtn(world.server.url, "ven", "s3cr3t-s3cr3t"), "shed", world.gateway,
        Feed(tmp_path / "f"), Memory(tmp_path / "g"), list, Reading(), "v", "g",
        lambda event, **more: world.log.append((event, more)))
    assert world.turn() == []
    assert world.log[-1][1]["reason"] == "token: found status 401"
    assert "s3cr3t" not in json.dumps(world.log)


@pytest.mark.parametrize("url", [
    "http://vtn.example.com/openadr3", "ftp://127.0.0.1", "vtn.example.com", "https://",
    "https://u:p@vtn.example.com", "https://a b", "http://[::1", "http://127.0.0.1:port/"])
def test_where_no_secret_is_sent(url):
    with pytest.raises(DocumentError, match=r"^vtn: found .*, expected https"):
        Vtn(url, "ven", "ven")


def test_http_to_another_machine_only_when_told():
    Vtn("http://vtn.example.com", "ven", "ven", plain=True)
    Vtn("http://[::1]:8081/x", "ven", "ven")


def test_the_server_refuses_what_the_specification_refuses(world):
    vtn = Vtn(world.server.url, "ven", "ven")
    for made in ({}, {"eventID": "e", "clientName": "c"},
                 {"eventID": "nobody's", "clientName": "c", "resources": []},
                 {"eventID": "event-99", "clientName": "c", "resources": []}):
        with pytest.raises(VtnError, match="status 400") as error:
            vtn.post("reports", made)
        assert error.value.refused
    with pytest.raises(VtnError, match="status 403"):
        vtn.post("events", {"programID": world.program})
    with pytest.raises(VtnError, match="status 404"):
        vtn.get("nothing")
    bl = Vtn(world.server.url, "bl", "bl")
    for wrong in ({"intervals": [{"id": 0}]}, {"intervals": [{"payloads": []}]},
                  {"intervals": [interval()], "duration": "1H"}, {"priority": -1},
                  {"intervalPeriod": {"start": "soon"}}):
        with pytest.raises(VtnError, match="status 400"):
            bl.post("events", {"programID": world.program, **wrong})
    with pytest.raises(VtnError, match="status 400"):
        vtn.post("subscriptions", {"clientName": "c", "objectOperations": [
            {"objects": ["EVENT"], "operations": ["POST"], "callbackUrl": "http://x"}]})


@contextmanager
def running(client, **more):
    thread = threading.Thread(target=client.run, kwargs=more)
    thread.start()
    try:
        yield
    finally:
        client.stop()
        thread.join(10)
        assert not thread.is_alive()


def test_it_ends_when_it_is_told_to(world):
    turns = threading.Event()

    def now():
        turns.set()
        return NOW

    with running(world.client, poll_s=3600, now=now):
        assert turns.wait(10)


@pytest.mark.parametrize("text", ["", "{}", '{"seen": 3}', '{"seen": {"a": {}}, "reported": []}'])
def test_a_memory_of_somebody_elses(tmp_path, text):
    (tmp_path / "m").write_text(text)
    with pytest.raises(DocumentError, match="is no memory"):
        Memory(tmp_path / "m")
