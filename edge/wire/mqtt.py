"""MQTT 3.1.1 packets of a client, both ways, sans-IO and into preallocated buffers.

Clause numbers are those of "MQTT Version 3.1.1", OASIS Standard, 29 October 2014. A `put_...`
writes one whole packet at `at` and returns the index behind it, or -1 when it does not fit, and
then nothing was written. Texts are bytes, already UTF-8.
"""

from edge.compat import const

_CONNECT = const(0x10)
CONNACK = const(0x20)
PUBLISH = const(0x30)
PUBACK = const(0x40)
_SUBSCRIBE = const(0x82)  # the low bits are reserved and fixed, 3.8.1
SUBACK = const(0x90)
PINGREQ = const(0xC0)
PINGRESP = const(0xD0)
DISCONNECT = const(0xE0)

DUP = const(0x08)  # flags of PUBLISH, 3.3.1
_QOS1 = const(0x02)
_RETAIN = const(0x01)

HEAD = const(5)  # bytes: the longest fixed header, 2.2
_SIZE_MAX = const(268_435_455)  # bytes: the largest remaining length, table 2.4


def put_u16(buf: bytearray, at: int, value: int) -> int:
    """Write an integer data value, 1.5.2."""
    buf[at] = value >> 8
    buf[at + 1] = value & 0xFF
    return at + 2


def put_text(buf: bytearray, at: int, text: bytes) -> int:
    """Write a UTF-8 encoded string, 1.5.3."""
    at = put_u16(buf, at, len(text))
    buf[at:at + len(text)] = text
    return at + len(text)


def head_size(size: int) -> int:
    """Bytes of the fixed header of a packet whose remaining length is `size`, 2.2."""
    n = 2
    while size > 127:
        size >>= 7
        n += 1
    return n


def put_head(buf: bytearray, at: int, first: int, size: int) -> int:
    """Write the fixed header if the whole packet fits behind it, 2.2.3; -1 when it does not."""
    if size > _SIZE_MAX or at + head_size(size) + size > len(buf):
        return -1
    buf[at] = first
    at += 1
    while size > 127:
        buf[at] = size & 0x7F | 0x80
        size >>= 7
        at += 1
    buf[at] = size
    return at + 1


class Hello:
    """What CONNECT says, 3.1: who we are, and what the broker shall publish when we vanish."""

    def __init__(self, client_id: bytes, keepalive_s: int, user: bytes = b"",
                 password: bytes = b"", will_topic: bytes = b"", will: bytes = b"",
                 will_retain: bool = True, clean: bool = False) -> None:
        self.client_id = client_id
        self.keepalive_s = keepalive_s
        self.user = user  # empty: anonymous
        self.password = password
        self.will_topic = will_topic  # empty: no will
        self.will = will
        self.will_retain = will_retain
        self.clean = clean

    def flags(self) -> int:
        """Connect flags, 3.1.2.3 to 3.1.2.9; a will is sent at QoS 1."""
        flags = 0x02 if self.clean else 0
        if self.will_topic:
            flags |= 0x2C if self.will_retain else 0x0C
        if self.user:
            flags |= 0xC0 if self.password else 0x80
        return flags

    def size(self) -> int:
        """Remaining length of the packet, bytes."""
        size = 12 + len(self.client_id)
        if self.will_topic:
            size += 4 + len(self.will_topic) + len(self.will)
        if self.user:
            size += 2 + len(self.user)
            if self.password:
                size += 2 + len(self.password)
        return size

    def put(self, buf: bytearray, at: int) -> int:
        """Write CONNECT, 3.1."""
        at = put_head(buf, at, _CONNECT, self.size())
        if at < 0:
            return -1
        at = put_text(buf, at, b"MQTT")
        buf[at] = 4
        buf[at + 1] = self.flags()
        at = put_u16(buf, at + 2, self.keepalive_s)
        at = put_text(buf, at, self.client_id)
        if self.will_topic:
            at = put_text(buf, at, self.will_topic)
            at = put_text(buf, at, self.will)
        if self.user:
            at = put_text(buf, at, self.user)
            if self.password:
                at = put_text(buf, at, self.password)
        return at


def put_subscribe(buf: bytearray, at: int, packet_id: int, topics: list[bytes]) -> int:
    """Write SUBSCRIBE for every topic at QoS 1, 3.8."""
    size = 2
    for topic in topics:
        size += 3 + len(topic)
    at = put_head(buf, at, _SUBSCRIBE, size)
    if at < 0:
        return -1
    at = put_u16(buf, at, packet_id)
    for topic in topics:
        at = put_text(buf, at, topic)
        buf[at] = 1
        at += 1
    return at


def among(topics: list[bytes], topic: bytes) -> int:
    """Which of the subscriptions a message answers, a # at their ends understood; -1: none, 4.7."""
    for at in range(len(topics)):
        mine = topics[at]
        if topic == mine or (mine[-1] == 35 and topic.startswith(mine[:-1])):
            return at
    return -1


def put_publish(buf: bytearray, at: int, topic: bytes, payload: bytes, retain: bool) -> int:
    """Write PUBLISH at QoS 0, 3.3."""
    first = PUBLISH | _RETAIN if retain else PUBLISH
    at = put_head(buf, at, first, 2 + len(topic) + len(payload))
    if at < 0:
        return -1
    at = put_text(buf, at, topic)
    buf[at:at + len(payload)] = payload
    return at + len(payload)


def begin_publish(buf: bytearray, topic: bytes, packet_id: int) -> int:
    """Start PUBLISH at QoS 1 in a buffer of its own; where the payload goes, -1: no room.

    The payload is then built in place and its length need not be known before `end_publish`.
    """
    if HEAD + 4 + len(topic) > len(buf):
        return -1
    at = put_text(buf, HEAD, topic)
    return put_u16(buf, at, packet_id)


def end_publish(buf: bytearray, end: int, retain: bool) -> int:
    """Put the fixed header before a packet begun with `begin_publish`; where it starts."""
    start = HEAD - head_size(end - HEAD)
    put_head(buf, start, PUBLISH | _QOS1 | _RETAIN if retain else PUBLISH | _QOS1, end - HEAD)
    return start


def put_puback(buf: bytearray, at: int, packet_id: int) -> int:
    """Write PUBACK, 3.4."""
    at = put_head(buf, at, PUBACK, 2)
    return -1 if at < 0 else put_u16(buf, at, packet_id)


def put_empty(buf: bytearray, at: int, first: int) -> int:
    """Write PINGREQ or DISCONNECT, 3.12 and 3.14."""
    return put_head(buf, at, first, 0)


class Reader:
    """Finds the broker's packets in its bytes, however they are cut.

    Feed it until `whole`; then `parse`. Of a body longer than the buffer only the beginning is
    kept, the rest is counted past. `broken`: the bytes are not MQTT, nothing more can be found.
    """

    def __init__(self, capacity: int) -> None:
        self.body = bytearray(capacity)
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new connection begins."""
        self.first = 0  # first byte of the fixed header: kind and flags
        self.size = 0  # remaining length, bytes
        self.kept = 0  # bytes of the body that are in `body`
        self.packet_id = 0  # after `parse`; 0: none
        self.topic_end = 0  # of PUBLISH: the topic is body[2:topic_end]
        self.payload_at = 0  # of PUBLISH and SUBACK: the payload is body[payload_at:kept]
        self.whole = False
        self.broken = False
        self._shift = -1  # of the next length byte; -1: at the first byte; -2: in the body
        self._seen = 0  # bytes of the body so far

    def feed(self, buf: bytearray, at: int, end: int) -> int:
        """Take bytes of buf[at:end] up to the end of one packet; the index of the first untaken."""
        if self.whole:
            self.reset()
        while at < end and not self.whole and not self.broken:
            if self._shift == -2:
                at = self._take_body(buf, at, end)
            elif self._shift == -1:
                self.first = buf[at]
                self._shift = 0
                at += 1
            else:
                self._take_length(buf[at])
                at += 1
        return at

    def _take_length(self, byte: int) -> None:
        self.size += (byte & 0x7F) << self._shift
        if byte < 0x80:
            self._shift = -2
            self.whole = self.size == 0
        elif self._shift == 21:
            self.broken = True  # a fifth length byte, 2.2.3
        else:
            self._shift += 7

    def _take_body(self, buf: bytearray, at: int, end: int) -> int:
        n = min(self.size - self._seen, end - at)
        keep = min(n, len(self.body) - self.kept)
        if keep:
            self.body[self.kept:self.kept + keep] = buf[at:at + keep]
            self.kept += keep
        self._seen += n
        self.whole = self._seen == self.size
        return at + n

    def parse(self) -> bool:
        """Whether the whole packet is one that a broker may send to this client, 2.2.2 and 4.8."""
        first, size = self.first, self.size
        if first & 0xF0 == PUBLISH:
            return self._parse_publish()
        if first == PINGRESP:
            return size == 0
        if first == CONNACK:
            return size == 2 and self.body[0] < 2
        if first == PUBACK:
            return size == 2 and self._take_id(0)
        self.payload_at = 2
        return first == SUBACK and size > 2 and self._take_id(0)

    def _parse_publish(self) -> bool:
        body, qos = self.body, self.first >> 1 & 3
        if qos > 1 or self.size < 3:  # QoS 2 was never asked for
            return False
        end = 2 + (body[0] << 8 | body[1])
        self.topic_end = end
        self.payload_at = end + 2 * qos
        if end == 2 or self.payload_at > self.size:
            return False
        # A topic longer than the buffer is none of ours; without its id it can't be acknowledged.
        return qos == 0 or self.payload_at > self.kept or self._take_id(end)

    def _take_id(self, at: int) -> bool:
        self.packet_id = self.body[at] << 8 | self.body[at + 1]
        return self.packet_id != 0

    def qos(self) -> int:
        """Quality of service of a PUBLISH, 0 or 1."""
        return self.first >> 1 & 3

    def cut(self) -> bool:
        """Whether part of the body was dropped for want of room."""
        return self.kept < self.size
