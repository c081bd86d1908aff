"""What the server hears of what a gateway says, and what a client remembers of that."""

import pytest

from cloud_bridge.fields import DocumentError
from cloud_bridge.response.announced import Said, number
from cloud_bridge.response.openadr3.memory import Memory


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


@pytest.mark.parametrize("text", ["", "{}", '{"seen": 3}', '{"seen": {"a": {}}, "reported": []}'])
def test_a_memory_of_somebody_elses(tmp_path, text):
    (tmp_path / "m").write_text(text)
    with pytest.raises(DocumentError, match="is no memory"):
        Memory(tmp_path / "m")
