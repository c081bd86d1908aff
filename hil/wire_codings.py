"""What other codings make of a batch of records, in bytes: each from its published form.

`json` is an object a record, with decimals; `msgpack` MessagePack, an array of integers a record,
and `msgpack_map` a map of integers; `senml_cbor` RFC 8428 with values as decimal fractions (tag 4,
RFC 8949); `sparkplug` Eclipse Sparkplug B 3.0 (Eclipse Tahu's sparkplug_b.proto), a payload a
record, each metric with alias, timestamp, datatype, is_historical and an integer; `gorilla`
Pelkonen et al., "Gorilla" (VLDB 2015), the XOR coding of its values, of decimals as people read
them (230.1 V), and `gorilla_int` of the integers, each channel a stream.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

import msgpack

from hil.streams import Block

NAMES = ("gridW", "batW", "soc", "pvW", "v1", "v2", "v3", "i1", "i2", "i3", "freq", "impWh",
         "expWh", "co2g", "temp", "state")
# Digits behind the point where the integer's unit is a part of that which people read.
DIGITS = (0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 3, 0, 0, 0, 1, 0)
UNITS = ("W", "W", "%", "W", "V", "V", "V", "A", "A", "A", "Hz", "Wh", "Wh", "g", "Cel", "")
_T_MS = 1_760_000_000_000
_INT32 = 3  # Sparkplug's DataType


def json_bytes(batch: Block, step_s: int) -> int:
    """An object a record, with its time in ms."""
    return sum(len(json.dumps({"ts": _T_MS + 1000 * step_s * number, **_named(record)},
                              separators=(",", ":")))
               for number, record in enumerate(batch))


def _named(record: list[int]) -> dict[str, float]:
    return {name: value / 10 ** digits if digits else value
            for name, digits, value in zip(NAMES, DIGITS, record, strict=True)}


def msgpack_bytes(batch: Block, step_s: int) -> int:
    """An array a record."""
    return sum(len(msgpack.packb(record)) for record in batch)


def msgpack_map_bytes(batch: Block, step_s: int) -> int:
    """A map a record, with its time in s."""
    return sum(len(msgpack.packb({"ts": _T_MS // 1000 + step_s * number,
                                  **dict(zip(NAMES, record, strict=True))}))
               for number, record in enumerate(batch))


def senml_cbor(batch: Block, step_s: int) -> bytes:
    """One pack; base name and time in the first record."""
    out = bytearray(_cbor(4, len(batch) * len(NAMES)))
    for number, record in enumerate(batch):
        for channel, value in enumerate(record):
            first = number == channel == 0
            unit = UNITS[channel].encode()
            out += _cbor(5, 3 + 2 * first + bool(unit))
            if first:
                out += b"\x21" + _cbor(3, 5) + b"gw07/" + b"\x22" + _cbor(0, _T_MS // 1000)
            name = NAMES[channel].encode()
            out += b"\x00" + _cbor(3, len(name)) + name
            if unit:
                out += b"\x01" + _cbor(3, len(unit)) + unit
            out += b"\x02" + _decimal(value, DIGITS[channel])
            out += b"\x06" + _cbor(0, number * step_s)
    return bytes(out)


def _decimal(value: int, digits: int) -> bytes:
    """Value / 10^digits."""
    whole = _cbor(0, value) if value >= 0 else _cbor(1, -1 - value)
    return b"\xc4\x82" + _cbor(1, digits - 1) + whole if digits else whole


def _cbor(kind: int, n: int) -> bytes:
    """The head of an item of a major type."""
    if n < 24:
        return bytes((kind << 5 | n,))
    for mark, size in ((24, 1), (25, 2), (26, 4)):
        if n < 1 << 8 * size:
            return bytes((kind << 5 | mark,)) + n.to_bytes(size)
    raise ValueError(n)


def sparkplug(batch: Block, step_s: int) -> list[bytes]:
    """A payload a record."""
    return [_payload(record, _T_MS + 1000 * step_s * number, number & 255)
            for number, record in enumerate(batch)]


def _payload(record: list[int], t_ms: int, seq: int) -> bytes:
    out = b"\x08" + _varint(t_ms)
    for alias, value in enumerate(record):
        metric = (b"\x10" + _varint(alias + 1) + b"\x18" + _varint(t_ms)
                  + b"\x20" + _varint(_INT32) + b"\x28\x01" + b"\x50" + _varint(value & 0xFFFFFFFF))
        out += b"\x12" + _varint(len(metric)) + metric
    return out + b"\x18" + _varint(seq)


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def gorilla_bits(values: list[float]) -> int:
    """Of one channel: the first in full, then 0, or 10 and what lies in the last window of bits,
    or 11, five bits of leading zeros, six of the length, and these."""
    bits, before, lead, trail = 64, _bits(values[0]), 64, 0
    for value in values[1:]:
        now = _bits(value)
        odd, before = before ^ now, now
        if not odd:
            bits += 1
            continue
        leading = min(64 - odd.bit_length(), 31)
        trailing = (odd & -odd).bit_length() - 1
        if leading >= lead and trailing >= trail:
            bits += 2 + 64 - lead - trail
        else:
            lead, trail = leading, trailing
            bits += 2 + 5 + 6 + 64 - lead - trail
    return bits


def _bits(value: float) -> int:
    found: int = struct.unpack(">Q", struct.pack(">d", value))[0]
    return found


def _gorilla(batch: Block, step_s: int) -> int:
    return sum(gorilla_bits([value / 10 ** digits for value in channel])
               for digits, channel in zip(DIGITS, zip(*batch, strict=True), strict=True)) // 8 + 1


def _gorilla_int(batch: Block, step_s: int) -> int:
    return sum(gorilla_bits([float(value) for value in channel])
               for channel in zip(*batch, strict=True)) // 8 + 1


CODINGS: dict[str, Callable[[Block, int], int]] = {
    "gorilla_int": _gorilla_int,
    "gorilla": _gorilla,
    "msgpack": msgpack_bytes,
    "msgpack_map": msgpack_map_bytes,
    "senml_cbor": lambda batch, step_s: len(senml_cbor(batch, step_s)),
    "sparkplug": lambda batch, step_s: sum(map(len, sparkplug(batch, step_s))),
    "json": json_bytes,
}
