"""Any bytes as what tells of meters of water, heat ...: a frame, the birth before it, and lines of
readings. Refused, or figures that can be."""

import msgpack

from cloud_bridge import media
from cloud_bridge.batches import BadMessage, decode_batch
from cloud_bridge.carbon import readings
from cloud_bridge.fields import DocumentError
from cloud_bridge.media import Reading
from cloud_bridge.queries.births import Birth
from tests.media.meters import HEAT, WATER, birth, frame

_METERS = (WATER, HEAT)
_UTC = 1_767_484_800
SEEDS = [frame(_METERS, _UTC, [48_213_470, 7_000]), birth(_METERS), birth(()),
         frame((WATER,), _UTC, [5], age_s=60, refused=3),
         readings.line(WATER, Reading(_UTC, 5)).encode(),
         b"\n".join(readings.line(HEAT, Reading(_UTC + 900 * n, 7 * n)).encode()
                    for n in range(3))]


def one(data: bytes) -> None:
    """As a frame, as a birth whose meters a row is of, and as lines."""
    known = Birth.read(1, data).media
    assert len({meter.name for meter in known}) == len(known) <= 12
    assert media.meters(msgpack.unpackb(birth(known))["media"]) == known
    try:
        rows = decode_batch(data).rows
    except BadMessage:
        rows = []
    for meters in (known, _METERS, _METERS[:1]):
        shown: dict[media.Meter, list[Reading]] = {}
        for row in rows:
            for meter, reading in media.read(row, meters):
                shown.setdefault(meter, []).append(reading)
        _judge(shown)
    try:
        _judge(readings.parse(data.split(b"\n"), "lines"))
    except DocumentError as reason:
        assert str(reason).isprintable()


def _judge(shown: dict[media.Meter, list[Reading]]) -> None:
    for meter, some in media.joined(shown).items():
        for piece in media.judge(meter, some).pieces:
            most = meter.most_per_h * (max(piece.end - piece.start, 0) + 4_800) // 3600
            assert 0 <= piece.amount <= most
            assert readings.parse([readings.line(meter, some[0]).encode()], "again") == {
                meter: some[:1]}
