"""The readers of both versions against any bytes: a slice of tests/fuzz/mqtt.py."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mqtt import one

PACKETS = [bytes.fromhex(text) for text in (
    "20020000", "2003000000", "20060000031300 3c", "40020007", "4003000787", "9003000701",
    "90040007 0001", "d000", "e0018b", "3204000174 78", "3206000174000978", "32070001740009 0078",
    "320d0001740009 06 2600016100 0162", "30ffffff7f", "3205ffff", "2007000004 1f000161")]


@settings(max_examples=2_000)
@given(st.integers(0, 255), st.lists(st.sampled_from(PACKETS) | st.binary(max_size=12), max_size=8),
       st.lists(st.tuples(st.integers(0, 120), st.integers(0, 255)), max_size=3))
def test_any_bytes(head, pieces, changes):
    """Packets and rubbish, and a few bytes of it altered."""
    data = bytearray(bytes([head]) + b"".join(pieces))
    for at, byte in changes:
        if at < len(data):
            data[at] = byte
    one(bytes(data))
