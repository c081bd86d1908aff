"""Any bytes as what comes from an M-Bus: a telegram only when it is whole, exact values, and what
is shown of a meter only from records that say so."""

import re
from fractions import Fraction

from boards import mbus_frame
from boards.mbus_file import MEDIA, MeterFile
from boards.mbus_frame import NETWORK, Telegram
from boards.mbus_reading import judged
from boards.mbus_records import UNITS, TelegramError
from tests.mbus.telegrams import IN_ERROR, KNOWN, LONG_NUMBER, REFUSED, SVM_F22_SECOND, made

_LIKE = KNOWN["elster_water"].frame
_METERS = [MeterFile(medium, 1, 1, None, medium, 900, 2700, 0, 16,
                     {"cold_wh": "04 86 3C"} if medium == "heat" else {}) for medium in MEDIA]
SEEDS = [b"\x00" + known.frame for known in KNOWN.values()]
SEEDS += [b"\x00" + frame for frame in (IN_ERROR, LONG_NUMBER, SVM_F22_SECOND)]
SEEDS += [b"\x00" + frame for frame, _ in REFUSED.values()]
SEEDS += [b"\x01" + known.frame[19:-2] for known in KNOWN.values()]
SEEDS += [b"\x01" + bytes.fromhex(octets) for octets in (
    "0D 13 C4 78563412", "0D 13 D2 7856", "0D 13 E3 010203", "FC FC 0F 01 06 FB 09 01",
    "05 06 0000C07F", "0E 13 F00000000000", "04 FC 03 6C6D6E 74 01020304",
    "84 80 40 93 70 01020304")]


def one(data: bytes) -> None:
    """The first byte says whether the rest is a frame as it comes, or the records of one that is
    right."""
    if not data:
        return
    frame = data[1:] if data[0] % 2 == 0 else made(data[1:230], _LIKE)
    try:
        telegram = mbus_frame.read(frame, NETWORK)
    except TelegramError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 600
        return
    assert mbus_frame.is_whole(frame)
    assert sum(frame[4:-2]) % 256 == frame[-2]
    _judge_records(frame, telegram)
    for meter in _METERS:
        _judge_points(meter, telegram)


def _judge_records(frame: bytes, telegram: Telegram) -> None:
    """Records and fillers are all that a telegram is, one behind the other; a value is one."""
    pattern = b""
    for record in telegram.records:
        text = bytes([len(record.text)]) + record.text if record.vib[0] & 0x7F == 0x7C else b""
        pattern += b"/*" + re.escape(record.dib + record.vib[:1] + text + record.vib[1:])
        pattern += (b"." if record.dib[0] & 15 == 13 else b"") + re.escape(record.data)
        value = record.value()
        if value is not None:
            assert record.quantity in UNITS
            assert isinstance(value, Fraction)
            assert abs(value) < 10**60
        assert record.function in ("instantaneous", "maximum", "minimum", "error")
    end = b"\x1f.*" if telegram.goes_on else b"(\x0f.*)?"
    assert re.fullmatch(pattern + b"/*" + end, frame[19:-2], re.DOTALL)


def _judge_points(meter: MeterFile, telegram: Telegram) -> None:
    try:
        points = judged(meter, [telegram])
    except TelegramError:
        return
    kinds = MEDIA[meter.medium]
    assert kinds is None or telegram.identity.kind in kinds
    for point, value in points.items():
        assert any(record.value() is not None and record.value() // 1 == value
                   and record.function != "error" for record in telegram.records), point
