"""Any bytes as a command, and as what the holder of a key writes: judged, never more than refused
or done, and the record that is kept can be read again."""

from contextlib import suppress

from cloud_bridge.batches import BadMessage
from cloud_bridge.command_codec import decode_result
from edge.command import _RECORD_BYTES, Commands
from edge.keep import Keep
from edge.tags import command_tag
from tests.attacks.commanded import BY_NUMBER, KEYS, NAME, ROOT, Gateway, command

REASONS = {"size", "format", "algorithm", "key", "tag", "flood", "gateway", "counter", "verb",
           "arguments", "ttl", "nonce", "clock", "future", "expired"}
_HEADS = (b"\x9a\x01\x01\x01", b"\x9a\x01\x01\x01\xa3p/g", b"\x9a\x01\x01\x02\xa3p/g\x00")
SEEDS = [command("limit-import", 300_000), command("stop"), command("setpoint", -5, 1),
         command("release", counter=1 << 31), command(key=2), command(nonce=77),
         *(command(counter=9)[place:-16] for place in (4, 8))]
_gateway = Gateway()


def one(data: bytes) -> None:
    """The bytes as they are, and behind each of some beginnings with the tag they ask for."""
    gateway = _gateway
    gateway.now_ms = (gateway.now_ms + 125) % (1 << 30)  # as often as tags are looked at
    _hear(data)
    for head in _HEADS:
        gateway.now_ms = (gateway.now_ms + 125) % (1 << 30)
        body = head + data
        _hear(body + command_tag(BY_NUMBER[body[3]], body))
    with suppress(BadMessage):
        decode_result(data, BY_NUMBER)


def _hear(message: bytes) -> None:
    gateway, commands = _gateway, _gateway.commands
    before, accepted = len(gateway.outbox.frames), commands.accepted
    reason = gateway.hear(message)
    assert reason in REASONS or commands.accepted == accepted + 1
    for _, body in gateway.outbox.frames[before:]:
        assert decode_result(body, {**BY_NUMBER, commands.key: BY_NUMBER[1]}).verb < 128
    gateway.outbox.frames.clear()
    if commands.accepted > accepted:  # and begin anew, or the keys are used up
        kept = gateway.device
        gateway.device.memory[:] = b"\xff" * len(gateway.device.memory)
        gateway.commands = Commands(gateway.park.site, KEYS, NAME, ROOT,
                                    Keep(kept, _RECORD_BYTES), gateway.outbox)
