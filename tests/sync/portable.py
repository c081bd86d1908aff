"""Run by a test on CPython and on MicroPython, whose outputs must be equal."""

import binascii
from array import array

from edge.batching import Batching
from edge.blocks import RamBlocks
from edge.keep import Keep
from edge.outbox import Outbox
from edge.telemetry import Telemetry
from edge.wire import msgpack, schema_journal, schema_meters
from edge.wire.batch import BatchEncoder
from edge.wire.quanta import QuantaEncoder, quantum

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython: nothing to lock

    def heap_lock():
        """Nothing."""

    def heap_unlock():
        """Nothing."""


class Dice:
    """The same pseudo-random numbers everywhere (Numerical Recipes' generator, high bits)."""

    def __init__(self):
        self.state = 1

    def bits(self, n):
        """Return `n` random bits, at most 16."""
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return self.state >> (32 - n)


dice = Dice()


def random_bytes(n):
    return bytes([dice.bits(8) for _ in range(n)])


def show_numbers():
    buf = bytearray(400)
    at = 0
    for bits in (5, 7, 8, 15, 16, 29, 30, 31, 32, 63, 64):
        for value in ((1 << bits) - 1, 1 - (1 << bits), -(1 << bits)):
            if -(1 << 63) <= value < 1 << 64:
                at = msgpack.put_int(buf, at, value)
    at = msgpack.put_str(buf, at, "grid_w")
    at = msgpack.put_bin(buf, at, b"\x00\xff", 2)
    at = msgpack.put_map_head(buf, msgpack.put_array_head(buf, at, 16), 3)
    print(at, binascii.hexlify(buf[:at]))
    most = (1 << 30) - 1  # -(1 << 30) would be a heap number for ever: it is negated as one
    small = (0, 127, 128, 65535, 65536, most, -1, -33, -129, -32769, -most - 1)
    heap_lock()
    at = 0
    for value in small:
        at = msgpack.put_int(buf, at, value)
    heap_unlock()
    print(at, binascii.hexlify(buf[:at]))


def show_decoding():
    for i in range(2000):
        data = bytearray(random_bytes(1 + dice.bits(4)))
        if i % 2:
            data[0] = 0x90 | len(data) % 8
        error, value = msgpack.decode(data, len(data))
        print(error, "" if error else repr(value))


def show_batch(bits, locked, quanta=b""):
    """Rows of values of up to `bits` bits, the extremes among them, coded with the heap locked."""
    encoder = QuantaEncoder(35, 4000, quanta) if quanta else BatchEncoder(35, 4000)
    rows = []
    for _ in range(40):
        row = array("i", [0] * 35)
        for field in range(35):
            value = dice.bits(16) << (bits - 17) >> dice.bits(5)
            row[field] = (0, value, -value, (1 << (bits - 1)) - 1, -(1 << (bits - 1)))[
                dice.bits(4) % 5]
        rows.append(row)
    taken = 0
    if locked:
        heap_lock()
    for row in rows:
        if encoder.add(row):
            taken += 1
    n = encoder.finish()
    encoder.reset()
    encoder.add(rows[0])
    first = encoder.finish()
    if locked:
        heap_unlock()
    print(taken, n, first, binascii.crc32(memoryview(encoder.buffer)[:n]))


def show_batch_parts(schema, n_fields, quanta=b""):
    """A site's schema, rows that drift, leap and rest, coded field by field with the heap locked;
    a part after every seventh row. Fields with a quantum seldom leave its multiples."""
    encoder = QuantaEncoder(schema, 4000, quanta, 1) if quanta else BatchEncoder(schema, 4000, 1)
    row = array("i", [dice.bits(16) for _ in range(n_fields)])
    for number in range(60):
        for field in range(n_fields):
            if dice.bits(1):
                row[field] += dice.bits(6) - 31 << (14 if dice.bits(7) == 1 else field % 5)
        row[1] = (86000 + 15 * number) % 86400
        for at in range(0, len(quanta), 2):
            if dice.bits(3):
                row[quanta[at]] -= row[quanta[at]] % quantum(quanta[at + 1])
        heap_lock()
        while not encoder.code(row):
            pass
        n = encoder.part() if number % 7 == 0 else 0
        heap_unlock()
        print(n)
    n = encoder.finish()
    print(n, binascii.crc32(memoryview(encoder.buffer)[:n]))


def show_batching(step):
    """A gateway's rows, with the coder that its image asks for."""
    telemetry = Telemetry(35, 15)
    batching = Batching(telemetry, {"batch_rows": 60, "linger_s": 900, "flush_s": 60,
                                    "period_s": 15, "step": step})
    row = array("i", [0] * 35)
    for _ in range(40):
        for field in range(35):
            row[field] = dice.bits(4) * 100
        telemetry.keep(row, 15)
        while batching.busy():
            batching.take()
    n = batching.batch.finish()
    print(n, binascii.crc32(memoryview(batching.batch.buffer)[:n]))


def show_outbox():
    device = RamBlocks(256, 5)
    box = Outbox(device)
    box.mount()
    box.epoch = 0xFEDCBA98
    into = bytearray(box.max_payload)
    for i in range(200):
        payload = random_bytes(dice.bits(6))
        seq = box.append(1 + i % 3, payload, len(payload))
        if dice.bits(1):
            box.ack(box.epoch, seq - dice.bits(3))
        if dice.bits(4) == 0:
            box = Outbox(device)
            box.mount()
        unsent = box.next_unsent()
        n = box.read(unsent, into)
        box.sent(unsent)
        print(seq, unsent, box.kind, binascii.hexlify(into[:n]), box.backlog(), box.lost())
    print(binascii.crc32(device.memory))


def show_outbox_parts():
    device = RamBlocks(256, 5)
    box = Outbox(device)
    box.mount()
    box.epoch = 0x12345678
    into = bytearray(box.max_payload)
    for i in range(150):
        payload = random_bytes(dice.bits(4))
        if dice.bits(2) and box.parts < 10:
            box.extend(1, payload, len(payload))
        else:
            box.append(1 + dice.bits(1), payload, len(payload))
        if dice.bits(4) == 0:
            box = Outbox(device)
            box.mount()
        unsent = box.next_unsent()
        n = box.read(unsent, into)
        box.sent(unsent)
        if i % 7 == 0:
            box.ack(box.epoch, unsent - 3, [unsent, unsent])
        print(unsent, box.kind, n, binascii.crc32(memoryview(into)[:max(n, 0)]), box.lost())
    print(binascii.crc32(device.memory))


def show_keep():
    device = RamBlocks(256, 3)
    keep = Keep(device, 100)
    for _ in range(60):
        record = random_bytes(dice.bits(6))
        keep.store(record, len(record))
        if dice.bits(3) == 0:
            keep = Keep(device, 100)
        print(binascii.hexlify(keep.load()))
    print(binascii.crc32(device.memory))


show_numbers()
show_decoding()
show_batch(30, True)
show_batch(31, False)
show_batch(32, False)
show_batch_parts(schema_journal.SCHEMA, 35)
show_batch_parts(schema_meters.SCHEMA, 18)
QUANTA = bytes([0, 0x02, 4, 0x11, 8, 0x21, 10, 0x11, 13, 0x1C, 14, 0x21, 15, 0x0F, 17, 0x61])
show_batch(30, True, QUANTA)
show_batch(31, False, QUANTA)
show_batch(32, False, QUANTA)
show_batch_parts(schema_journal.SCHEMA, 35, QUANTA)
show_batch_parts(schema_meters.SCHEMA, 18, QUANTA)
show_batching(list(QUANTA))
show_outbox()
show_outbox_parts()
show_keep()
