"""What a gateway's message says: the envelope, and the rows or the gap in its body.

Nothing here trusts the sender. A message is either exactly what a gateway writes or `BadMessage`
with the reason. The coding of rows leaves no choice: what decodes is what these rows encode to.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgpack import packb

from cloud_bridge.batch_body import VERSIONS, BadCode
from cloud_bridge.batch_decoder import decode
from edge.outbox import GAP
from edge.wire import msgpack

MESSAGE_VERSION = 1
TELEMETRY = 1  # kinds of message; GAP is the fourth
BIRTH = 2
LEDGER = 3  # a leaf; edge/evidence/keeper.py
HEAD = 4
TERMS = 5
KEY = 6
FAULT = 7
MAX_BYTES = 128 * 1024  # of a message; the largest that a common cloud takes
_U32 = 0xFFFFFFFF


class BadMessage(ValueError):  # noqa: N818 - it reads better in every sentence it is in
    """No gateway writes such bytes; the text says what is wrong with them."""


class Message(NamedTuple):
    """The envelope. (gateway, epoch, seq) names a message for good; seq counts from 1."""

    kind: int
    epoch: int
    seq: int
    body: bytes


    def encode(self) -> bytes:
        """The payload, as a gateway writes it but for the length of lengths."""
        payload: bytes = packb([MESSAGE_VERSION, *self])
        return payload


class Batch(NamedTuple):
    """Journal rows in the order of time, each of `n_fields` 32-bit signed integers."""

    n_fields: int
    rows: list[list[int]]

    def columns(self) -> list[list[int]]:
        """The same values by field."""
        return [list(column) for column in zip(*self.rows, strict=True)]


class Gap(NamedTuple):
    """The gateway has given up the messages from number `first` to `last`: they may never come."""

    first: int
    last: int


class Told(NamedTuple):
    """What a gateway that gets no answer tells of itself: the highest number it has sent, and how
    many messages were overwritten before they had gone as often as they should."""

    top: int
    lost: int


def decode_message(payload: bytes) -> Message:
    """Open the envelope [1, kind, epoch, seq, body]; BadMessage when it is none."""
    reader = _open(payload, 5, MESSAGE_VERSION, "message")
    message = Message(reader.integer(), reader.integer(), reader.integer(), reader.binary())
    _close(reader, "message")
    if not 0 < message.kind <= GAP:
        raise BadMessage(f"message of kind {message.kind}")
    if not (0 < message.epoch <= _U32 and 0 < message.seq <= _U32):
        raise BadMessage(f"epoch {message.epoch}, sequence number {message.seq}: not 1 to 2^32 - 1")
    return message


def decode_gap(body: bytes) -> Gap:
    """The body of a message of kind GAP; BadMessage when it is none.

    A gap has the sequence number of its last message, which may have come after all, and two gaps
    of one number may begin differently: keep gaps beside the messages, not among them.
    """
    reader = _open(body, 3, 1, "gap")
    first = reader.integer()
    n = reader.integer()
    _close(reader, "gap")
    if not (first > 0 and n > 0 and first + n - 1 <= _U32):
        raise BadMessage(f"gap of {n} messages from {first} on")
    return Gap(first, first + n - 1)


def decode_told(body: bytes) -> Told:
    """The body of a RESUME that came one way; BadMessage when it is none."""
    reader = _open(body, 3, 1, "end")
    told = Told(reader.integer(), reader.integer())
    _close(reader, "end")
    if not (0 <= told.top <= _U32 and 0 <= told.lost <= _U32):
        raise BadMessage(f"end at {told.top}, {told.lost} lost")
    return told


def decode_batch(body: bytes) -> Batch:
    """The rows in the body of a telemetry message; BadMessage when it is none."""
    if not body or body[0] not in VERSIONS:
        return _older_batch(body)
    try:
        rows = decode(body)
    except BadCode as error:
        raise BadMessage(f"batch: {error}") from None
    return Batch(len(rows[0]), rows)


def decode_batches(bodies: Sequence[bytes]) -> list[Batch | BadMessage]:
    """Of each body what decode_batch gives or raises; hundreds at a time are read sooner."""
    return [rows if isinstance(rows, BadMessage) else Batch(len(rows[0]), listed(rows))
            for rows in decode_tables(bodies)]


def decode_tables(bodies: Sequence[bytes]) -> list[Any]:
    """The rows alone, or BadMessage: as arrays of numpy where that is, else as lists."""
    from cloud_bridge.batch_bulk import tabled, tables  # loads numpy, where there is one

    new = [number for number, body in enumerate(bodies) if body and body[0] in VERSIONS]
    found: list[Any] = [None] * len(bodies)
    for number, rows in zip(new, tables([bodies[number] for number in new]), strict=True):
        found[number] = BadMessage(f"batch: {rows}") if isinstance(rows, BadCode) else rows
    for number in {*range(len(bodies))} - {*new}:
        try:
            found[number] = decode_batch(bodies[number]).rows
        except BadMessage as reason:
            found[number] = reason
    return [tabled(one) if isinstance(one, list) else one for one in found]


def has_numpy() -> bool:
    """Whether batches are decoded side by side here."""
    from cloud_bridge.batch_bulk import is_fast

    return is_fast()


def listed(some: Any) -> list[Any]:
    """A list of an array, if it is one."""
    return some if isinstance(some, list) else list(some.tolist())


def _older_batch(body: bytes) -> Batch:
    """Version 1, which gateways wrote before: MessagePack [1, n_fields, n_rows, binary].

    A row is a bitmap of the fields that changed (field 0 in bit 0 of the first byte), then the
    change of each: zigzag, 7 bits a byte, low ones first, bit 7 set when more follow.
    """
    reader = _open(body, 4, 1, "batch")
    n_fields = reader.integer()
    n_rows = reader.integer()
    coded = reader.binary()
    _close(reader, "batch")
    if not 0 < n_fields < 128:
        raise BadMessage(f"batch of {n_fields} fields, not 1 to 127")
    if not 0 < n_rows <= len(coded):
        raise BadMessage(f"batch of {n_rows} rows in {len(coded)} bytes")
    return Batch(n_fields, _rows(n_fields, n_rows, coded))


def _open(data: bytes, n: int, version: int, what: str) -> msgpack.Reader:
    """Read the head of an array of `n` items and its first one, the version."""
    reader = msgpack.Reader(MAX_BYTES)
    reader.start(data, 0, len(data))
    items = reader.array()
    found = reader.integer() if items else 0
    if reader.error:
        raise BadMessage(f"{what}: {msgpack.ERRORS[reader.error]}")
    if items != n or found != version:
        raise BadMessage(f"{what}: version {found} of {items} items, not {version} of {n}")
    return reader


def _close(reader: msgpack.Reader, what: str) -> None:
    error = reader.finish()
    if error:
        raise BadMessage(f"{what}: {msgpack.ERRORS[error]}")


def _rows(n_fields: int, n_rows: int, coded: bytes) -> list[list[int]]:
    """The rows of version 1."""
    rows: list[list[int]] = []
    row = [0] * n_fields
    at = 0
    mark_bytes = (n_fields + 7) // 8
    try:
        for _ in range(n_rows):
            changed = int.from_bytes(coded[at:at + mark_bytes], "little")
            at += mark_bytes
            if changed >> n_fields:
                raise BadMessage(f"row {len(rows)} changes a field that the batch does not have")
            while changed:
                field = (changed & -changed).bit_length() - 1
                changed &= changed - 1
                zigzag = coded[at]
                at += 1
                if zigzag > 127:
                    zigzag, at = _long(zigzag, coded, at)
                value = row[field] + (zigzag >> 1 ^ -(zigzag & 1))
                if zigzag == 0 or not -0x80000000 <= value <= 0x7FFFFFFF:
                    raise BadMessage(f"row {len(rows)} changes field {field} to {value}")
                row[field] = value
            rows.append(row.copy())
    except IndexError:
        raise BadMessage(f"batch ends within row {len(rows)} of {n_rows}") from None
    if at != len(coded):
        raise BadMessage(f"{len(coded) - at} bytes more or less than the {n_rows} rows of a batch")
    return rows


def _long(zigzag: int, coded: bytes, at: int) -> tuple[int, int]:
    """Read on a change that takes more than a byte; it and where it ends."""
    zigzag &= 127
    for shift in range(7, 35, 7):
        byte = coded[at]
        at += 1
        zigzag |= (byte & 127) << shift
        if byte < 128:
            if byte == 0:
                raise BadMessage(f"a change has more bytes than it needs before byte {at}")
            return zigzag, at
    raise BadMessage(f"a change has more than 5 bytes before byte {at}")
