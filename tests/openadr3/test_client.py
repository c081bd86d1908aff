"""The client against the simulated server over HTTP: what a gateway is told, and what a bad day of
the server changes."""

import threading
from contextlib import contextmanager

import pytest

from hil.openadr3_vtn import Vtn as Server
from tests.openadr3.events import event, period
from tests.openadr3.site import NOW, World


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
