"""Elements and times against `struct`, `datetime`, and telegrams that others have recorded.

The telegrams with a source line are published captures and examples of other implementations; the U
frames are those of IEC 60870-5-104, 5.3 (figures 6 to 8).
"""

from __future__ import annotations

import datetime
import math
import struct
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.wire import iec104
from tests.conftest import ROOT, Interpreter

WATTS = st.integers(-(1 << 31), 1 << 31)
PER = st.integers(-10**9, 10**9).filter(bool)


def element(kind: int, value: int, per: int = 1, quality: int = 0) -> bytes:
    buf = bytearray(16)
    return bytes(buf[:iec104.put_element(buf, 0, kind, value, per, quality)])


def short(fraction: Fraction) -> int:
    """binary32 of a fraction, by way of struct where a double holds it, else to nearest even."""
    near: int = struct.unpack("<I", struct.pack("<f", float(fraction)))[0]
    best = min((near - 1, near, near + 1), key=lambda bits: (
        abs(Fraction(struct.unpack("<f", struct.pack("<I", bits))[0]) - fraction), bits & 1))
    return best if fraction else 0


@given(WATTS, PER)
def test_a_short_float_is_the_nearest_there_is(value: int, per: int) -> None:
    assert iec104.short(value, per) == short(Fraction(value, per))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), PER)
@example(161_416.0, 6_811_665)
def test_a_short_float_becomes_the_nearest_integer(value: float, per: int) -> None:
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    found = iec104.scaled(bits, per)
    exact = Fraction(value) * per
    if abs(exact) >= 1 << 40:
        assert abs(found) == 1 << 40
    else:
        assert abs(found - exact) <= Fraction(1, 2)
    assert found == 0 or (found > 0) == (exact > 0)


@pytest.mark.parametrize("bits", [0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001, 0xFFFFFFFF])
def test_what_is_no_number_is_none(bits: int) -> None:
    assert not math.isfinite(struct.unpack("<f", struct.pack("<I", bits))[0])
    assert iec104.scaled(bits, 1000) is None


@given(WATTS, PER, st.sampled_from([0, 0x40, 0xC0]))
def test_a_scaled_value_is_rounded_or_overflows(value: int, per: int, quality: int) -> None:
    word, quality_told = struct.unpack("<hB", element(iec104.M_ME_NB, value, per, quality))
    exact = Fraction(value, per)
    if quality_told & 1:
        assert abs(exact) >= 32_767
        assert word == (32_767 if exact > 0 else -32_768)
    else:
        assert abs(word - exact) <= Fraction(1, 2)
    assert quality_told & 0xFE == quality


@given(st.integers(0, 73_000), st.integers(0, 86_399_999), st.booleans(), st.booleans())
def test_a_time_is_the_one_of_the_calendar(day: int, ms: int, is_summer: bool, is_set: bool
                                           ) -> None:
    buf = bytearray(7)
    assert iec104.put_time(buf, 0, day, ms, is_summer, is_set) == 7
    then = datetime.datetime(2000, 1, 1) + datetime.timedelta(days=day, milliseconds=ms)
    in_minute, minute, hour, date, month, year = struct.unpack("<HBBBBB", buf)
    assert in_minute == then.second * 1000 + then.microsecond // 1000
    assert (minute & 0x7F, minute >> 7) == (then.minute, not is_set)
    assert (hour & 0x7F, hour >> 7) == (then.hour, is_summer)
    assert (date & 31, date >> 5) == (then.day, then.isoweekday())
    assert (month, year) == (then.month, then.year % 100)


def ms_of(hour: int, minute: int, ms: int) -> int:
    return (hour * 60 + minute) * 60_000 + ms


RECORDED = [  # (telegram, kind, [(object, value, per)], (date, ms of the day) or None)
    # github.com/tritaer/IEC104 test.py, recorded at stations
    ("6812A6440402 0102140073 00CC140001E4140000", iec104.M_SP, [(5324, 1, 1), (5348, 0, 1)], None),
    ("6819FE083001 24010351 5100EE03004BE747420091 05320A690615", iec104.M_ME_NC,
     [(1006, 49_975_872, 1_000_000)], (datetime.date(2021, 6, 9), ms_of(10, 50, 1425))),
    ("681542EBD201 1E0103008000B0360001AFE11D14700615", iec104.M_SP, [(14_000, 1, 1)],
     (datetime.date(2021, 6, 16), ms_of(20, 29, 0xE1AF))),
]


@pytest.mark.parametrize(("telegram", "kind", "told", "time"), RECORDED)
def test_recorded_telegrams_are_what_we_would_send(
        telegram: str, kind: int, told: list[tuple[int, int, int]],
        time: tuple[datetime.date, int] | None) -> None:
    wanted = bytes.fromhex(telegram)
    buf = bytearray(255)
    at = iec104.ASDU_AT + iec104.HEAD
    for ioa, value, per in told:
        at = iec104.put_element(buf, iec104.put_ioa(buf, at, ioa), kind, value, per, 0)
    if time:
        at = iec104.put_time(buf, at, (time[0] - datetime.date(2000, 1, 1)).days, time[1], False,
                             True)
    iec104.put_head(buf, iec104.STAMPED[kind] if time else kind, len(told), wanted[8],
                    wanted[10] | wanted[11] << 8)
    buf[9] = wanted[9]  # the originator, which we leave 0
    sent, received = struct.unpack_from("<HH", wanted, 2)
    iec104.put_control(buf, at - iec104.ASDU_AT, sent, received)
    assert bytes(buf[:at]) == wanted


@pytest.mark.parametrize(("data", "value", "per"), [
    # C_SE_NC_1 of published examples: 36.6 and 100.0 of two explainers, 10.0 of a driver's tests
    ("66661242", 36_600, 1000), ("0000C842", 100_000, 1000), ("00002041", 10, 1),
    ("00007AC3", -250_000, 1000),  # -250.0
])
def test_published_setpoints_are_read(data: str, value: int, per: int) -> None:
    assert iec104.scaled(int.from_bytes(bytes.fromhex(data), "little"), per) == value


def test_control_frames_are_those_of_the_standard() -> None:
    for name, first in (("STARTDT", 0x07), ("STARTDT_CON", 0x0B), ("STOPDT", 0x13),
                        ("STOPDT_CON", 0x23), ("TESTFR", 0x43), ("TESTFR_CON", 0x83)):
        buf = bytearray(6)
        iec104.put_control(buf, 0, getattr(iec104, name), 0)
        assert bytes(buf) == bytes([0x68, 4, first, 0, 0, 0])


def test_a_counter_turns_over_at_31_bits() -> None:
    assert element(iec104.M_IT, (1 << 31) + 5, 1, 3) == b"\5\0\0\0\3"
    assert element(iec104.M_IT, 1_234_567_890, 1000, 0) == struct.pack("<iB", 1_234_567, 0)


def test_micropython_writes_and_reads_the_same(micropython: Interpreter) -> None:
    said = micropython.run(ROOT / "tests" / "iec104" / "codec_script.py").stdout
    space: dict[str, object] = {"__name__": "codec_script", "said": []}
    code = (ROOT / "tests" / "iec104" / "codec_script.py").read_text()
    exec(compile(code.replace("print(", "said.append("), "codec_script.py", "exec"), space)
    assert said.splitlines() == space["said"]
    assert len(said.splitlines()) > 200
