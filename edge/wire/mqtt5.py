"""MQTT 5 packets of a client, by the same words as edge/wire/mqtt.py, which says what they mean.

Clause numbers are those of "MQTT Version 5.0", OASIS Standard, 7 March 2019. What the broker sends
is held to the letter: properties of another packet, told twice or cut short are no MQTT. A topic
alias is neither sent nor taken: a message that is kept over connections needs its topic anyway.
"""

from edge.compat import const
from edge.wire import mqtt
from edge.wire.mqtt import CONNACK, PINGRESP, PUBACK, PUBLISH, SUBACK, put_head, put_text, put_u16
from edge.wire.mqtt import DISCONNECT as DISCONNECT
from edge.wire.mqtt import end_publish as end_publish

# What CONNACK may say, by the identifier of the property, 3.2.2.3.
KEEPALIVE = const(0x13)  # s
QOS_MAX = const(0x24)
PACKET_MAX = const(0x27)  # bytes
_RECEIVE_MAX = const(0x21)

_CONNECT = const(0x10)
_SUBSCRIBE = const(0x82)
_RETAIN = const(0x01)
_SESSION_S = const(604_800)  # a broker keeps what it has for us for a week, 3.1.2.11.2
_AHEAD = const(16)  # QoS 1 messages that it may send ahead of our answers, 3.1.2.11.3
_HELLO_BYTES = const(16)  # of CONNECT's properties with their length
_LARGE = const(0x3FFF_FFFF)  # and whatever is larger: 31 bits on a gateway

# Which properties a packet may have, and of what kind: identifier, then 1, 2 or 4 for an integer of
# so many bytes, t for a text or binary data, p for a pair of texts; 2.2.2.2. A user property (&,
# 0x26) alone may come again. Subscription identifiers and aliases were never asked for.
_OF_CONNACK = b"\x114!2$1%1'4\x12t\"2\x1ft&p(1)1*1\x132\x1at\x1ct\x15t\x16t"
_OF_PUBLISH = b"\x011\x024\x03t\x08t\x09t&p"
_OF_ANSWER = b"\x1ft&p"
_OF_DISCONNECT = b"\x114\x1ft&p\x1ct"
_FLAGS = b"\x01$%()*"  # 0 or 1
_NEVER_0 = b"!'"


class Hello(mqtt.Hello):
    """What CONNECT says, 3.1."""

    packet_max = _LARGE  # bytes: the largest packet that we take

    def size(self) -> int:
        """Remaining length of the packet, bytes."""
        will_properties = 1 if self.will_topic else 0
        return mqtt.Hello.size(self) + _HELLO_BYTES + will_properties

    def put(self, buf: bytearray, at: int) -> int:
        """Write CONNECT: the session outlives the connection, reasons in words are not wanted."""
        at = put_head(buf, at, _CONNECT, self.size())
        if at < 0:
            return -1
        at = put_text(buf, at, b"MQTT")
        buf[at] = 5
        buf[at + 1] = self.flags()
        at = put_u16(buf, at + 2, self.keepalive_s)
        buf[at] = _HELLO_BYTES - 1
        at = _put_u32(buf, at + 1, 0x11, _SESSION_S)
        buf[at] = _RECEIVE_MAX
        at = put_u16(buf, at + 1, _AHEAD)
        at = _put_u32(buf, at, PACKET_MAX, self.packet_max)
        at = put_u16(buf, at, 0x1700)  # request problem information: no, 3.1.2.11.7
        at = put_text(buf, at, self.client_id)
        if self.will_topic:
            buf[at] = 0
            at = put_text(buf, at + 1, self.will_topic)
            at = put_text(buf, at, self.will)
        if self.user:
            at = put_text(buf, at, self.user)
            if self.password:
                at = put_text(buf, at, self.password)
        return at


def _put_u32(buf: bytearray, at: int, name: int, value: int) -> int:
    buf[at] = name
    return put_u16(buf, put_u16(buf, at + 1, value >> 16), value & 0xFFFF)


def put_subscribe(buf: bytearray, at: int, packet_id: int, topics: list[bytes]) -> int:
    """Write SUBSCRIBE for every topic at QoS 1, 3.8."""
    size = 3
    for topic in topics:
        size += 3 + len(topic)
    at = put_head(buf, at, _SUBSCRIBE, size)
    if at < 0:
        return -1
    at = put_u16(buf, at, packet_id)
    buf[at] = 0
    at += 1
    for topic in topics:
        at = put_text(buf, at, topic)
        buf[at] = 1
        at += 1
    return at


def put_publish(buf: bytearray, at: int, topic: bytes, payload: bytes, retain: bool) -> int:
    """Write PUBLISH at QoS 0, 3.3."""
    first = PUBLISH | _RETAIN if retain else PUBLISH
    at = put_head(buf, at, first, 3 + len(topic) + len(payload))
    if at < 0:
        return -1
    at = put_text(buf, at, topic)
    buf[at] = 0
    at += 1
    buf[at:at + len(payload)] = payload
    return at + len(payload)


def begin_publish(buf: bytearray, topic: bytes, packet_id: int) -> int:
    """Start PUBLISH at QoS 1 in a buffer of its own; where the payload goes, -1: no room."""
    at = mqtt.begin_publish(buf, topic, packet_id)
    if not 0 < at < len(buf):
        return -1
    buf[at] = 0
    return at + 1


class Reader(mqtt.Reader):
    """Finds the broker's packets in its bytes. After `parse`: `code`, the reason of a PUBACK or a
    DISCONNECT, and `said`, the integers among the properties of a CONNACK."""

    def reset(self) -> None:
        """Forget everything: a new connection begins."""
        mqtt.Reader.reset(self)
        self.code = 0
        self.said: dict[int, int] = {}

    def parse(self) -> bool:
        """Whether the whole packet is one that a broker may send to this client."""
        first, size, body = self.first, self.size, self.body
        if first & 0xF0 == PUBLISH:
            return self._parse_publish() and (
                self.payload_at > self.kept or self._properties(_OF_PUBLISH))
        if self.cut():
            return False  # larger than we said that we take
        if first == PINGRESP:
            return size == 0
        self.payload_at = 2
        if first == CONNACK and size == 2:  # it speaks 3.1.1 alone and says so, there in 3.2.2.3
            return body[0] == 0 and body[1] == 1
        if first == CONNACK:  # a refusal has no session, 3.2.2.1.1
            return (size > 2 and body[0] < 2 and (body[0] == 0 or body[1] == 0)
                    and self._properties(_OF_CONNACK) and self.payload_at == size)
        if first == SUBACK:
            return (size > 3 and self._take_id(0) and self._properties(_OF_ANSWER)
                    and self.payload_at < size)
        if first == PUBACK:
            return size > 1 and self._take_id(0) and self._reason(2, _OF_ANSWER)
        return first == DISCONNECT and self._reason(0, _OF_DISCONNECT)

    def _reason(self, at: int, allowed: bytes) -> bool:
        """A reason code, which may be left out when it is 0, and properties likewise."""
        self.code = self.body[at] if self.size > at else 0
        self.payload_at = at + 1
        return self.size <= at + 1 or (self._properties(allowed) and self.payload_at == self.size)

    def _properties(self, allowed: bytes) -> bool:
        """Step `payload_at` over properties, each of them allowed here, 2.2.2."""
        body, at = self.body, self.payload_at
        size = shift = 0
        while True:
            if at >= self.kept or shift > 21:
                return self.cut() and shift <= 21
            size += (body[at] & 0x7F) << shift
            at += 1
            shift += 7
            if body[at - 1] < 0x80:
                break
        end = self.payload_at = at + size
        if end > self.kept:
            return end <= self.size  # of a message that is too large: not looked at
        seen = 0
        while at < end:
            n = self._property(at, end, allowed)
            bit = 1 << body[at] % 31  # no two that one packet may have fall together
            if n == 0 or (body[at] != 0x26 and seen & bit):
                return False
            seen |= bit
            at += n
        return True

    def _property(self, at: int, end: int, allowed: bytes) -> int:
        """Bytes of the property at body[at]; 0: it is none that may stand there."""
        body, name, kind = self.body, self.body[at], 0
        for i in range(0, len(allowed), 2):
            if allowed[i] == name:
                kind = allowed[i + 1]
        at += 1
        if kind == 0:
            return 0
        if kind < 0x35:  # an integer of so many bytes
            n = kind - 0x30
            if at + n > end:
                return 0
            value = 0
            for byte in body[at:at + n]:
                value = value << 8 | byte if value < 1 << 22 else _LARGE
            if (value == 0 and name in _NEVER_0) or (value > 1 and name in _FLAGS):
                return 0
            self.said[name] = value
            return 1 + n
        behind = self._behind_text(at, end)
        if kind == 0x70:
            behind = self._behind_text(behind, end)
        return behind + 1 - at if behind <= end else 0

    def _behind_text(self, at: int, end: int) -> int:
        return at + 2 + (self.body[at] << 8 | self.body[at + 1]) if at + 2 <= end else end + 1
