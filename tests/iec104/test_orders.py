"""The records of orders out of a store: what the gateway wrote is what is told."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.batches import BadMessage
from cloud_bridge.orders import decode
from cloud_bridge.store import Store
from edge.iec104.records import ORDER
from tests.conftest import ROOT
from tests.iec104.bench import started
from tests.iec104.master import setpoint, single


def run(store: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "cloud_bridge", "orders", "p/g", "--store",
                           str(store), *words], cwd=ROOT, capture_output=True, text=True,
                          check=False)


def test_what_a_gateway_recorded_is_told(tmp_path: Path) -> None:
    bench, station = started(control_ioa=5002, lease_s=60)
    for order in (setpoint(-50.0), single(1), setpoint(-50.0), setpoint(500.0), single(0)):
        station.ask(order)
    path = tmp_path / "park.db"
    with Store(path) as store:
        store.commit([("parkedge/p/g/b", msgpack.packb([1, kind, 1, seq, body]))
                      for seq, (kind, body) in enumerate(bench.frames, 1)], 1_800_000_000)
    told = run(path)
    assert told.returncode == 0, told.stderr
    assert [line.split(" ", 1)[1] for line in told.stdout.splitlines()] == [
        "refused -50 kW, control is local, by 127.0.0.1", "control taken, by 127.0.0.1",
        "in force -50 kW, for 60 s, by 127.0.0.1", "refused 500 kW, range, by 127.0.0.1",
        "control given back, by 127.0.0.1"]
    assert told.stdout.startswith("2026-06-10T10:00:")
    lines = [json.loads(line) for line in run(path, "--json").stdout.splitlines()]
    assert [one["value_w"] for one in lines] == [-50_000, 0, -50_000, 500_000, 0]
    with Store(path) as store:
        store.commit([("parkedge/p/g/b", msgpack.packb([1, ORDER, 1, 9, b"\x93\1\2\3"]))],
                     1_800_000_000)
    assert run(path).returncode == 1


GOOD = [1, 9657, 36_000, 0, -50_000, 60, "", "10.0.0.1", 0]


@pytest.mark.parametrize(("place", "value"), [
    (0, 2), (1, -1), (1, 10**9), (2, 86_400), (3, 9), (4, "5"), (6, "a\x1b[2J"), (7, "\n"),
    (8, None)])
def test_what_no_gateway_says_is_refused(place: int, value: object) -> None:
    assert decode(msgpack.packb(GOOD)).outcome == "in force"
    with pytest.raises(BadMessage):
        decode(msgpack.packb([*GOOD[:place], value, *GOOD[place + 1:]]))


@given(st.binary(max_size=140))
def test_any_bytes_are_an_order_or_refused(body: bytes) -> None:
    with suppress(BadMessage):
        assert decode(body).outcome
