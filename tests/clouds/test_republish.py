"""`python -m cloud_bridge republish` as a process, between a real store and a real broker."""

import json
import signal
import sqlite3
import subprocess
import sys

import pytest

from cloud_bridge.clouds.follow import Follower
from tests.clouds.republished import START_UTC, rows
from tests.clouds.sparkplug_host import Host
from tests.clouds.test_sparkplug import rebirth
from tests.conftest import ROOT
from tests.sync.test_mqtt_store import batch, message


def minutes(follower):
    return [(news.gateway, [row.figures["grid_w"] for row in news.rows])
            for news in follower.news(most=2)]


def test_a_follower_begins_with_the_newest_and_goes_on_where_it_was(feed, tmp_path):
    for first in range(0, 12, 3):
        feed.rows(first, 3)
    cursor = tmp_path / "cursor"
    with Follower(feed.path, cursor, "p") as follower:
        assert minutes(follower) == [("g", [9, 10, 11])]
        follower.keep()
        feed.rows(12, 2)
        assert minutes(follower) == [("g", [12, 13])]  # not kept
    with Follower(feed.path, cursor, "p") as follower:
        assert minutes(follower) == [("g", [12, 13])]
        assert minutes(follower) == []
    with Follower(feed.path, tmp_path / "other", "elsewhere") as follower:
        assert minutes(follower) == []


def test_nothing_behind_a_hole_is_told_before_it_is_filled(feed, tmp_path):
    with Follower(feed.path, tmp_path / "cursor", "p") as follower:
        body = batch(rows(0, 1))
        feed.send(message(3, body=batch(rows(1, 1))), message(4, body=batch(rows(2, 1))))
        assert minutes(follower) == []
        feed.send(message(2, body=body))
        assert minutes(follower) + minutes(follower) == [
            ("g", [0]), ("g", [1]), ("g", [2])]


def test_what_cannot_be_read_is_counted_and_left(feed, tmp_path):
    feed.rows(0, 1)
    with Follower(feed.path, tmp_path / "cursor", "p") as follower:
        list(follower.news())
        feed.send(message(3, body=b"no batch"))
        feed.seq = 3
        feed.rows(1, 2, flags=0)  # a gateway that does not know the time
        feed.rows(3, 1)
        assert minutes(follower) + minutes(follower) == [("g", [3])]
        assert follower.counts == {"unreadable": 1, "untold": 2}


@pytest.mark.parametrize("text", [
    "", "[]", "{", "\x00", '{"park": "q", "sessions": 0, "at": {}}', '{"park": "p", "at": {}}',
    '{"park": "p", "sessions": 0, "at": {"g 9": "x"}}', '{"park": "p", "sessions": 0, "at": 1}'])
def test_a_strange_cursor_is_refused(feed, tmp_path, text):
    (tmp_path / "cursor").write_text(text)
    with pytest.raises(ValueError, match="not the cursor of park p"):
        Follower(feed.path, tmp_path / "cursor", "p")


def test_the_store_is_only_read(feed, tmp_path):
    with Follower(feed.path, tmp_path / "cursor", "p") as follower, \
            pytest.raises(sqlite3.OperationalError, match="readonly"):
        follower._db.execute("DELETE FROM messages")


def test_sparkplug_from_the_store_to_a_host(feed, republish, watch):
    """Births, data, a rebirth on demand, SIGKILL and the will, and on where it was."""
    feed.rows(0, 3)
    first = republish("sparkplug")
    watch.until(lambda: watch.count("DDATA") == 2)
    watch.client.publish("spBv1.0/p/NCMD/parkedge", rebirth())
    watch.until(lambda: watch.count("DBIRTH") == 2)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    watch.until(lambda: watch.count("NDEATH") == 1)
    feed.rows(3, 2)
    second = republish("sparkplug")
    watch.until(lambda: watch.count("DDATA") == 3)
    assert second.end() == 0
    assert second.wait("stopped")["data"] == 1
    watch.until(lambda: watch.count("NDEATH") == 2)
    host = Host("p", "parkedge")
    deaths = [got for got in watch.got if "NDEATH" in got[0]]
    values = []
    for got in watch.got:
        if "NBIRTH" in got[0] and not host.online:
            host.connects(deaths.pop(0))
        if "CMD" not in got[0]:
            host.takes(got)
        if "DDATA" in got[0]:
            values.append(host.values["g"]["grid_w"])
    assert values == [1, 2, 4]
    assert host.sessions == 2


def test_home_assistant_from_the_store(feed, republish, watch):
    feed.rows(0, 2)
    one = republish("homeassistant", "--silent-s", "1")
    watch.until(lambda: watch.count("/config") == 1 and watch.count("/p/g/ha") >= 2)
    (state,) = [json.loads(payload) for topic, payload, *_ in watch.got
                if topic == "parkedge/p/g/ha"]
    assert (state["grid_w"], state["pv_w"], state["utc"]) == (1, None, START_UTC + 60)
    watch.until(lambda: ("parkedge/p/g/ha/available", b"offline", 1, False) in watch.got)
    feed.rows(2, 1)
    watch.until(lambda: watch.count("/config") == 2)
    assert one.end() == 0
    watch.until(lambda: watch.got[-1] == ("parkedge/p/republish", b"offline", 1, False))


def test_through_the_loss_of_the_broker(feed, mosquitto, republish, watch):
    one = republish("homeassistant")
    mosquitto.stop()
    one.wait("trouble")
    feed.rows(0, 1)
    mosquitto.start()
    one.wait("ready")
    watch.until(lambda: watch.count("/config") >= 1)
    assert one.end() == 0


@pytest.mark.parametrize(("arguments", "said"), [
    (["sparkplug", "--store", "nowhere.db", "--park", "p"], "does not exist"),
    (["sparkplug", "--park", "p", "--broker", "http://x"], "mqtt://host:port"),
    (["opcua", "--park", "p"], "is not one of"),
])
def test_wrong_use_is_one_line(feed, arguments, said):
    if "--store" not in arguments:
        arguments = [*arguments, "--store", str(feed.path)]
    done = subprocess.run([sys.executable, "-m", "cloud_bridge", "republish", *arguments],
                          cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_store_is_one_line(tmp_path):
    (tmp_path / "park.db").write_bytes(b"x" * 5_000)
    done = subprocess.run([sys.executable, "-m", "cloud_bridge", "republish", "sparkplug", "--park",
                           "p", "--store", str(tmp_path / "park.db")],
                          cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "file is not a database" in done.stderr
    assert "Traceback" not in done.stderr
