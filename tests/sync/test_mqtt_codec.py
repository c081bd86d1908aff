"""The MQTT codec against the examples of the specification, another codec, and any bytes."""

import pytest
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.subscribe import SubscribePacket
from hypothesis import given
from hypothesis import strategies as st

from edge.wire import mqtt

TOPICS = st.text(st.characters(codec="utf-8", exclude_characters="\0#+"), min_size=1, max_size=40)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


def written(put, *args) -> bytes:
    """What a `put_...` function writes in the middle of a buffer."""
    buf = bytearray(b"\xaa" * 4096)
    end = put(buf, 7, *args)
    assert buf[:7] == b"\xaa" * 7
    assert buf[end:] == b"\xaa" * (4096 - end)
    return bytes(buf[7:end])


def published(topic: bytes, payload: bytes, packet_id: int, retain: bool = False) -> bytes:
    """A QoS 1 PUBLISH built in place."""
    slot = bytearray(len(topic) + len(payload) + 9)
    at = mqtt.begin_publish(slot, topic, packet_id)
    end = at + len(payload)
    slot[at:end] = payload
    return bytes(slot[mqtt.end_publish(slot, end, retain):end])


def test_remaining_length_examples_of_2_2_3():
    """Table 2.4 and the two worked examples above it."""
    for size, code in [(0, "00"), (64, "40"), (127, "7f"), (128, "8001"), (321, "c102"),
                       (16_383, "ff7f"), (16_384, "808001"), (2_097_151, "ffff7f"),
                       (2_097_152, "80808001"), (268_435_455, "ffffff7f")]:
        buf = Room(size)
        assert mqtt.put_head(buf, 0, 0x30, size) == 1 + len(code) // 2
        assert buf.written == b"\x30" + bytes.fromhex(code)
        assert mqtt.head_size(size) == len(buf.written)
        reader = mqtt.Reader(8)
        reader.feed(b"\x30" + bytes.fromhex(code), 0, len(buf.written))
        assert (reader.size, reader.broken, reader.whole) == (size, False, size == 0)
    assert mqtt.put_head(Room(300_000_000), 0, 0x30, 268_435_456) == -1


class Room:
    """As much room as claimed, without taking a quarter of a gigabyte for it."""

    def __init__(self, size: int):
        self.size = size
        self.written = b""

    def __len__(self) -> int:
        return self.size + 5

    def __setitem__(self, at: int, byte: int):
        assert at == len(self.written)
        self.written += bytes([byte])


def test_string_example_of_1_5_3():
    assert written(mqtt.put_text, "A\U0002A6D4".encode()) == bytes.fromhex("0005 41 F0AA9B94")


def test_connect_example_of_3_1_2():
    """Figure 3.6: will at QoS 1, not retained, user, password, clean session, 10 s."""
    hello = mqtt.Hello(b"c", 10, b"u", b"p", b"w", b"m", will_retain=False, clean=True)
    variable_header = bytes.fromhex("0004 4D515454 04 CE 000A")
    payload = bytes.fromhex("0001 63  0001 77  0001 6D  0001 75  0001 70")  # in the order of 3.1.3
    assert written(hello.put) == b"\x10\x19" + variable_header + payload


def test_publish_example_of_3_3_2():
    """Topic "a/b", packet identifier 10; the payload follows without a length."""
    variable_header = bytes.fromhex("0003 612F62 000A")
    assert published(b"a/b", b"xyz", 10) == b"\x32\x0a" + variable_header + b"xyz"
    assert published(b"a/b", b"", 10, retain=True) == b"\x33\x07" + variable_header
    assert written(mqtt.put_publish, b"a/b", b"z", True) == bytes.fromhex("31 06 0003 612F62 7A")


def test_subscribe_example_of_3_8_3():
    """Figure 3.23 asks "c/d" at QoS 2, we never ask for more than 1."""
    example = bytes.fromhex("82 0E 000A  0003 612F62 01  0003 632F64 02")
    assert written(mqtt.put_subscribe, 10, [b"a/b", b"c/d"]) == example[:-1] + b"\x01"


def test_packets_without_a_choice():
    assert written(mqtt.put_empty, mqtt.PINGREQ) == b"\xc0\x00"  # 3.12
    assert written(mqtt.put_empty, mqtt.DISCONNECT) == b"\xe0\x00"  # 3.14
    assert written(mqtt.put_puback, 0x1234) == b"\x40\x02\x12\x34"  # 3.4


class Stream:
    """Bytes as the other codec wants to read them."""

    def __init__(self, data: bytes):
        self.data = data

    async def read(self, n: int = -1) -> bytes:
        head, self.data = (self.data, b"") if n < 0 else (self.data[:n], self.data[n:])
        return head


def understood(packet_class, data: bytes):
    """What the other codec makes of a packet; it is a coroutine that never has to wait."""
    try:
        packet_class.from_stream(Stream(data)).send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the stream never waits")


@given(TOPICS, st.integers(10, 1200), TEXTS, TEXTS, TOPICS, TEXTS, st.booleans())
def test_another_codec_reads_our_connect(client_id, keepalive, user, password, topic, will, clean):
    if not user:
        password = ""
    hello = mqtt.Hello(client_id.encode(), keepalive, user.encode(), password.encode(),
                       topic.encode(), will.encode(), clean=clean)
    packet = understood(ConnectPacket, written(hello.put))
    assert (packet.client_id, packet.keep_alive) == (client_id, keepalive)
    assert (packet.username or "", packet.password or "") == (user, password)
    assert (packet.will_topic, packet.will_message) == (topic, will.encode())
    assert (packet.will_qos, packet.will_retain_flag) == (1, True)
    assert packet.clean_session_flag == clean


@given(TOPICS, st.binary(max_size=300), st.integers(1, 65_535), st.booleans())
def test_another_codec_reads_our_publish(topic, payload, packet_id, retain):
    packet = understood(PublishPacket, published(topic.encode(), payload, packet_id, retain))
    assert (packet.topic_name, packet.data, packet.packet_id) == (topic, payload, packet_id)
    assert (packet.qos, packet.retain_flag, packet.dup_flag) == (1, retain, False)
    packet = understood(PublishPacket, written(mqtt.put_publish, topic.encode(), payload, retain))
    assert (packet.topic_name, packet.data) == (topic, payload)
    assert (packet.qos, packet.retain_flag, packet.dup_flag) == (0, retain, False)


@given(st.lists(TOPICS, min_size=1, max_size=5), st.integers(1, 65_535))
def test_another_codec_reads_our_subscribe(topics, packet_id):
    data = written(mqtt.put_subscribe, packet_id, [topic.encode() for topic in topics])
    packet = understood(SubscribePacket, data)
    assert packet.variable_header.packet_id == packet_id
    assert packet.payload.topics == [(topic, 1) for topic in topics]


@given(st.integers(0, 80), st.integers(0, 80))
def test_no_room_means_nothing_written(room, at):
    hello = mqtt.Hello(b"client", 60, b"user", b"password", b"topic", b"will")
    for put, args in [(hello.put, ()), (mqtt.put_subscribe, (1, [b"a/b", b"c/d"])),
                      (mqtt.put_publish, (b"a/b", b"payload", False)),
                      (mqtt.put_puback, (1,)), (mqtt.put_empty, (mqtt.PINGREQ,))]:
        buf = bytearray(room)
        needed = len(written(put, *args))
        end = put(buf, at, *args)
        assert len(buf) == room
        assert end == (at + needed if at + needed <= room else -1)
        assert end > 0 or not any(buf)


def events(data: bytes, cuts: list[int], capacity: int) -> list[tuple]:
    """All that a reader finds in `data`, handed over in pieces."""
    reader, found, pieces, at = mqtt.Reader(capacity), [], [], 0
    for cut in [*sorted(cuts), len(data)]:
        pieces.append(data[at:cut])
        at = max(at, cut)
    for piece in pieces:
        at = 0
        while at < len(piece) and not reader.broken:
            before, at = at, reader.feed(piece, at, len(piece))
            assert at > before
            if reader.whole:
                sound = reader.parse()
                found.append((reader.first, reader.size, sound, reader.cut(), reader.packet_id,
                              bytes(reader.body[:reader.kept])))
                assert reader.kept == min(reader.size, capacity)
    assert len(reader.body) == capacity
    return [*found, ("broken", reader.broken)]


PACKETS = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda topic, payload, n: published(topic.encode(), payload, n),
              TOPICS, st.binary(max_size=200), st.integers(1, 65_535)),
    st.builds(lambda first, body: bytes([first, len(body)]) + body,
              st.integers(0, 255), st.binary(max_size=127)))


@given(st.lists(PACKETS, max_size=6).map(b"".join), st.data())
def test_any_bytes_in_any_pieces_give_the_same(data, draw):
    cuts = draw.draw(st.lists(st.integers(0, len(data)), max_size=12))
    for capacity in (8, 64):
        assert events(data, cuts, capacity) == events(data, [], capacity)
    assert events(data, list(range(len(data))), 64) == events(data, [], 64)


@given(TOPICS, st.binary(max_size=300), st.integers(1, 65_535))
def test_reader_finds_what_was_published(topic, payload, packet_id):
    for qos, data in enumerate([written(mqtt.put_publish, topic.encode(), payload, False),
                                published(topic.encode(), payload, packet_id)]):
        reader = mqtt.Reader(1024)
        assert reader.feed(data, 0, len(data)) == len(data)
        assert reader.whole
        assert reader.parse()
        assert not reader.cut()
        assert reader.qos() == qos
        assert reader.packet_id == qos * packet_id
        assert reader.body[2:reader.topic_end] == topic.encode()
        assert reader.body[reader.payload_at:reader.kept] == payload


@pytest.mark.parametrize(("data", "packet_id"), [
    ("20020000", 0), ("20020105", 0),  # CONNACK accepted; refused, session present
    ("40021234", 0x1234), ("9005000A 000280", 10),  # PUBACK; SUBACK as figure 3.26
    ("d000", 0), ("3b07 0003612F62 000A", 10)])
def test_sound_packets(data, packet_id):
    data = bytes.fromhex(data)
    reader = mqtt.Reader(64)
    assert reader.feed(data, 0, len(data)) == len(data)
    assert reader.whole
    assert reader.parse()
    assert reader.packet_id == packet_id


@pytest.mark.parametrize("data", [
    "20020200", "200100", "21020000", "2003000000",  # CONNACK: flags, short, reserved bits, long
    "40020000", "4003000100", "41020001",  # PUBACK: identifier 0, long, reserved bits
    "9002000A", "9003000001", "92030001 00",  # SUBACK: no return code, identifier 0, reserved bits
    "d001 00", "d100", "0000", "f000",  # PINGRESP with a body, reserved bits, reserved kinds
    "10020000", "8202000A", "c000", "e000", "50020001", "b0020001",  # not for a client of ours
    "340d 0003612F62 000A 000000000000", "360d 0003612F62 000A 000000000000",  # QoS 2 and 3
    "3003 0000 78", "3205 0000 000A 78",  # empty topic
    "3000", "3001 00", "3004 0003612F", "3205 0003612F62", "3207 0003612F62 0000"])
def test_unsound_packets(data):
    data = bytes.fromhex(data)
    reader = mqtt.Reader(64)
    assert reader.feed(data, 0, len(data)) == len(data)
    assert reader.whole
    assert not reader.parse()


def test_fifth_length_byte_is_broken():
    reader = mqtt.Reader(64)
    assert reader.feed(bytes.fromhex("30ffffffff7f"), 0, 6) == 5
    assert reader.broken
    assert not reader.whole
