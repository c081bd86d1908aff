"""A client against openleadr's own server over HTTP: what it takes, answers and calls off."""

import pytest
from msgpack import packb

from cloud_bridge.response import announced
from edge.response.agenda import CANCELLED, PHASES
from edge.response.event import NOTHING, SETPOINT
from tests.openadr2.site import Gateway, following
from tests.openadr2.vtn import KW, free_port, serving
from tests.shown.served import wait

# openleadr keeps its server in an aiohttp application under a plain name.
pytestmark = pytest.mark.filterwarnings("ignore:It is recommended to use web.AppKey:UserWarning")


@pytest.fixture
def gateway():
    return Gateway()


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state.json"


def asks(gateway, at=-1):
    return [(kind, w) for _, kind, w in gateway.told[at].intervals]


def until(answers, *wanted):
    wait(lambda: answers == list(wanted), (answers, wanted))


def test_taken_answered_and_called_off(gateway, state):
    with serving() as vtn, following(vtn.url, gateway, state):
        vtn.event("e-1", payloads=(1.0, 0.0, 2.0), minutes=15, in_s=3600)
        until(vtn.answers, ("e-1", 0, "optIn"))
        assert asks(gateway) == [(SETPOINT, 100_000), (NOTHING, 0), (SETPOINT, 150_000)]
        vtn.cancel("e-1")
        until(vtn.answers, ("e-1", 0, "optIn"), ("e-1", 1, "optIn"))
    assert [(one.rev, bool(one.intervals)) for one in gateway.told] == [(0, True), (1, False)]
    assert gateway.agenda.phase(gateway.agenda.entries[0]) == CANCELLED


def test_what_is_told_twice_is_delivered_once_and_answered_twice(gateway, state):
    with serving() as vtn, following(vtn.url, gateway, state):
        vtn.event("007", in_s=3600)  # no number, though it looks like one
        wait(lambda: len(vtn.answers) == 1, "no answer")
        vtn.again()
        wait(lambda: len(vtn.answers) == 2, "no second answer")
    assert [one.name for one in gateway.told] == ["007"]


def test_a_modification_is_another_revision(gateway, state):
    with serving() as vtn, following(vtn.url, gateway, state):
        event = vtn.event("e-1", in_s=3600)
        until(vtn.answers, ("e-1", 0, "optIn"))

        def modify():
            event.event_signals[0].intervals[0].signal_payload = 2.0
            event.event_descriptor.modification_number = 1

        vtn.do(modify)
        vtn.again()
        until(vtn.answers, ("e-1", 0, "optIn"), ("e-1", 1, "optIn"))
    assert [(one.rev, one.intervals[0][2]) for one in gateway.told] == [(0, 100_000), (1, 150_000)]


def test_a_gateway_that_refuses_opts_out(state):
    full = Gateway(most=0)
    with serving() as vtn, following(vtn.url, full, state):
        vtn.event("e-1", in_s=3600)
        until(vtn.answers, ("e-1", 0, "optOut"))
    assert full.agenda.entries == []


@pytest.mark.parametrize(("more", "why"), [
    ({"payloads": (3.0,)}, "level 3"),
    ({"payloads": (1.0,) * 97, "minutes": 1}, "96 intervals"),
    ({"minutes": 0}, "interval of 0:00:00"),
    ({"minutes": 60 * 24 * 8}, "a week"),
    ({"signal": "ENERGY_PRICE", "kind": "price"}, "found ENERGY_PRICE"),
    ({"signal": "LOAD_CONTROL", "kind": "x-loadControlCapacity"}, "found LOAD_CONTROL"),
    ({"signal": "LOAD_DISPATCH", "kind": "delta", "measurement": KW}, "found LOAD_DISPATCH"),
    ({"signal": "LOAD_DISPATCH", "kind": "setpoint"}, "found None in None None"),
    ({"signal": "LOAD_DISPATCH", "kind": "setpoint", "payloads": ("NaN",),
      "measurement": KW}, "8 MW"),
    ({"signal": "LOAD_DISPATCH", "kind": "setpoint", "payloads": (9000.0,), "measurement": KW},
     "8 MW")])
def test_what_cannot_be_said_to_a_gateway_opts_out(more, why, gateway, state):
    with serving() as vtn, following(vtn.url, gateway, state) as said:
        vtn.event("e-1", in_s=3600, **more)
        until(vtn.answers, ("e-1", 0, "optOut"))
    assert not gateway.told
    assert why in next(values["reason"] for event, values in said if event == "refused")


def test_a_dispatch_is_what_the_battery_takes(gateway, state):
    with serving() as vtn, following(vtn.url, gateway, state):
        vtn.event("e-1", "LOAD_DISPATCH", "setpoint", payloads=(-80.0, 50.5), minutes=15,
                  measurement=KW, in_s=3600)
        until(vtn.answers, ("e-1", 0, "optIn"))
    assert asks(gateway) == [(SETPOINT, 80_000), (SETPOINT, -50_500)]


def test_a_gateway_that_is_away_has_promised_nothing(gateway, state):
    gateway.is_away = True
    with serving() as vtn:
        with following(vtn.url, gateway, state) as said:
            vtn.event("e-1", in_s=3600)
            wait(lambda: ("nothing heard" in [values.get("outcome") for _, values in said]),
                 "nobody has tried")
            asked = len(vtn.asked)
            wait(lambda: len(vtn.asked) > asked + 1, "it no longer asks")
            assert not vtn.answers
        gateway.is_away = False
        with following(vtn.url, gateway, state):
            until(vtn.answers, ("e-1", 0, "optIn"))
    assert [(one.name, one.rev) for one in gateway.told] == [("e-1", 0)]


def test_a_server_that_goes_and_has_forgotten_calls_nothing_off(gateway, state):
    port = free_port()
    with serving(port) as vtn:
        client = following(vtn.url, gateway, state)
        said = client.__enter__()
        vtn.event("e-1")
        until(vtn.answers, ("e-1", 0, "optIn"))
    try:
        wait(lambda: "trouble" in [event for event, _ in said], "it has not noticed")
        with serving(port) as vtn:
            wait(lambda: "oadrPoll" in vtn.asked, "it has not come back")
            assert "oadrRequestEvent" in vtn.asked
            assert [(one.name, one.rev) for one in gateway.told] == [("e-1", 0)]
            vtn.event("e-2", in_s=7200)  # a list that came whole, without the other
            until(vtn.answers, ("e-2", 0, "optIn"))
    finally:
        client.__exit__(None, None, None)
    assert [(one.name, one.rev, bool(one.intervals)) for one in gateway.told] == [
        ("e-1", 0, True), ("e-1", 1, False), ("e-2", 0, True)]


def test_what_is_completed_is_not_called_off(gateway, state):
    """By the server's clock, while minutes and the last point are still to come."""
    with serving() as vtn, following(vtn.url, gateway, state):
        vtn.event("e-1", in_s=-30, minutes=1)
        last(vtn, {"e-1": "optIn"})
        vtn.let_end("e-1")
        vtn.event("e-2", in_s=3600)
        last(vtn, {"e-1": "optIn", "e-2": "optIn"})
    assert [(one.name, one.rev) for one in gateway.told if one.name == "e-1"] == [("e-1", 0)]


def test_a_server_that_wants_a_new_registration_gets_one(gateway, state):
    missing = []

    def lookup(ven_id):
        return None if missing and vtn.registered < 2 else {"registration_id": "registration-1"}

    with serving(ven_lookup=lookup) as vtn, following(vtn.url, gateway, state):
        vtn.event("e-1", in_s=3600)
        until(vtn.answers, ("e-1", 0, "optIn"))
        missing.append(1)
        wait(lambda: vtn.registered == 2, "it has not come")
        wait(lambda: len(vtn.answers) == 2, vtn.answers)
    assert len(gateway.told) == 1


def test_a_client_that_begins_anew_answers_as_before(gateway, state):
    with serving() as vtn:
        for _ in range(2):
            vtn.answers.clear()
            with following(vtn.url, gateway, state):
                if not gateway.told:
                    vtn.event("e-1")
                until(vtn.answers, ("e-1", 0, "optIn"))
    assert len(gateway.told) == 1


def test_no_answer_where_none_is_wanted(gateway, state):
    with serving() as vtn:
        vtn.event("e-1", in_s=3600, response_required="never")
        vtn.event("e-2", in_s=3600)
        with following(vtn.url, gateway, state):
            until(vtn.answers, ("e-2", 0, "optIn"))
    assert sorted(one.name for one in gateway.told) == ["e-1", "e-2"]


def test_what_the_site_leaves_later_opts_out(gateway, state):
    frames = []

    class Store:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def bodies(self, park, name, kinds):
            assert (park, name, tuple(kinds)) == ("p", "g", (announced.KIND,))
            return [(announced.KIND, body) for body in frames]

    def says(phase, reason, name="e-1"):
        frames.append(packb([1, announced.number(name), 0, PHASES.index(phase), reason, 9_800, 0,
                             500, 0]))

    with serving() as vtn, following(vtn.url, gateway, state, open_store=Store):
        vtn.event("e-1", in_s=3600)
        vtn.event("e-2", in_s=3600)
        last(vtn, {"e-1": "optIn", "e-2": "optIn"})
        says("scheduled", "")
        says("opted out", "local")
        last(vtn, {"e-1": "optOut", "e-2": "optIn"})
        answers = len(vtn.answers)
        vtn.again()
        wait(lambda: len(vtn.answers) == answers + 2, vtn.answers)
        last(vtn, {"e-1": "optOut", "e-2": "optIn"})


def last(vtn, wanted):
    """What it has been answered last of each event."""
    wait(lambda: {name: opt for name, _, opt in vtn.answers} == wanted, (vtn.answers, wanted))
