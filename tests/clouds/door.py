"""The door of a cloud: a relay to a broker that reads all a client says and lets nothing pass
that this cloud would not take. As clouds do, it ends the connection then."""

import asyncio
import struct

from hil.relay import Relay
from tests.clouds.accounts import ADMITS, Cloud, Connect


class Refused(Exception):  # noqa: N818 - what happens, not an error of the test
    """What the client said that this cloud does not take."""


class Door(Relay):
    """A context manager; `now_s` is the cloud's clock, `wrong` all that was refused."""

    def __init__(self, cloud: Cloud, target_port: int, now_s: int) -> None:
        super().__init__(target_port)
        self.cloud = cloud
        self.now_s = now_s
        self.admitted: list[Connect] = []
        self.wrong: list[str] = []
        self.sent: list[tuple[str, bytes]] = []

    async def _pump(self, source, sink):
        outward = source is self._client
        try:
            while True:
                packet = await _packet(source) if outward else await source.read(4096)
                if not packet:
                    break
                if outward:
                    self._judge(packet)
                sink.write(packet)
                await sink.drain()
        except Refused as reason:
            self.wrong.append(str(reason))
            for writer in self._writers:
                writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            pass
        sink.close()

    async def _take(self, reader, writer):
        self._client = reader
        self._said = None
        await super()._take(reader, writer)

    def _judge(self, packet):
        kind, body = packet[0] & 0xF0, _body(packet)
        if kind == 0x10:
            self._said = _connect(body)
            self._judge_connect(self._said)
        elif self.cloud.expires and ADMITS[self.cloud.name](self._said, self.now_s):
            raise Refused("expired")
        elif kind == 0x30:
            self._judge_publish(packet[0], body)
        elif kind == 0x80:
            at = 2
            while at < len(body):
                n = struct.unpack_from(">H", body, at)[0]
                self._judge_topic(body[at + 2:at + 2 + n])
                at += 3 + n

    def _judge_connect(self, said):
        limits = self.cloud.limits
        if reason := ADMITS[self.cloud.name](said, self.now_s):
            raise Refused(reason)
        if said.will and not limits.will:
            raise Refused("a will")
        if not 0 < said.keepalive_s <= limits.keepalive_s:
            raise Refused(f"keep-alive of {said.keepalive_s} s")
        self.admitted.append(said)

    def _judge_publish(self, first, body):
        n = struct.unpack_from(">H", body)[0]
        qos = first >> 1 & 3
        payload = body[2 + n + (2 if qos else 0):]
        if qos > 1:
            raise Refused("QoS 2")
        if first & 1 and not self.cloud.limits.retain:
            raise Refused("a retained message")
        if len(payload) > self.cloud.limits.payload:
            raise Refused(f"a payload of {len(payload)} bytes")
        self._judge_topic(body[2:2 + n])
        self.sent.append((body[2:2 + n].decode(), payload))

    def _judge_topic(self, topic):
        if len(topic) > self.cloud.limits.topic:
            raise Refused(f"a topic of {len(topic)} bytes")
        if topic.count(b"/") >= self.cloud.limits.levels:
            raise Refused(f"a topic of {topic.count(b'/') + 1} levels")


async def _packet(source):
    """One whole MQTT packet; b"" at the end."""
    packet = await source.read(1)
    size, shift = 0, 0
    while packet:
        byte = await source.readexactly(1)
        packet += byte
        size |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            return packet + await source.readexactly(size)
    return packet


def _body(packet):
    at = 1
    while packet[at] > 127:
        at += 1
    return packet[at + 1:]


def _connect(body):
    flags, keepalive_s = body[7], struct.unpack_from(">H", body, 8)[0]
    at, texts = 10, []
    while at < len(body):
        n = struct.unpack_from(">H", body, at)[0]
        texts.append(body[at + 2:at + 2 + n])
        at += 2 + n
    client_id = texts.pop(0).decode()
    if flags & 4:
        del texts[:2]
    user = texts.pop(0).decode() if flags & 0x80 else None
    password = texts.pop(0) if flags & 0x40 else None
    return Connect(client_id, user, password, keepalive_s, bool(flags & 4))
