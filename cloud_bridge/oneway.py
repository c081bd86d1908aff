"""Datagrams that came through a one-way isolation device, opened: edge/oneway.py writes them.

Nobody can be asked again and anybody may send, so nothing of a datagram is believed before its tag
is found right under the gateway's own key. What is refused is `Refused` with one of few reasons.
"""

import hmac
import re
import time
from collections import OrderedDict
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cloud_bridge.batches import BadMessage, Message, decode_message
from edge.oneway import FORMAT, HMAC_SHA256, PIECE, TAG_BYTES

DATAGRAM_MAX = 1_400
KEY_BYTES = 32
KEY_FILE = "uplink.key"
ALGORITHMS = {HMAC_SHA256: "HMAC-SHA256", 17: "HMAC-SM3"}  # the second has its number, no more
_DOMAIN = b"parkedge-oneway-1"
_NAME = re.compile(rb"[a-z0-9-]{1,32}")
_AGAIN_S = 10.0  # a key file that was replaced is used after so long
_FRAMES = 256  # of one gateway, that wait for a part


class Refused(ValueError):  # noqa: N818 - as BadMessage
    """No datagram of a gateway we know; the text is the reason, one of few."""


class Datagram(NamedTuple):
    """A datagram whose tag is right; `part` of 0 .. `last` of one message."""

    park: str
    gateway: str
    part: int
    last: int
    message: bytes


class Keys:
    """The key of each gateway: 32 bytes in FOLDER/PARK/GATEWAY/uplink.key, which nobody else may
    read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, str], tuple[bytes, float]] = {}

    def find(self, park: str, gateway: str) -> bytes | None:
        """The key of a gateway, None when there is none. A stranger's names leave nothing here."""
        name = (park, gateway)
        known = self._known.get(name)
        if known and time.monotonic() < known[1]:
            return known[0]
        self._known.pop(name, None)
        try:
            key = _key(self._folder / park / gateway / KEY_FILE)
        except (OSError, ValueError):
            return None
        self._known[name] = (key, time.monotonic() + _AGAIN_S)
        return key

    def gateways(self) -> list[tuple[str, str]]:
        """Those whose key is there; ValueError tells of the first file that is no key. OSError."""
        found = []
        for path in sorted(self._folder.glob(f"*/*/{KEY_FILE}")):
            _key(path)
            found.append((path.parts[-3], path.parts[-2]))
        return found


def _key(path: Path) -> bytes:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise ValueError(f"{path}: found mode {mode:04o}, expected 0600: others may read it")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path}: found {len(key)} bytes, expected {KEY_BYTES}")
    return key


def unseal(data: bytes, keys: Keys) -> Datagram:
    """Open a datagram; Refused when it is none, of nobody we know, or not as it was sent."""
    if len(data) > DATAGRAM_MAX or len(data) < 2 or data[0] != FORMAT:
        raise Refused("not a datagram of a gateway")
    if data[1] != HMAC_SHA256:
        known = ALGORITHMS.get(data[1])
        raise Refused(f"algorithm {data[1]} ({known}): not supported" if known else
                      "unknown algorithm")
    signed = data[:-TAG_BYTES]
    names, at = [], 2
    for _ in range(2):
        n = signed[at] if at < len(signed) else 0
        name = signed[at + 1:at + 1 + n]
        if not _NAME.fullmatch(name):
            raise Refused("not a datagram of a gateway")
        names.append(name.decode())
        at += 1 + n
    if at >= len(signed):
        raise Refused("not a datagram of a gateway")
    key = keys.find(*names)
    if key is None:
        raise Refused("unknown gateway")
    tag = hmac.digest(key, _DOMAIN + signed, sha256)[:TAG_BYTES]
    if not hmac.compare_digest(tag, data[-TAG_BYTES:]):
        raise Refused("wrong tag")
    part, last = signed[at] >> 4, signed[at] & 15
    if part > last:
        raise Refused("wrong part")
    return Datagram(names[0], names[1], part, last, signed[at + 1:])


class Joiner:
    """Puts the parts of one gateway's messages together, whichever repeat each came with. Holds 256
    messages at most; the one that has waited longest goes for another."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[tuple[int, int, int, int], dict[int, bytes]] = OrderedDict()

    def join(self, datagram: Datagram) -> Message | None:
        """The message that is whole with this datagram; None while parts are missing. BadMessage
        when it is none."""
        message = decode_message(datagram.message)
        if datagram.last == 0:
            return message
        if datagram.part < datagram.last and len(message.body) != PIECE:
            raise BadMessage(f"part of {len(message.body)} bytes, not {PIECE}")
        key = (message.epoch, message.seq, message.kind, datagram.last)
        parts = self._waiting.setdefault(key, {})
        parts[datagram.part] = message.body
        if len(parts) <= datagram.last:
            if len(self._waiting) > _FRAMES:
                self._waiting.popitem(last=False)
            return None
        del self._waiting[key]
        body = b"".join(parts[number] for number in range(datagram.last + 1))
        return message._replace(body=body)
