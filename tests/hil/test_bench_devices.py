"""The figures of device profiles: one set for each, and two ways to decode that agree."""

import json

import pytest

from boards import profiles
from hil import bench_devices
from tests.conftest import ROOT
from tests.devices.simulated import MODBUS


def test_every_modbus_profile_has_its_figures():
    figures = bench_devices.tables()
    for name in MODBUS:
        values, requests, poll_ms, size = (
            figures[f"devices.{name}.{key}"]
            for key in ("values", "requests", "poll_ms", "table_bytes"))
        assert values == len(profiles.load(name).points)
        assert 1 <= requests <= values
        assert poll_ms >= 20 * requests
        assert size > 100
    assert figures["devices.requests"] < figures["devices.values"]


@pytest.mark.parametrize("name", bench_devices.DECODED)
def test_both_ways_to_decode_a_map_agree(name, micropython, tmp_path):
    file = tmp_path / "case"
    file.write_text(json.dumps(bench_devices.case(profiles.load(name))))
    told = [micropython.run(ROOT / "hil" / "bench_decode.py", "heap", way, file).stdout
            for way in ("offset", "struct")]
    values = [json.loads(one.split("values ")[1]) for one in told]
    assert values[0] == values[1]
    assert {230, 123, 123_456} <= set(values[0])
    assert all(int(one.split()[1]) > 0 for one in told)
