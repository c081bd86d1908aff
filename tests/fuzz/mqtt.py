"""Any bytes as what a broker sends, to the readers of both versions of MQTT."""

from edge.wire import mqtt, mqtt5

CAPACITY = 96
KINDS = (mqtt.CONNACK, mqtt.PUBLISH, mqtt.PUBACK, mqtt.SUBACK, mqtt.PINGRESP, mqtt.DISCONNECT)
_PACKETS = (b"\x20\x02\x00\x00", b"\x32\x07\x00\x01t\x00\x09hi", b"\x30\x05\x00\x01thi",
            b"\x40\x02\x00\x09", b"\x90\x04\x00\x01\x01\x80", b"\xd0\x00",
            b"\x30\xff\xff\xff\x7f\x00\x01t")
_PACKETS5 = (b"\x20\x06\x00\x00\x03\x21\x00\x14", b"\x32\x0a\x00\x01t\x00\x09\x02\x01\x01hi",
             b"\x40\x04\x00\x09\x10\x00", b"\x90\x05\x00\x01\x00\x01\x87", b"\xe0\x02\x8b\x00")
SEEDS = [bytes([2 * at]) + packet for at, packet in enumerate((*_PACKETS, b"".join(_PACKETS)))]
SEEDS += [bytes([2 * at + 1]) + packet for at, packet in enumerate((*_PACKETS5,
                                                                   b"".join(_PACKETS5)))]


def one(data: bytes) -> None:
    """The first byte says which version, how the bytes are cut, and so on; the rest is said."""
    if not data:
        return
    codec = mqtt5 if data[0] & 1 else mqtt
    step = 1 + (data[0] >> 1)
    whole, pieces = _packets(codec, data[1:], len(data)), _packets(codec, data[1:], step)
    assert whole == pieces, "how the bytes are cut changes what they are"


def _packets(codec, data: bytes, step: int) -> list[tuple]:
    """What a reader makes of it when it comes `step` bytes at a time."""
    reader, found, at = codec.Reader(CAPACITY), [], 0
    while at < len(data):
        end = min(at + step, len(data))
        while at < end and not reader.broken:
            at = reader.feed(data, at, end)
            if reader.whole:
                found.append(_packet(reader))
        if reader.broken:
            return [*found, "broken"]
        assert at == end, "a reader takes all it is given"
    return found


def _packet(reader) -> tuple:
    """A whole packet, with what must hold of one that is taken for MQTT."""
    fits = reader.parse()
    assert len(reader.body) == CAPACITY
    assert reader.kept == min(reader.size, CAPACITY)
    if not fits:
        return (False, reader.first, reader.size)
    assert reader.first & 0xF0 in KINDS
    if reader.first & 0xF0 == mqtt.PUBLISH:
        assert reader.qos() < 2
        assert 2 < reader.topic_end <= reader.payload_at <= reader.size
        assert reader.qos() == 0 or reader.packet_id or reader.cut()
    return (True, reader.first, reader.size, reader.packet_id, reader.payload_at,
            bytes(reader.body[:reader.kept]))
