"""The MQTT client when something is wrong: deadlines, pauses, broken connections, odd brokers."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.mqtt_client import MqttClient
from edge.ticks import ticks_add, ticks_diff
from tests.sync.test_mqtt_client import CONNACK, KNOWN, PINGRESP, Bench, puback


def test_half_open_peer_is_noticed():
    """Nothing comes back any more, and the pipe takes all: the cable is out behind a router."""
    bench = Bench(keepalive_s=60)
    bench.rise()
    bench.run(45_000)
    assert bench.port.packets() == []
    bench.run(200)
    assert bench.port.packets() == [b"\xc0\x00"]
    bench.run(bench.options.reply_ms + 100)
    assert bench.client.fault == "the broker is silent"
    assert not bench.port.up


def test_dead_peer_is_noticed_while_we_talk():
    """Publishing at QoS 0 all the time must not hide that nothing answers."""
    bench = Bench(keepalive_s=60)
    bench.rise()
    for _ in range(60):
        bench.client.publish(b"state", b"{}")
        bench.run(1_000)
    assert bench.client.failures == 1
    assert bench.client.fault == "the broker is silent"


@pytest.mark.parametrize("days", [1, 7, 12])
def test_a_client_forgotten_for_days_takes_up_its_work(days):
    """A gateway without a network does not step it; the ticks wrap meanwhile, or look future."""
    bench = Bench()
    bench.rise()
    bench.now_ms = ticks_add(bench.now_ms, days * 86_400_000)
    bench.run(200)
    assert bench.port.packets() == [b"\xc0\x00"]
    bench.port.broken = True
    bench.run(100)
    bench.now_ms = ticks_add(bench.now_ms, days * 86_400_000)
    bench.run(200)
    assert bench.port.opens == 2


def test_pings_keep_a_quiet_connection():
    bench = Bench(keepalive_s=60)
    bench.rise()
    for _ in range(100):
        pinged_ms = bench.now_ms
        while not bench.port.sent:
            bench.run(100)
        assert 44_800 <= ticks_diff(bench.now_ms, pinged_ms) <= 45_200
        assert bench.port.packets() == [b"\xc0\x00"]
        bench.port.say(PINGRESP)
    assert bench.client.failures == 0
    assert bench.port.opens == 1


def test_pings_go_out_though_the_broker_talks():
    """The broker counts what we send, not what we hear: 3.1.2.10."""
    bench = Bench(keepalive_s=60)
    bench.rise()
    for _ in range(5):
        bench.port.say(b"\x30\x04\x00\x01tx")
        bench.run(10_000)
    assert bench.port.packets() == [b"\xc0\x00"]


@pytest.mark.parametrize(("stage", "fault"), [
    (0, "no connection in time"), (1, "no CONNACK in time"), (2, "no SUBACK in time")])
def test_every_stage_of_the_handshake_has_a_deadline(stage, fault):
    bench = Bench()
    bench.port.connects_after = 1 << 30 if stage == 0 else 0
    bench.client.step(bench.now_ms)
    if stage == 2:
        bench.port.say(CONNACK)
    bench.run(bench.options.reply_ms)
    assert bench.client.failures == 0
    bench.run(200)
    assert bench.client.fault == fault
    assert not bench.port.up


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 200])
def test_refused_by_the_broker(code):
    bench = Bench()
    bench.client.step(bench.now_ms)
    bench.port.say(bytes([0x20, 2, 0, code]))
    bench.run(100)
    assert bench.client.fault == "refused by the broker"
    assert bench.client.refusal == code
    assert not bench.port.up
    bench.rise()


def test_refused_subscription_is_counted_and_telemetry_goes_on():
    bench = Bench()
    bench.client.step(bench.now_ms)
    bench.port.say(CONNACK)
    bench.client.step(bench.now_ms)
    packet = bench.port.packets()[-1]
    bench.port.say(b"\x90\x03" + packet[2:4] + b"\x80")
    bench.run(100)
    assert bench.client.is_up()
    assert bench.client.unsubscribed == 1


def test_pauses_grow_stay_bounded_and_differ_between_gateways():
    pauses = []
    for name in (b"one", b"two"):
        bench = Bench()
        bench.options.hello.client_id = name
        bench.client = MqttClient(bench.port, bench.options)
        bench.port.refuses = True
        bench.run(4_000_000)
        at = bench.port.opens_at
        pauses.append([ticks_diff(b, a) for a, b in itertools.pairwise(at)])
    for series in pauses:
        for i, pause_ms in enumerate(series):
            full_ms = min(1_000 << i, 300_000)
            assert full_ms // 2 <= pause_ms <= full_ms + 100
    assert pauses[0] != pauses[1]


def test_short_lived_connections_do_not_reset_the_pause():
    """Two clients of one name throw each other out for ever: slowly, at least."""
    bench = Bench()
    for i in range(10):
        bench.rise()
        bench.run(5_000)
        bench.port.broken = True
        bench.run(100)
        assert bench.client.failures == i + 1
        assert not bench.port.up
    at = bench.port.opens_at
    assert ticks_diff(at[-1], at[0]) > 10 * 5_100 + (1 + 2 + 4 + 8 + 16 + 32 + 64 + 128) * 500
    bench.rise()
    bench.run(31_000)
    bench.port.broken = True
    bench.run(bench.options.spread_ms + 200)
    assert bench.port.opens == 12


@pytest.mark.parametrize("n", range(1, 9))
def test_broker_closes_in_the_middle_of_a_packet(n):
    bench = Bench()
    bench.rise()
    bench.port.say(b"\x30\x07\x00\x01tbody"[:n])
    bench.run(100)
    bench.port.broken = True
    bench.run(100)
    assert bench.client.fault == "connection lost"
    assert bench.inbox == []
    bench.rise()
    bench.port.say(b"\x30\x07\x00\x01tbody")
    bench.run(100)
    assert bench.inbox == [b"body"]  # nothing of the torn packet is left


def test_acknowledged_before_it_was_sent():
    """The packet under way is finished all the same, else the next one would be part of it."""
    bench = Bench()
    bench.rise()
    bench.port.takes = 5
    at = bench.client.begin(b"up")
    bench.client.commit(at + 100, bench.now_ms)
    bench.client.step(bench.now_ms)
    bench.port.say(b"\x40\x02" + bench.client.slot[at - 2:at])
    bench.run(100)
    assert bench.client.strays == 1
    bench.run(2_000)
    (packet,) = bench.port.packets()
    bench.port.say(puback(packet))
    bench.run(100)
    assert not bench.is_pending()


def test_a_new_connection_begins_with_connect_and_nothing_else():
    """What the old one did not get out is not the new one's first packet."""
    bench = Bench(status_topic=b"s")
    bench.rise()
    bench.run(45_500)  # a ping waits for its answer
    bench.port.takes = 1
    bench.client.publish(b"state", bytes(500))
    bench.run(200)
    bench.port.broken = True
    bench.run(100)
    bench.port.takes = 1 << 20
    kinds = [packet[0] for packet in bench.rise()]
    assert kinds == [0x10, 0x82, 0x31]
    bench.run(15_000)
    assert bench.client.is_up()
    assert bench.client.failures == 1


def test_message_waits_for_its_acknowledgement_from_the_new_connection_on():
    bench = Bench()
    bench.rise()
    bench.publish()
    bench.port.refuses = bench.port.broken = True
    bench.run(60_000)
    bench.port.refuses = False
    while not bench.port.up:
        bench.run(20)
    bench.port.say(CONNACK)
    bench.run(20)
    bench.port.say(b"\x90\x03" + bench.port.packets()[-1][2:4] + b"\x01")
    bench.port.takes = 0
    bench.run(5_000)
    assert bench.client.is_up()


@pytest.mark.parametrize("early", [
    b"\x30\x04\x00\x01tx", b"\x40\x02\x00\x01", b"\x90\x03\x00\x01\x01", PINGRESP])
def test_nothing_may_come_before_connack(early):
    bench = Bench()
    bench.client.step(bench.now_ms)
    bench.port.say(early + CONNACK)
    bench.run(40)
    assert bench.client.fault == "not MQTT"
    assert bench.inbox == []


def test_connack_comes_once():
    bench = Bench()
    bench.rise()
    bench.port.say(CONNACK)
    bench.run(100)
    assert bench.client.fault == "not MQTT"


def test_suback_answers_our_subscribe_and_nothing_else():
    bench = Bench()
    bench.client.step(bench.now_ms)
    bench.port.say(CONNACK)
    bench.client.step(bench.now_ms)
    packet_id = bench.port.packets()[-1][2:4]
    bench.port.say(b"\x90\x03\x77\x77\x01")
    bench.run(100)
    assert not bench.client.is_up()
    bench.port.say((b"\x90\x03" + packet_id + b"\x01") * 2)
    bench.run(100)
    assert bench.client.is_up()
    assert bench.client.sessions == 1
    assert bench.client.strays == 2


def answers():
    """Bytes that may be MQTT, and may be anything."""
    sound = st.sampled_from([CONNACK, KNOWN, PINGRESP, b"\x40\x02\x00\x01", b"\x40\x02\x00\x02",
                             b"\x90\x03\x00\x01\x01", b"\x32\x06\x00\x01t\x00\x09x",
                             b"\x30\x04\x00\x01tx", b"\x32\xff\x7f\x00\x01t\x00\x08"])
    return st.one_of(sound, sound, st.binary(max_size=30))


@settings(max_examples=200)
@given(st.lists(st.tuples(answers(), st.booleans(), st.integers(0, 70_000)), max_size=25))
def test_any_broker_is_survived(script):
    """No bytes, in no state, raise, hang, grow a buffer or stop the client from coming back."""
    bench = Bench(status_topic=b"s")
    client, sizes = bench.client, None
    for data, breaks, for_ms in script:
        bench.port.say(data)
        bench.port.broken = breaks
        if client.begin(b"up") > 0:
            client.commit(40, bench.now_ms)
        bench.run(for_ms)
        now = [len(client.slot), len(client._control), len(client._in), len(client._reader.body)]
        sizes = sizes or now
        assert now == sizes
    bench.port.broken = True
    bench.run(100)
    bench.port.broken = False
    opens = bench.port.opens
    while bench.port.opens == opens or not bench.port.up:
        bench.run(100)
    bench.port.waiting = b""
    bench.now_ms = ticks_add(bench.now_ms, 100)
    bench.port.say(CONNACK)
    bench.client.step(bench.now_ms)
    subscribe = next(packet for packet in bench.port.packets() if packet[0] == 0x82)
    bench.port.say(b"\x90\x03" + subscribe[2:4] + b"\x01")
    bench.client.step(bench.now_ms)
    assert client.is_up()
