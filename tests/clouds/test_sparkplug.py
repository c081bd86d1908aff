"""The Sparkplug edge node against a strict host."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.clouds import Told
from cloud_bridge.clouds.figures import NAMES, told
from cloud_bridge.clouds.sparkplug import REBIRTH, Target
from cloud_bridge.clouds.spb import BOOLEAN, INT64, Payload, add
from edge.journal import FIELDS
from tests.clouds.sparkplug_host import Host

NOW_MS = 1_780_000_000_000
VALUES = st.one_of(st.none(), st.integers(-2**62, 2**62))
FIGURES = st.fixed_dictionaries({name: VALUES for name in NAMES if name != "fault"}
                                | {"fault": st.integers(0, 1)})


def row(utc=NOW_MS // 1000, **figures):
    return Told(utc, {**dict.fromkeys(NAMES, 0), **figures})


def command(**values):
    payload = Payload(timestamp=NOW_MS)
    for name, value in values.items():
        add(payload, value, NOW_MS, name.replace("__", "/").replace("_R", " R"),
            kind=BOOLEAN if value is True else INT64)
    return payload.SerializeToString()


def rebirth():
    payload = Payload(timestamp=NOW_MS)
    add(payload, True, NOW_MS, REBIRTH, kind=BOOLEAN)
    return payload.SerializeToString()


class Line:
    """A target and its host, one after the other."""

    def __init__(self, **keys):
        self.target = Target("p", **keys)
        self.host = Host("p", "parkedge")
        self.connect()

    def connect(self):
        self.host.connects(self.target.will())
        self.say(self.target.connected(NOW_MS))

    def say(self, messages):
        for message in messages:
            self.host.takes(message)

    def state(self, online, time_ms):
        self.say(self.target.take("spBv1.0/STATE/scada", json.dumps(
            {"online": online, "timestamp": time_ms}).encode(), NOW_MS))


EVENTS = st.lists(st.one_of(
    st.tuples(st.just("news"), st.sampled_from(["g", "h"]), st.lists(FIGURES, min_size=1,
                                                                     max_size=3)),
    st.tuples(st.sampled_from(["rebirth", "connect", "leave"])),
    st.tuples(st.just("silent"), st.sampled_from(["g", "h"]))), max_size=20)


@given(EVENTS, st.integers(0, 600))
def test_a_strict_host_always_knows_what_was_told_last(events, sessions):
    line = Line(sessions=sessions)
    last = {}
    for what, *rest in events:
        if what == "news":
            gateway, figures = rest
            line.say(line.target.news(gateway, [row(**one) for one in figures], NOW_MS))
            last[gateway] = figures[-1]
        elif what == "silent":
            line.say(line.target.silent(rest[0], NOW_MS))
            last.pop(rest[0], None)
        elif what == "rebirth":
            line.say(line.target.take("spBv1.0/p/NCMD/parkedge", rebirth(), NOW_MS))
        else:
            if what == "leave":
                line.say(line.target.leaving(NOW_MS))
                assert not line.host.online
            line.connect()
        assert line.host.online
        assert line.host.values == {gateway: {**figures, "fault": bool(figures["fault"])}
                                    for gateway, figures in last.items()}


def test_numbers_go_round_at_256():
    line = Line()
    for n in range(600):
        line.say(line.target.news("g", [row(grid_w=n)], NOW_MS))
        if n % 2:
            line.connect()
    assert line.host.values["g"]["grid_w"] == 599
    assert line.host.sessions == 301


def test_only_what_changed_is_told_and_what_is_old_says_so():
    line = Line()
    old = NOW_MS // 1000 - 3_600
    line.say(line.target.news("g", [row(old), row(old + 60, grid_w=5),
                                    row(old + 120, grid_w=5), row(grid_w=6)], NOW_MS))
    assert line.host.history == [("g", (old + 60) * 1000, "grid_w", True),
                                 ("g", NOW_MS, "grid_w", False)]


def test_a_primary_host_comes_first_and_its_going_ends_the_session():
    line = Line(host="scada")
    assert line.target.subscriptions()[-1] == "spBv1.0/STATE/scada"
    assert not line.target.ready
    line.state(False, 10)
    assert not line.target.ready
    line.state(True, 20)
    assert line.target.ready
    assert line.host.online
    line.state(False, 19)  # older than what is known
    assert not line.target.must_leave
    line.state(False, 21)
    assert line.target.must_leave
    line.say(line.target.leaving(NOW_MS))
    assert not line.host.online
    line.connect()
    assert not line.target.ready
    line.state(True, 20)  # a retained word of before
    assert not line.target.ready
    line.state(True, 22)
    assert line.target.ready


@given(st.binary(max_size=60), st.sampled_from(
    ["spBv1.0/p/NCMD/parkedge", "spBv1.0/p/DCMD/parkedge/g", "spBv1.0/STATE/scada",
     "spBv1.0/p/DCMD/parkedge/nobody", "other"]))
def test_any_bytes_may_come(data, topic):
    line = Line(host="scada", command=lambda *_: None, verbs=("import",))
    line.state(True, 1)
    line.say(line.target.news("g", [row()], NOW_MS))
    line.say(line.target.take(topic, data, NOW_MS))
    line.say(line.target.take(topic, b"[" * 100_000, NOW_MS))


def test_a_written_metric_becomes_a_command():
    """To whom the function belongs decides; what it refuses, and what is no verb, is counted."""
    done = []

    def act(gateway, verb, value):
        if value > 9_000:
            raise ValueError("too much")
        done.append((gateway, verb, value))

    line = Line(command=act, verbs=("import", "setpoint"))
    line.say(line.target.news("g", [row()], NOW_MS))
    assert line.host.values["g"]["Command/import"] is None
    for values in ({"Command__import": 5_000}, {"Command__setpoint": -7}, {"grid_w": 1},
                   {"Command__import": 10_000}, {"Command__fire": 1}):
        line.say(line.target.take("spBv1.0/p/DCMD/parkedge/g", command(**values), NOW_MS))
    line.say(line.target.take("spBv1.0/p/DCMD/parkedge/h", command(Command__import=1), NOW_MS))
    payload = Payload(timestamp=NOW_MS)  # by alias alone, as hosts may
    add(payload, 42, NOW_MS, alias=1_000 + len(NAMES))
    line.say(line.target.take("spBv1.0/p/DCMD/parkedge/g", payload.SerializeToString(), NOW_MS))
    assert done == [("g", "import", 5_000), ("g", "setpoint", -7), ("g", "import", 42)]
    assert line.target.counts["refused"] == 3


def test_a_text_that_is_not_utf_8_is_no_command():
    """The library gives such a text as bytes, which even int() takes."""
    done = []
    line = Line(command=lambda *told: done.append(told), verbs=("import",))
    line.say(line.target.news("g", [row()], NOW_MS))
    name = b"Command/import"
    for metric in (b"\x0a\x02\xff\xfe\x58\x05",  # field 1, the name; field 11, the number 5
                   b"\x0a\x0e" + name + b"\x7a\x02\x35\xff"):  # field 15, a text
        payload = b"\x12" + bytes([len(metric)]) + metric
        line.say(line.target.take("spBv1.0/p/DCMD/parkedge/g", payload, NOW_MS))
    assert done == []


@pytest.mark.parametrize(("day", "second"), [(-1, 0), (-(1 << 31), 0), ((1 << 31) - 1, 0),
                                             (9_657, -1), (9_657, 86_400)])
def test_a_row_of_no_time_is_left_out(day, second):
    """Of a gateway that lies; Sparkplug has no time before 1970, and all gateways of a park are
    told of by one program."""
    fields = dict.fromkeys(FIELDS, 0) | {"day": 9_657, "second": 5, "flags": -1}
    assert told(list(fields), list(fields.values())) is not None
    fields |= {"day": day, "second": second}
    assert told(list(fields), list(fields.values())) is None


def test_without_a_way_to_command_all_is_refused():
    line = Line()
    line.say(line.target.news("g", [row()], NOW_MS))
    line.say(line.target.take("spBv1.0/p/DCMD/parkedge/g", command(Command__import=1), NOW_MS))
    assert line.target.counts["refused"] == 1


@pytest.mark.parametrize("data", [b"\x0a", b"\xff", b"not protobuf"])
def test_what_is_no_payload_is_counted(data):
    line = Line()
    line.say(line.target.take("spBv1.0/p/NCMD/parkedge", data, NOW_MS))
    assert line.target.counts["unreadable"] == 1
