"""MQTT 5: the codec against the specification and another one, the client under virtual time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge import mqtt5_client
from edge.wire import mqtt5
from tests.sync.test_mqtt_client import Bench
from tests.sync.test_mqtt_codec import written

CONNACK = bytes.fromhex("2003000000")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=9)


class Bench5(Bench):
    """A client of version 5 on the bench of 3.1.1."""

    version = mqtt5_client

    def rise(self, connack=CONNACK):
        return super().rise(connack)

    def suback(self, subscribe, codes=b"\x01"):
        return b"\x90" + bytes([3 + len(codes)]) + subscribe[2:4] + b"\x00" + codes


def properties(packet: int, **values) -> bytes:
    """Properties as another maker's codec writes them, their length included."""
    made = Properties(packet)
    for name, value in values.items():
        setattr(made, name, value)
    return made.pack()


def connack(code=0, known=False, **values) -> bytes:
    body = bytes([known, code]) + properties(PacketTypes.CONNACK, **values)
    return b"\x20" + bytes([len(body)]) + body


def read(packet: bytes, capacity=512) -> "mqtt5.Reader | None":
    """The packet as the client takes it; None: it is no MQTT."""
    reader = mqtt5.Reader(capacity)
    assert reader.feed(packet, 0, len(packet)) == len(packet)
    assert reader.whole
    return reader if reader.parse() else None


def test_connect_says_what_the_specification_asks():
    hello = mqtt5.Hello(b"gw", 60, b"u", b"p", b"s", b"offline")
    hello.packet_max = 512
    packet = written(hello.put)
    assert packet[:12] == b"\x10\x31\x00\x04MQTT\x05\xec\x00\x3c"
    told = properties(PacketTypes.CONNECT, SessionExpiryInterval=604_800, ReceiveMaximum=16,
                      MaximumPacketSize=512, RequestProblemInformation=0)
    ours, size = Properties(PacketTypes.CONNECT).unpack(packet[12:])
    theirs, _ = Properties(PacketTypes.CONNECT).unpack(told)
    assert ours.json() == theirs.json()
    assert packet[12 + size:] == b"\x00\x02gw\x00\x00\x01s\x00\x07offline\x00\x01u\x00\x01p"


def test_what_we_send_has_empty_properties():
    assert written(mqtt5.put_subscribe, 7, [b"t"]) == b"\x82\x07\x00\x07\x00\x00\x01t\x01"
    assert written(mqtt5.put_publish, b"t", b"x", True) == b"\x31\x05\x00\x01t\x00x"
    slot = bytearray(20)
    at = mqtt5.begin_publish(slot, b"t", 9)
    slot[at:at + 2] = b"hi"
    start = mqtt5.end_publish(slot, at + 2, False)
    assert slot[start:at + 2] == b"\x32\x08\x00\x01t\x00\x09\x00hi"
    assert mqtt5.begin_publish(bytearray(5 + 4 + 1), b"t", 9) == -1  # no room for the length


@given(st.integers(1, 65_535), st.integers(1, 268_435_455), st.integers(0, 1),
       TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=3))
def test_another_codecs_connack_is_understood(keepalive, largest, qos, reason, pairs):
    made = Properties(PacketTypes.CONNACK)
    made.ServerKeepAlive, made.MaximumPacketSize, made.MaximumQoS = keepalive, largest, qos
    made.ReasonString, made.AssignedClientIdentifier = reason, "gw"
    for pair in pairs:
        made.UserProperty = pair
    body = b"\x00\x00" + made.pack()
    size = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 127 | 128, len(body) >> 7])
    reader = read(b"\x20" + size + body)
    assert reader is not None
    assert reader.said[mqtt5.KEEPALIVE] == keepalive
    assert reader.said[mqtt5.QOS_MAX] == qos
    assert reader.said[mqtt5.PACKET_MAX] == largest


@pytest.mark.parametrize(("packet", "fits"), [
    ("20 03 00 00 00", True), ("20 03 01 00 00", True),
    ("20 03 01 87 00", False),  # a refusal with a session
    ("20 02 00 01", True), ("20 02 00 00", False),  # of a broker that knows 3.1.1 alone
    ("20 06 00 00 03 13 00 3c", True),
    ("20 06 00 00 03 23 00 0a", False),  # an alias is PUBLISH's
    ("20 09 00 00 06 13 00 3c 13 00 3c", False),  # twice
    ("20 06 00 00 03 21 00 00", False),  # a receive maximum of 0
    ("20 08 00 00 05 27 00 00 00 00", False), ("20 05 00 00 02 24 02", False),
    ("20 05 00 00 02 13 00", False), ("20 05 00 00 03 13 00", False), ("20 04 00 00 00 00", False),
    ("20 07 00 00 04 1f 00 02 61", False),  # a text that is cut short
    ("20 07 00 00 04 1f 00 01 61", True),
    ("20 0f 00 00 0d 26 00 01 61 00 01 62 26 00 00 00 00", False),  # its length says 13, it is 12
    ("20 0f 00 00 0c 26 00 01 61 00 01 62 26 00 00 00 00", True),  # user properties come again
    ("20 06 00 00 ff ff ff ff", False), ("20 05 00 00 80 80 80", False),
    ("40 02 00 07", True), ("40 03 00 07 87", True), ("40 04 00 07 10 00", True),
    ("40 02 00 00", False), ("40 05 00 07 87 00 00", False), ("41 02 00 07", False),
    ("90 04 00 07 00 01", True), ("90 03 00 07 00", False), ("90 03 00 07 01", False),
    ("d0 00", True), ("d0 01 00", False),
    ("e0 00", True), ("e0 01 8b", True), ("e0 02 8e 00", True), ("e0 03 8e 00 00", False),
    ("30 05 00 01 74 00 78", True), ("30 03 00 01 74", False),
    ("30 08 00 01 74 03 23 00 01 78", False),  # an alias that nobody allowed
    ("30 03 00 00 00", False), ("34 07 00 01 74 00 07 00 78", False),
    ("f0 02 18 00", False), ("60 02 00 01", False),
])
def test_packets_to_the_letter(packet, fits):
    assert (read(bytes.fromhex(packet)) is not None) is fits


def test_a_publish_with_properties_arrives():
    bench = Bench5()
    bench.rise()
    told = properties(PacketTypes.PUBLISH, MessageExpiryInterval=9, ContentType="x",
                      UserProperty=("a", "b"))
    body = b"\x00\x01t\x12\x34" + told + b"body"
    bench.port.say(b"\x32" + bytes([len(body)]) + body)
    bench.run(100)
    assert bench.inbox == [b"body"]
    assert bench.port.packets() == [b"\x40\x02\x12\x34"]


def test_what_is_larger_than_we_take_is_left_and_answered():
    """Though a broker that was told our limit does not send it."""
    bench = Bench5()
    bench.rise()
    bench.port.say(b"\x32\xd0\x0f\x00\x01t\x00\x07\xc0\x0f" + bytes(2_000 - 7))
    bench.port.say(b"\x30\x05\x00\x01t\x00!")
    bench.run(1_000)
    assert (bench.inbox, bench.client.oversized) == ([b"!"], 1)
    assert bench.port.packets() == [b"\x40\x02\x00\x07"]


def test_a_refused_message_is_counted_and_makes_room_for_the_next():
    """It is no success: the outbox keeps the frame, which the bridge has not acknowledged."""
    bench = Bench5()
    bench.rise()
    for code in (0x87, 0x97):
        packet = bench.publish()
        bench.port.say(b"\x40\x03" + packet[6:8] + bytes([code]))
        bench.run(100)
        assert not bench.is_pending()
        assert bench.client.refusal == code
    assert bench.client.refused == 2
    assert bench.client.failures == 0
    packet = bench.publish()
    bench.port.say(b"\x40\x03" + packet[6:8] + b"\x10")  # nobody listens: that is no refusal
    bench.run(100)
    assert bench.client.refused == 2


def test_refused_subscriptions_are_counted():
    bench = Bench5()
    bench.client.step(bench.now_ms)
    bench.port.packets()
    bench.port.say(CONNACK)
    bench.client.step(bench.now_ms)
    bench.port.say(bench.suback(bench.port.packets()[-1], b"\x87"))
    bench.client.step(bench.now_ms)
    assert bench.client.is_up()
    assert bench.client.unsubscribed == 1


@pytest.mark.parametrize(("answer", "fault"), [
    (connack(MaximumPacketSize=8_192), "the broker takes too small packets"),
    (connack(MaximumQoS=0), "the broker takes no QoS 1"),
    (connack(0x87), "refused by the broker"),
    (b"\x20\x02\x00\x01", "refused by the broker"),
])
def test_a_broker_that_will_not_do(answer, fault):
    """Told at once; nothing is sent to it that it would have to refuse, and the pause grows."""
    bench = Bench5()
    bench.client.step(bench.now_ms)
    bench.port.packets()
    bench.port.say(answer)
    bench.client.step(bench.now_ms)
    assert bench.client.fault == fault
    assert bench.port.packets() == []
    assert not bench.port.up
    assert bench.client.refusal == answer[3]


def test_just_large_enough_is_enough():
    bench = Bench5()
    bench.rise(connack(MaximumPacketSize=8_193))
    at = bench.client.begin(b"up")
    bench.client.commit(len(bench.client.slot), bench.now_ms)
    bench.client.step(bench.now_ms)
    assert at == 5 + 2 + 2 + 2 + 1
    assert len(bench.port.packets()[-1]) <= 8_193


def test_the_brokers_keepalive_is_kept():
    bench = Bench5(keepalive_s=60)
    bench.rise(connack(ServerKeepAlive=20))
    bench.run(14_900)
    assert bench.port.packets() == []
    bench.run(300)
    assert bench.port.packets() == [b"\xc0\x00"]


@pytest.mark.parametrize("keepalive_s", [0, 1200])
def test_a_broker_without_patience_of_its_own_is_still_watched(keepalive_s):
    bench = Bench5(keepalive_s=60)
    bench.rise(connack(ServerKeepAlive=keepalive_s))
    bench.run(45_200)
    assert bench.port.packets() == [b"\xc0\x00"]


def test_the_brokers_goodbye_is_told():
    bench = Bench5()
    bench.rise()
    bench.port.say(b"\xe0\x01\x8b")
    bench.run(100)
    assert (bench.client.fault, bench.client.refusal) == ("ended by the broker", 0x8B)
    bench.rise()


@given(st.lists(st.binary(max_size=40) | st.sampled_from(
    [CONNACK, b"\x90\x04\x00\x01\x00\x01", b"\x40\x03\x00\x02\x87", b"\xd0\x00",
     b"\x32\x08\x00\x01t\x00\x09\x00x", b"\xe0\x00"]), max_size=30))
def test_any_bytes_are_survived(pieces):
    bench = Bench5()
    for piece in pieces:
        bench.run(100)
        if bench.client.begin(b"up") > 0:
            bench.client.commit(30, bench.now_ms)
        if bench.port.up:
            bench.port.say(piece)
    bench.run(400_000)  # after the longest pause
    bench.port.waiting = b""
    if not bench.client.is_up():
        bench.rise()
