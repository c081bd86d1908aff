"""The Modbus check sum: CRC-16, polynomial 0x8005 reflected (0xA001), start value 0xFFFF.

Modbus over Serial Line V1.02, 6.2.2: the low byte goes out first. One table look-up a byte; the
table costs 512 bytes of RAM and is eight times faster than shifting bits on a microcontroller.
"""

from array import array


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


_TABLE = array("H", [_entry(value) for value in range(256)])


def crc16(buf: bytearray, start: int, end: int) -> int:
    """Return the check sum of `buf[start:end]`, 0 .. 0xFFFF."""
    table = _TABLE
    crc = 0xFFFF
    while start < end:
        crc = crc >> 8 ^ table[(crc ^ buf[start]) & 0xFF]
        start += 1
    return crc
