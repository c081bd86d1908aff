"""The MQTT client under virtual time, against a port that a test scripts byte by byte."""


from hypothesis import given
from hypothesis import strategies as st

from edge import mqtt_client
from edge.ticks import ticks_add, ticks_diff

START_MS = (1 << 30) - 4_000  # the clock wraps four seconds into every test
CONNACK = bytes.fromhex("20020000")
KNOWN = bytes.fromhex("20020100")  # session present
PINGRESP = b"\xd0\x00"


class Port:
    """The broker's side is a test: `sent` is what arrived there, `say` what it answers."""

    def __init__(self):
        self.up = False
        self.opens = 0
        self.opens_at = []
        self.connects_after = 0  # calls of is_open
        self.refuses = False
        self.takes = 1 << 20  # bytes the pipe takes a step
        self.gives = 1 << 20  # bytes it gives at a time
        self.broken = False
        self.sent = b""
        self.waiting = b""

    def open(self, now_ms):
        self.opens += 1
        self.opens_at.append(now_ms)
        self.up, self.broken, self.asked = True, False, 0
        self.sent = self.waiting = b""
        if self.refuses:
            raise OSError(111)

    def is_open(self):
        self.asked += 1
        return self.asked > self.connects_after

    def send(self, buf, n):
        assert self.up
        assert 0 < n <= len(buf)
        if self.broken:
            raise OSError(104)
        n = min(n, self.takes)
        self.sent += bytes(buf[:n])
        return n

    def recv(self, buf, at):
        assert self.up
        n = min(len(buf) - at, len(self.waiting), self.gives)
        if self.broken and not n:
            raise OSError(104)
        buf[at:at + n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n

    def close(self):
        self.up = False

    def say(self, data):
        self.waiting += data

    def packets(self):
        """The whole packets sent so far, taken off."""
        found = []
        while len(self.sent) > 1:
            size, width = self.sent[1] & 127, 2
            if self.sent[1] > 127:
                size, width = size + self.sent[2] * 128, 3
            if len(self.sent) < width + size:
                break
            found.append(self.sent[:width + size])
            self.sent = self.sent[width + size:]
        return found


class Inbox(list):
    """A receiver that keeps what it gets."""

    def receive(self, buf, start, end, now_ms):
        self.append(bytes(buf[start:end]))


class Bench:
    """A client, its port and a clock that only the test moves."""

    version = mqtt_client

    def __init__(self, **options):
        self.options = self.version.Options(b"gw", **options)
        self.port = Port()
        self.client = self.version.MqttClient(self.port, self.options)
        self.inbox = Inbox()
        self.client.subscribe(b"t", self.inbox)
        self.now_ms = START_MS

    def run(self, for_ms):
        """Let time pass; the client is stepped whenever it asked to be."""
        end_ms = ticks_add(self.now_ms, for_ms)
        while ticks_diff(end_ms, self.now_ms) > 0:
            wait_ms = self.client.step(self.now_ms)
            assert 0 < wait_ms <= 100
            self.now_ms = ticks_add(self.now_ms, wait_ms)

    def rise(self, connack=CONNACK):
        """Bring the client up, after its pause; what it said on the way."""
        said = []
        while not self.port.up:
            self.run(100)
        for answer in (connack, None):
            self.client.step(self.now_ms)
            packets = self.port.packets()
            said += packets
            self.port.say(answer or self.suback(packets[-1]))
        self.client.step(self.now_ms)
        assert self.client.is_up()
        return said + self.port.packets()

    def suback(self, subscribe):
        return b"\x90\x03" + subscribe[2:4] + b"\x01"

    def publish(self, payload=b"hello"):
        """Publish at QoS 1; the packet on the wire."""
        at = self.client.begin(b"up")
        assert at > 0
        self.client.slot[at:at + len(payload)] = payload
        self.client.commit(at + len(payload), self.now_ms)
        self.client.step(self.now_ms)
        return self.port.packets()[-1]

    def is_pending(self):
        """Whether a message still waits for its PUBACK."""
        return self.client.begin(b"up") < 0


def puback(publish: bytes) -> bytes:
    return b"\x40\x02" + publish[6:8]  # behind the topic "up"


def test_connect_subscribe_and_status():
    bench = Bench(user=b"u", password=b"p", status_topic=b"s", keepalive_s=60)
    connect, subscribe, status = bench.rise()
    assert connect == (b"\x10\x20\x00\x04MQTT\x04\xec\x00\x3c\x00\x02gw"
                       b"\x00\x01s\x00\x07offline\x00\x01u\x00\x01p")
    assert subscribe == b"\x82\x06" + subscribe[2:4] + b"\x00\x01t\x01"
    assert status == b"\x31\x09\x00\x01sonline"
    bench.client.leave(bench.now_ms)
    assert bench.port.packets() == [b"\x31\x0a\x00\x01soffline", b"\xe0\x00"]
    assert not bench.port.up
    bench.run(600_000)
    assert bench.port.opens == 1


def test_publish_is_acknowledged_once():
    bench = Bench()
    bench.rise()
    packet = bench.publish()
    assert packet[0] == 0x32
    assert packet.endswith(b"hello")
    assert bench.is_pending()
    bench.port.say(puback(packet)[:-1] + b"\xff")  # of another message
    bench.run(100)
    assert bench.is_pending()
    assert bench.client.strays == 1
    bench.port.say(puback(packet) * 2)
    bench.run(100)
    assert not bench.is_pending()
    assert bench.client.strays == 2


def test_lost_puback_ends_the_connection_and_the_message_is_sent_again():
    bench = Bench()
    bench.rise()
    packet = bench.publish()
    bench.run(bench.options.reply_ms)
    assert bench.client.is_up()
    bench.run(100)
    assert bench.client.fault == "no PUBACK in time"
    assert not bench.port.up
    again = bench.rise(KNOWN)[-1]
    assert again == b"\x3a" + packet[1:]  # DUP, and the same identifier: 3.3.1.1 and 4.4
    bench.port.say(puback(again))
    bench.run(100)
    assert not bench.is_pending()


def test_a_broker_that_forgot_us_gets_no_duplicate():
    bench = Bench()
    bench.rise()
    packet = bench.publish()
    for connack, first in [(KNOWN, 0x3a), (CONNACK, 0x32), (KNOWN, 0x3a)]:
        bench.port.broken = True
        bench.run(100)
        assert bench.rise(connack)[-1] == bytes([first]) + packet[1:]


def test_message_begun_but_never_sent_is_no_duplicate():
    bench = Bench()
    bench.rise()
    bench.port.takes = 0
    at = bench.client.begin(b"up")
    bench.client.commit(at, bench.now_ms)
    bench.run(100)
    bench.port.broken = True
    bench.run(100)
    bench.port.takes = 1 << 20
    assert bench.rise(KNOWN)[-1][0] == 0x32


def test_messages_are_delivered_and_acknowledged():
    bench = Bench()
    bench.rise()
    bench.port.say(b"\x32\x09\x00\x01t\x12\x34body" + b"\x31\x04\x00\x01t!" + b"\x30\x04\x00\x01u?")
    bench.run(100)
    assert bench.inbox == [b"body", b"!"]
    assert bench.client.strays == 1
    assert bench.port.packets() == [b"\x40\x02\x12\x34"]


def test_oversized_message_is_skipped_and_acknowledged():
    """Else the broker would send it again for ever."""
    bench = Bench()
    bench.rise()
    head = b"\x00\x01t\x00\x07"
    body = head + bytes(20_000)
    bench.port.say(b"\x32" + bytes([len(body) & 127 | 128, len(body) >> 7 & 127 | 128,
                                    len(body) >> 14]) + body + b"\x30\x04\x00\x01t!")
    bench.run(4_000)
    assert bench.inbox == [b"!"]
    assert bench.client.oversized == 1
    assert bench.port.packets() == [b"\x40\x02\x00\x07"]


def test_a_flood_of_messages_is_answered_though_the_pipe_is_slow():
    bench = Bench()
    bench.rise()
    bench.port.takes = 3
    for i in range(1, 2_001):
        bench.port.say(b"\x32\x06\x00\x01t" + i.to_bytes(2, "big") + b"x")
    bench.run(9_000)
    assert bench.client.failures == 0
    bench.port.takes = 1 << 20
    bench.run(5_000)
    answers = bench.port.packets()
    assert answers == [b"\x40\x02" + i.to_bytes(2, "big") for i in range(1, 2_001)]
    assert len(bench.inbox) == 2_000


@given(st.integers(1, 40), st.integers(1, 40))
def test_packets_never_mix_on_a_slow_pipe(takes, gives):
    bench = Bench(status_topic=b"s")
    bench.rise()
    bench.port.takes, bench.port.gives = takes, gives
    bench.client.publish(b"state", b"a" * 50)
    at = bench.client.begin(b"up")
    bench.client.slot[at:at + 200] = b"b" * 200
    bench.client.commit(at + 200, bench.now_ms)
    bench.port.say(b"\x32\x06\x00\x01t\x00\x09x" * 5)
    bench.client.step(bench.now_ms)
    bench.client.publish(b"state", b"c" * 50)
    bench.run(9_000)
    packets = sorted(bench.port.packets())
    assert bench.port.sent == b""
    assert [packet[0] for packet in packets] == [0x30, 0x30, 0x32] + [0x40] * 5
    assert packets[0].endswith(b"a" * 50)
    assert packets[1].endswith(b"c" * 50)
    assert packets[2].endswith(b"b" * 200)


def test_large_message_over_a_slow_line_is_not_taken_for_a_dead_one():
    bench = Bench()
    bench.rise()
    bench.port.takes = 8
    at = bench.client.begin(b"up")
    bench.client.commit(at + 8_000, bench.now_ms)  # 8 B every 20 ms: twice the deadline
    bench.run(25_000)
    assert bench.client.failures == 0
    assert len(bench.port.packets()) == 1


def test_no_room_no_message():
    bench = Bench()
    bench.rise()
    assert not bench.client.publish(b"state", bytes(1_000))
    while bench.client.publish(b"state", bytes(100)):
        pass
    bench.run(100)
    assert all(len(packet) == 109 for packet in bench.port.packets())
