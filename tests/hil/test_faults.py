"""Each fault on frames of both kinds: what it breaks is broken, and everything else is whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil import faults
from hil.scenario import fault, known_faults

PDUS = st.builds(lambda function, data: bytes([function]) + data, st.sampled_from([3, 4, 6, 16]),
                 st.binary(min_size=2, max_size=250))
UNITS = st.integers(1, 247)


def crc(data: bytes) -> int:
    """Modbus over Serial Line V1.02, 6.2.2, bit by bit."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


def rtu(unit: int, pdu: bytes) -> bytes:
    body = bytes([unit]) + pdu
    return body + crc(body).to_bytes(2, "little")


def tcp(unit: int, pdu: bytes) -> bytes:
    return b"\x12\x34\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes([unit]) + pdu


def opened(frame: bytes, is_rtu: bool) -> tuple[int, bytes]:
    """Unit and PDU of a frame that is whole."""
    if is_rtu:
        assert crc(frame[:-2]) == int.from_bytes(frame[-2:], "little")
        return frame[0], frame[1:-2]
    assert frame[:4] == b"\x12\x34\0\0"
    assert int.from_bytes(frame[4:6], "big") == len(frame) - 6
    return frame[6], frame[7:]


def framed(unit: int, pdu: bytes, is_rtu: bool) -> bytes:
    return rtu(unit, pdu) if is_rtu else tcp(unit, pdu)


@given(UNITS, PDUS, st.booleans(), st.integers(1, 11))
def test_an_exception_is_a_valid_refusal(unit: int, pdu: bytes, is_rtu: bool, code: int) -> None:
    change = faults.exception(code).frame
    assert change
    assert opened(change(framed(unit, pdu, is_rtu), is_rtu), is_rtu) == (
        unit, bytes([pdu[0] | 0x80, code]))


@given(UNITS, PDUS, st.booleans())
def test_a_foreign_unit_says_the_same_under_another_address(unit: int, pdu: bytes, is_rtu: bool
                                                            ) -> None:
    change = faults.foreign_unit().frame
    assert change
    other, same = opened(change(framed(unit, pdu, is_rtu), is_rtu), is_rtu)
    assert same == pdu
    assert other != unit
    assert 1 <= other <= 247


@given(UNITS, PDUS, st.data())
def test_garbling_any_byte_breaks_the_check_sum(unit: int, pdu: bytes, data: st.DataObject) -> None:
    frame = rtu(unit, pdu)
    change = faults.garble(data.draw(st.integers(-len(frame), len(frame) - 1))).frame
    assert change
    broken = change(frame, True)
    assert len(broken) == len(frame)
    assert crc(broken[:-2]) != int.from_bytes(broken[-2:], "little")


@given(UNITS, PDUS)
def test_over_tcp_only_the_data_tells(unit: int, pdu: bytes) -> None:
    change = faults.garble().frame
    assert change
    other, broken = opened(change(tcp(unit, pdu), False), False)
    assert (other, broken[:-1]) == (unit, pdu[:-1])
    assert broken[-1] ^ pdu[-1] == 1


def test_every_fault_does_something() -> None:
    assert {"silence", "late", "exception", "foreign_unit", "garble", "stuck", "not_available",
            "network_down", "broker_down", "store_down"} <= known_faults().keys()
    for name in known_faults():
        assert fault(name, {}) != faults.Effect(), name


def test_readings_alone_show_no_frames() -> None:
    told = {name for name in known_faults() if not fault(name, {}).needs_wire}
    assert told == {"silence", "late", "not_available", "network_down", "broker_down", "store_down",
                    "outage", "no_start", "switch_lies", "spoofed", "sign_flip", "jump",
                    "counts_anew"}


@pytest.mark.parametrize(("kind", "keys", "said"), [
    ("silense", {}, "silence"),
    ("late", {"by_s": 3}, "late has by_ms"),
    ("silence", {"code": 4}, "silence has none"),
])
def test_a_wrong_name_is_told(kind: str, keys: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fault(kind, keys)
