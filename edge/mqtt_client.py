"""An MQTT client that never blocks, never waits for ever and survives any bytes.

A step machine over a port: `step(now_ms)` does what can be done now. One message at QoS 1 is in
flight at a time, and kept until the broker acknowledges it. Whatever is waited for has a deadline;
a missed one ends the connection, and the next is tried after a growing, jittered pause.
"""

from edge.backoff import Backoff
from edge.compat import TYPE_CHECKING, const
from edge.mqtt_options import Options
from edge.ticks import ticks_add, ticks_diff
from edge.wire import mqtt

if TYPE_CHECKING:
    from typing import Any

_GONE = const(0)  # states
_PAUSING = const(1)
_READY = const(2)
_OPENING = const(3)
_GREETING = const(4)
_SUBSCRIBING = const(5)
_UP = const(6)
_LATE = ("no connection in time", "no CONNACK in time", "no SUBACK in time")  # from _OPENING on

_RESERVE = const(256)  # as edge/mqtt_options.py
_IN_BYTES = const(128)  # taken in a step: 18 of the shortest messages, 800,000 Arm instructions
_PROMPT_MS = const(20)  # between steps while an answer is due
_CALM_MS = const(100)  # between steps otherwise


class MqttClient:
    """One connection to one broker; `port` is a non-blocking byte pipe, `codec` as in Options."""

    def __init__(self, port: "Any", options: Options, codec: "Any" = mqtt) -> None:
        self.options = options
        self.state = _READY
        self.fault = ""  # what ended the last connection,
        self.error: Any = ()  # and what the port said of it, as the arguments of its OSError
        self.refusal = 0  # return code of the last CONNACK, 3.2.2.3
        self.sessions = self.failures = 0  # times up, and times it ended in a fault
        self.served = False  # the far end has done what we connected for; edge/sync.py knows
        self.strays = self.oversized = 0  # packets that answer nothing asked; that are too long
        self.unsubscribed = self.refused = 0  # subscriptions, and messages, the broker refused
        self.slot = bytearray(options.slot_bytes)
        self._slot_view = memoryview(self.slot)
        self._slot_start = self._slot_at = self._slot_end = 0  # end 0: empty
        self._slot_id = self._last_id = 0
        self._control = bytearray(options.control_bytes)
        self._control_view = memoryview(self._control)
        self._control_at = self._control_end = 0
        self._port, self._codec = port, codec
        self._reader = codec.Reader(options.packet_bytes)
        self._in = bytearray(_IN_BYTES)
        self._topics: list[bytes] = []
        self._receivers: list[Any] = []
        self._pinging = self._has_more = False  # _has_more: may have come than was taken in
        self._due_ms = self._puback_due_ms = self._ping_due_ms = 0
        self._heard_ms = self._sent_ms = self._up_ms = self._quiet_max_ms = 0
        self._backoff = Backoff(options.hello.client_id, options)

    def subscribe(self, topic: bytes, receiver: "Any") -> None:
        """Before the first step: `receiver.receive(buf, start, end, now_ms)` gets every message of
        one topic (# at its end). It sees the client's own buffer and must copy what it keeps."""
        self._topics.append(topic)
        self._receivers.append(receiver)

    def is_up(self) -> bool:
        """Whether the broker has taken the connection and answered the subscriptions."""
        return self.state == _UP

    def publish(self, topic: bytes, payload: bytes, retain: bool = False) -> bool:
        """Send at QoS 0; False when not connected or there is no room now."""
        end = self._codec.put_publish(self._control, self._control_end, topic, payload, retain)
        if self.state != _UP or end < 0 or end > len(self._control) - _RESERVE:
            return False
        self._control_end = end
        return True

    def begin(self, topic: bytes) -> int:
        """Start a QoS 1 message: build its payload in `slot` from the index returned, then
        `commit`. -1: not connected, or the last message is not acknowledged yet."""
        if self.state != _UP or self._slot_end:
            return -1
        self._slot_id = self._next_id()
        return self._codec.begin_publish(self.slot, topic, self._slot_id)

    def commit(self, end: int, now_ms: int, retain: bool = False) -> None:
        """Send the message whose payload ends before slot[end]."""
        self._slot_start = self._slot_at = self._codec.end_publish(self.slot, end, retain)
        self._slot_end = end
        self._puback_due_ms = ticks_add(now_ms, self.options.reply_ms)

    def renew(self, now_ms: int) -> None:
        """Hang up: the next connection subscribes again."""
        self._fail("subscription refused", now_ms)

    def mend(self, now_ms: int) -> None:
        """After an internal fault: hang up, and begin anew with nothing in hand, neither here (what
        must not be lost stays in the outbox) nor at the broker, which might repeat what it was."""
        self._slot_id = self._slot_start = self._slot_at = self._slot_end = 0
        self.options.hello.clean = True
        self._fail("internal fault", now_ms)

    def leave(self, now_ms: int) -> None:
        """Say goodbye, as far as the port takes it at once, and stay away."""
        try:
            if self.state == _UP:
                self._tell(b"offline")
                self._say(mqtt.put_empty(self._control, self._control_end, mqtt.DISCONNECT))
                self._send(now_ms)
        except OSError:
            self.fault = "connection lost"  # the will says what we could not
        self._port.close()
        self.state = _GONE

    def step(self, now_ms: int) -> int:
        """Do what can be done without waiting; ms until the next step is worth while."""
        if self.state == _GONE or (self.state == _PAUSING and 0 < ticks_diff(self._due_ms, now_ms)
                                  <= self.options.retry_max_ms):  # else nobody came for days
            return _CALM_MS
        try:
            self._work(now_ms)
        except OSError as error:
            self.error = error.args
            self._fail("no connection" if self.state == _OPENING else "connection lost", now_ms)
        self._check_deadlines(now_ms)
        waiting = self._control_end or self._slot_end or self._pinging or self._has_more
        return _PROMPT_MS if waiting or _OPENING <= self.state < _UP else _CALM_MS

    def _work(self, now_ms: int) -> None:
        if self.state < _OPENING:
            self._enter(_OPENING, now_ms)
            self._port.open(now_ms)
        if self.state == _OPENING and self._port.is_open():
            self._greet(now_ms)
        if self.state > _OPENING:
            self._listen(now_ms)
        if self.state > _OPENING:
            self._keep_alive(now_ms)
            self._send(now_ms)

    def _enter(self, state: int, now_ms: int) -> None:
        self.state = state
        self._due_ms = ticks_add(now_ms, self.options.reply_ms)

    def _greet(self, now_ms: int) -> None:
        self._reader.reset()
        self._pinging = False
        self._control_at = self._control_end = 0
        self._heard_ms = self._sent_ms = now_ms
        self._quiet_max_ms = self.options.hello.keepalive_s * 750
        self._enter(_GREETING, now_ms)
        self._say(self.options.hello.put(self._control, 0))

    def _say(self, end: int) -> None:
        """Queue the control packet just written up to `end`; without room its answer is late."""
        self._control_end = max(end, self._control_end)

    def _listen(self, now_ms: int) -> None:
        self._has_more = False
        if len(self._control) - self._control_end < _RESERVE:
            return  # answers go out before more is taken in
        n = self._port.recv(self._in, 0)
        if n == 0:
            return
        self._heard_ms = now_ms
        self._has_more = n == _IN_BYTES
        at = 0
        while at < n and self.state >= _OPENING:
            at = self._reader.feed(self._in, at, n)
            if self._reader.broken:
                self._fail("not MQTT", now_ms)
            elif self._reader.whole:
                self._take(now_ms)

    def _take(self, now_ms: int) -> None:
        """Act on one whole packet."""
        reader = self._reader
        kind = reader.first & 0xF0
        if not reader.parse() or (kind == mqtt.CONNACK) != (self.state == _GREETING):
            self._fail("not MQTT", now_ms)  # CONNACK is the first packet, and only that, 3.2
        elif kind == mqtt.CONNACK:
            self._take_connack(now_ms)
        elif kind == mqtt.PUBLISH:
            self._take_message(now_ms)
        elif (kind == mqtt.PUBACK and reader.packet_id == self._slot_id
              and self._slot_at == self._slot_end):
            self._slot_id = self._slot_start = self._slot_at = self._slot_end = 0
        elif kind == mqtt.SUBACK and reader.packet_id == self._last_id and self.state < _UP:
            codes = reader.body[reader.payload_at:reader.kept]
            self.unsubscribed = sum([code > 127 for code in codes])  # 3.9.3
            self._go_up(now_ms)
        elif kind == mqtt.PINGRESP and self._pinging:
            self._pinging = False
        else:
            self.strays += 1

    def _take_connack(self, now_ms: int) -> None:
        self.refusal = self._reader.body[1]
        if self.refusal:
            self._fail("refused by the broker", now_ms)
            return
        if self._reader.body[0] == 0:  # the broker does not know us: no duplicates, 3.3.1.1
            self.slot[self._slot_start] &= ~mqtt.DUP
        elif self._slot_at > self._slot_start:
            self.slot[self._slot_start] |= mqtt.DUP
        self._slot_at = self._slot_start
        self._enter(_SUBSCRIBING, now_ms)
        if self._topics:
            at = self._control_end
            self._say(self._codec.put_subscribe(self._control, at, self._next_id(), self._topics))
        else:
            self._go_up(now_ms)

    def _go_up(self, now_ms: int) -> None:
        self._enter(_UP, now_ms)
        self._up_ms = now_ms
        self.served = self.options.hello.clean = False
        self._puback_due_ms = self._due_ms
        self.sessions += 1
        self._tell(b"online")

    def _tell(self, status: bytes) -> None:
        if self.options.hello.will_topic:
            self.publish(self.options.hello.will_topic, status, True)

    def _take_message(self, now_ms: int) -> None:
        reader = self._reader
        at = mqtt.among(self._topics, bytes(reader.body[2:reader.topic_end]))
        if reader.cut():
            self.oversized += 1
        elif at >= 0:
            self._receivers[at].receive(reader.body, reader.payload_at, reader.kept, now_ms)
        else:
            self.strays += 1
        if reader.packet_id:
            self._say(mqtt.put_puback(self._control, self._control_end, reader.packet_id))

    def _keep_alive(self, now_ms: int) -> None:
        """Ask for a sign of life when either direction has been quiet, 3.1.2.10 and 3.12."""
        quiet_ms = max(ticks_diff(now_ms, self._sent_ms), ticks_diff(now_ms, self._heard_ms))
        if self.state == _UP and not self._pinging and not 0 <= quiet_ms < self._quiet_max_ms:
            self._say(mqtt.put_empty(self._control, self._control_end, mqtt.PINGREQ))
            self._pinging = True
            self._ping_due_ms = ticks_add(now_ms, self.options.reply_ms)

    def _send(self, now_ms: int) -> None:
        """Send whole packets in turn: what has begun, then control packets, then the slot."""
        if self.state == _UP and self._slot_start < self._slot_at < self._slot_end:
            self._send_slot(now_ms)
            if self._slot_at < self._slot_end:
                return
        if self._control_end:
            view = self._control_view[self._control_at:self._control_end]
            self._control_at += self._port.send(view, len(view))
            self._sent_ms = now_ms
            if self._control_at < self._control_end:
                return
            self._control_at = self._control_end = 0
        if self.state == _UP and self._slot_at < self._slot_end:
            self._send_slot(now_ms)

    def _send_slot(self, now_ms: int) -> None:
        view = self._slot_view[self._slot_at:self._slot_end]
        n = self._port.send(view, len(view))
        if n:
            self._slot_at += n
            self._sent_ms = now_ms  # a slow line is no dead line: its deadlines start again
            self._puback_due_ms = self._ping_due_ms = ticks_add(now_ms, self.options.reply_ms)

    def _next_id(self) -> int:
        self._last_id = self._last_id % 65_535 + 1
        return self._last_id

    def _check_deadlines(self, now_ms: int) -> None:
        if self.state == _UP:
            if self._slot_end and ticks_diff(now_ms, self._puback_due_ms) >= 0:
                self._fail("no PUBACK in time", now_ms)
            elif self._pinging and ticks_diff(now_ms, self._ping_due_ms) >= 0:
                self._fail("the broker is silent", now_ms)
        elif self.state >= _OPENING and ticks_diff(now_ms, self._due_ms) >= 0:
            self._fail(_LATE[self.state - _OPENING], now_ms)

    def _fail(self, fault: str, now_ms: int) -> None:
        """End the connection and pause."""
        lasted = self.state == _UP and (self.served or not (
            0 <= ticks_diff(now_ms, self._up_ms) < self.options.stable_ms))
        self._port.close()
        self.state = _PAUSING
        self.fault = fault
        self.failures += 1
        self._due_ms = ticks_add(now_ms, self._backoff.failed(lasted))
