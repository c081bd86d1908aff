"""What the bench takes for other codings: read back where a reader is at hand, else by hand."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import msgpack
import pytest

from hil import bench_wire, streams, wire_codings

BATCH = streams.generate(1, blocks=1, records=60)[0]


def test_gorilla_by_hand() -> None:
    """64 bits; a 0; a new window, 2 + 5 + 6 and the bits that differ; the same window, 2 and it."""
    assert wire_codings.gorilla_bits([1.0, 1.0]) == 64 + 1
    odd = struct.unpack(">Q", struct.pack(">d", 1.0))[0] ^ struct.unpack(
        ">Q", struct.pack(">d", 1.5))[0]
    assert odd == 1 << 51
    assert wire_codings.gorilla_bits([1.0, 1.5]) == 64 + 13 + 1
    assert wire_codings.gorilla_bits([1.0, 1.5, 1.0]) == 64 + 13 + 1 + 2 + 1


def test_sparkplug_reads_as_protobuf() -> None:
    payload = wire_codings.sparkplug(BATCH, 1)[3]
    fields = list(_protobuf(payload))
    assert [number for number, _ in fields] == [1, *[2] * 16, 3]
    for alias, (_, metric) in enumerate(fields[1:-1]):
        read = dict(_protobuf(metric))
        value = read.pop(10)
        assert value - (value >> 31 << 32) == BATCH[3][alias]
        assert read == {2: alias + 1, 3: fields[0][1], 4: 3, 5: 1}


def _protobuf(data: bytes):  # type: ignore[no-untyped-def]
    """Field numbers and values, of varints and bytes."""
    at = 0

    def varint() -> int:
        nonlocal at
        number = shift = 0
        while True:
            number |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                return number

    while at < len(data):
        tag = varint()
        value: object = varint()
        if tag & 7 == 2:
            assert isinstance(value, int)
            at += value
            value = data[at - value:at]
        yield tag >> 3, value


def test_senml_is_cbor_of_as_many_bytes_as_its_items() -> None:
    pack = wire_codings.senml_cbor(BATCH[:2], 1)
    items = list(_cbor_items(pack))
    assert items[0] == ("array", 32)
    assert items.count(("tag", 4)) == 2 * sum(digits > 0 for digits in wire_codings.DIGITS)
    mantissa = items.index(("tag", 4))
    assert items[mantissa + 1:mantissa + 4] == [("array", 2), -1, BATCH[0][2]]


def _cbor_items(data: bytes):  # type: ignore[no-untyped-def]
    at = 0
    while at < len(data):
        kind, n = data[at] >> 5, data[at] & 31
        at += 1
        if n > 23:
            size = 1 << n - 24
            n = int.from_bytes(data[at:at + size])
            at += size
        if kind < 2:
            yield n if kind == 0 else -1 - n
        elif kind == 3:
            yield data[at:at + n].decode()
            at += n
        else:
            yield {4: "array", 5: "map", 6: "tag"}[kind], n


def test_msgpack_and_json_are_of_the_records() -> None:
    assert wire_codings.msgpack_bytes(BATCH, 1) == len(b"".join(map(msgpack.packb, BATCH)))
    assert wire_codings.msgpack_map_bytes(BATCH, 1) > wire_codings.msgpack_bytes(BATCH, 1)
    assert wire_codings.json_bytes(BATCH, 1) > wire_codings.msgpack_map_bytes(BATCH, 1)


def test_ours_is_smallest_on_every_generated_stream() -> None:
    figures = bench_wire.measure(None)
    for step, most in (("1s", 0.55), ("15s", 0.72), ("60s", 0.82), ("1c", 0.411)):
        sizes = {key.split(".")[2]: size for key, size in figures.items()
                 if key.startswith(f"wire.{step}.")}
        assert set(sizes) == {"ours", *wire_codings.CODINGS}
        assert sizes["ours"] <= most
        assert 1.9 * sizes["ours"] < min(size for name, size in sizes.items() if name != "ours")
    assert figures["wire.decode_points_a_second"] > 0


def test_coarse_streams_are_read_or_made_of_fine_ones(tmp_path: Path) -> None:
    def write(name: str, w: int) -> None:
        record = [w, -250, 510, *[1] * 12, 3]
        with gzip.open(tmp_path / f"{name}.csv.gz", "wt") as file:
            file.write(f"block,{','.join(streams.CHANNELS)}\n")
            for at in range(2):
                file.write(",".join(map(str, [0, record[0] + at * w, *record[1:]])) + "\n")

    write("1s", 1_049)
    made = streams.load(tmp_path, "1c")
    assert [record[:3] for record in made[0]] == [[1_000, -200, 510], [2_100, -200, 510]]
    assert streams.steps(made) == {"grid_w": 100}
    write("1c", 5_000)
    assert streams.steps(streams.load(tmp_path, "1c")) == {"grid_w": 5_000}
    with pytest.raises(FileNotFoundError):
        streams.load(tmp_path, "15s")


def test_generated_powers_are_coarse_only_where_they_should_be() -> None:
    assert streams.steps(streams.load(None, "1c")).items() >= {
        ("grid_w", 100), ("pv_w", 100), ("battery_w", 100), ("v1_dv", 1)}
    assert {*streams.steps(streams.load(None, "1s")).values()} == {1}
