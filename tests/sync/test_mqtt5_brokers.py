"""Version 5 against a real broker: sessions, limits, refusals, goodbyes."""

import pytest

from edge import mqtt5_client
from edge.ticks import ticks_ms
from hil.mosquitto import Mosquitto
from tests.sync.test_mqtt_brokers import Talker, Watcher


@pytest.fixture
def broker(request, tmp_path, mosquitto):
    """A mosquitto with more lines in its configuration; the plain one proves that there is one."""
    mosquitto.stop()
    with Mosquitto(tmp_path / "own", settings=getattr(request, "param", ())) as own:
        yield own


@pytest.fixture
def talk():
    made = []

    def make(*args, **options):
        made.append(Talker(*args, version=mqtt5_client, **options))
        return made[-1]

    yield make
    for talker in made:
        talker.client.leave(ticks_ms())


def limit(*lines):
    return pytest.mark.parametrize("broker", [lines], indirect=True)


def test_up_down_and_status(broker, talk):
    talker = talk(broker, status_topic=b"up/status").rise()
    with Watcher(broker, "up/#") as watcher:
        watcher.wait(("up/status", b"online", True))
        talker.send(b"up/data", b"x" * 8_000)
        watcher.wait(("up/data", b"x" * 8_000, False))
        assert talker.client.publish(b"up/state", b"{}", True)
        talker.until(lambda: ("up/state", b"{}", False) in watcher.got)
        watcher.client.publish("down/gw07", b"command", 1)
        watcher.client.publish("down/gw07", bytes(5_000), 1)  # the broker keeps it to itself
        watcher.client.publish("down/gw07", b"last", 1)
        talker.until(lambda: talker.inbox == [b"command", b"last"])
        talker.cut()
        watcher.wait(("up/status", b"offline", False))
    talker.rise()
    assert (talker.client.strays, talker.client.oversized, talker.client.refused) == (0, 0, 0)


def test_the_session_outlives_the_connection(broker, talk):
    talker = talk(broker).rise()
    talker.cut()
    with Watcher(broker, "up/#") as watcher:
        for n in range(30):
            watcher.client.publish("down/gw07", b"%d" % n, 1).wait_for_publish(10)
    talker.rise()
    talker.until(lambda: len(talker.inbox) >= 30)
    assert talker.inbox[-30:] == [b"%d" % n for n in range(30)]


def test_thrown_out_with_a_reason(broker, talk):
    """For a topic that is none. (For a second client of the same name mosquitto 2.0 says none.)"""
    talker = talk(broker).rise()
    talker.client.publish(b"up/#", b"x")
    talker.until(lambda: talker.client.failures == 1)
    assert talker.client.fault == "ended by the broker"
    assert talker.client.refusal in (0x81, 0x82, 0x90)
    talker.rise()


@limit("max_packet_size 4096")
def test_a_broker_with_a_smaller_limit_is_left(broker, talk):
    talker = talk(broker)
    talker.until(lambda: talker.client.failures == 2)
    assert talker.client.fault == "the broker takes too small packets"
    assert talker.client.sessions == 0


@limit("max_keepalive 30")
def test_the_brokers_keepalive(broker, talk):
    talker = talk(broker, keepalive_s=60).rise()
    assert talker.client._quiet_max_ms == 22_500


def test_no_right_to_publish(tmp_path, mosquitto, talk):
    """Refused by name, counted, and the connection stays."""
    mosquitto.stop()
    acl = tmp_path / "acl"
    acl.write_text("topic read down/#\ntopic write up/mine\n")
    with Mosquitto(tmp_path / "own", settings=[f"acl_file {acl}"]) as own:
        talker = talk(own).rise()
        talker.send(b"up/others", b"x")
        assert (talker.client.refused, talker.client.refusal) == (1, 0x87)
        talker.send(b"up/mine", b"x")
        assert (talker.client.refused, talker.client.failures) == (1, 0)
