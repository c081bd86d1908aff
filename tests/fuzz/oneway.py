"""Any bytes as a datagram: refused with one of few reasons, or they were sealed with the key."""

import hmac
import tempfile
from pathlib import Path

from cloud_bridge.batches import BadMessage, Message, decode_told
from cloud_bridge.oneway import KEY_FILE, Datagram, Joiner, Keys, Refused, unseal
from edge.oneway import PIECE
from edge.sync import RESUME

KEY = bytes(range(32))
REASONS = {"not a datagram of a gateway", "unknown algorithm", "unknown gateway", "wrong tag",
           "wrong part", "algorithm 17 (HMAC-SM3): not supported"}
_FOLDER = tempfile.TemporaryDirectory()
_PLACE = Path(_FOLDER.name) / "demo" / "gw07"
_PLACE.mkdir(parents=True)
(_PLACE / KEY_FILE).touch(0o600)
(_PLACE / KEY_FILE).write_bytes(KEY)
KEYS = Keys(Path(_FOLDER.name))
_HEAD = b"\xe1\x01\x04demo\x04gw07"
_JOINER = Joiner()
_MESSAGES = (Message(1, 7, 1, b"\x02\x01\x00"), Message(99, 7, 2, b"\x93\x01\x05\x00"),
             Message(1, 7, 3, bytes(PIECE)))
SEEDS = [bytes([part]) + message.encode() for part, message in
         zip((0x00, 0x00, 0x01, 0x11), (*_MESSAGES, _MESSAGES[0]), strict=True)]
SEEDS += [_HEAD + SEEDS[0], _HEAD + bytes(16)]


def one(data: bytes) -> None:
    """As they are; and as what a gateway that has the key might have sealed."""
    assert _unsealed(data) is None or data == _sealed(data[:-16])
    for plain in (data, _HEAD + data):
        datagram = _unsealed(_sealed(plain))
        if datagram is None:
            continue
        assert (datagram.park, datagram.gateway) == ("demo", "gw07")
        try:
            message = _JOINER.join(datagram)
            if message is not None and message.kind == RESUME:
                decode_told(message.body)
        except BadMessage:
            pass


def _sealed(plain: bytes) -> bytes:
    return plain + hmac.digest(KEY, b"parkedge-oneway-1" + plain, "sha256")[:16]


def _unsealed(data: bytes) -> Datagram | None:
    try:
        return unseal(data, KEYS)
    except Refused as error:
        reason = str(error)
    assert reason in REASONS
    return None
