"""Commands to a gateway and what it answers, as bytes. The format is told in edge/command.py."""

from typing import NamedTuple

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_bridge.batches import BadMessage
from edge import command, root, tags, verbs
from edge.hmac256 import same

DAY_0_UTC = 946_684_800  # 2000-01-01 in seconds since 1970
VERBS = {"limit-import": 1, "limit-export": 2, "limit-charge": 3, "limit-discharge": 4, "floor": 5,
         "setpoint": 6, "stop": 7, "release": verbs.RELEASE}
NAMES = {number: name for name, number in VERBS.items()}
_RESULT_BYTES = 64


class Command(NamedTuple):
    """What is asked for; `issued` is UTC in seconds since 2000, `nonce` 0 without one."""

    gateway: str  # PARK/GATEWAY
    key_id: int
    counter: int
    issued: int
    ttl_s: int
    verb: int
    args: tuple[object, ...] = ()  # whole numbers, or what another verb takes
    nonce: int = 0

    def encode(self, key: bytes, algorithm: int = command.HMAC) -> bytes:
        """The message, with its tag under the 32 bytes of `key`."""
        body: bytes = msgpack.packb([
            command.VERSION, algorithm, self.key_id, self.gateway, self.nonce, self.counter,
            self.issued, self.ttl_s, self.verb, list(self.args)])
        return body + tags.command_tag(key, body)


class RootCommand(NamedTuple):
    """The same by the root key; the counter is above all before it."""

    gateway: str
    counter: int
    issued: int
    ttl_s: int
    verb: int
    args: tuple[int, ...]
    nonce: int = 0
    key_id: int = 0

    def encode(self, key: Ed25519PrivateKey) -> bytes:
        """The message, with its signature."""
        body: bytes = msgpack.packb([
            command.VERSION, command.ED25519, self.key_id, self.gateway, self.nonce, self.counter,
            self.issued, self.ttl_s, self.verb, list(self.args)])
        return body + key.sign(root.DOMAIN + body)


class Result(NamedTuple):
    """What became of a command, or of messages that are none (counter and verb 0)."""

    done: bool
    reason: str
    key_id: int
    counter: int
    verb: int
    held_s: int  # how long it holds unless it is renewed
    hint: int  # a nonce to date it by, or the counter accepted last
    unsaid: int  # since the gateway's start, of which nothing tells
    is_true: bool  # whether a key of the gateway's stands behind it


def decode_result(body: bytes, keys: dict[int, bytes]) -> Result:
    """The body of a frame of kind RESULT; BadMessage when it is none. `keys` by number."""
    signed, tag = body[:-tags.TAG_BYTES], body[-tags.TAG_BYTES:]
    try:
        found = msgpack.unpackb(signed) if len(body) <= _RESULT_BYTES else None
    except (ValueError, msgpack.UnpackException) as error:
        raise BadMessage(f"result: {error or 'not MessagePack'}") from None
    kinds = [int, int, str, int, int, int, int, int, int]
    if not isinstance(found, list) or list(map(type, found)) != kinds or found[0] != 1:
        raise BadMessage("result: not of version 1 of 9 items")
    key = keys.get(found[3])
    is_true = key is not None and same(tags.result_tag(key, signed), tag)
    reason, key_id, counter, verb, held_s, hint, unsaid = found[2:]
    return Result(found[1] == command.DONE, reason, key_id, counter, verb, held_s, hint, unsaid,
                  is_true)
