"""Any bytes as MessagePack, to the gateway's reader: refused, or what another maker's reads."""

import msgpack as other

from edge.wire import msgpack

SEEDS = [other.packb(value) for value in (
    [1, -1, 127, 128, -33, 1 << 31, -(1 << 63), (1 << 64) - 1], "text", "t" * 40, "ä" * 200, b"bin",
    [[[["deep", b""]]]], [1, [2, "x", [b"y"]]], bytes(300), list(range(20)), {"a": 1}, None, 1.5)]


def one(data: bytes) -> None:
    """As one value, and as a row of items that are asked for one by one."""
    error, value = msgpack.decode(data, len(data))
    if error:
        assert value is None
        assert error < len(msgpack.ERRORS)
    else:
        assert value == other.unpackb(data)
        assert _depth(value) <= 5
    reader = msgpack.Reader(64)
    reader.start(data, 0, len(data))
    for ask in (reader.array, reader.integer, reader.text, reader.binary, reader.integer):
        found = ask()
        assert not (reader.error and found), "after an error there is nothing"
        if isinstance(found, (str, bytes)):
            assert len(found) <= 64
    assert 0 <= reader._at <= len(data)


def _depth(value: object) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0
