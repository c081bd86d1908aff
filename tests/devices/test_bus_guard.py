"""A bus whose code has a bug at any line: the line counts as broken, and is opened again."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import edge
from edge.devices.bus import Bus
from edge.guard import Guard
from tests.devices.bench import SETPOINT
from tests.devices.lease_bench import Bench
from tests.sync.test_uplink_faults import Bug, Tracer

EDGE = Path(edge.__file__).parent
FILES = {str(path) for folder in ("devices", "wire") for path in (EDGE / folder).glob("*.py")}
WISH_W = 20_000


def guarded(bench, around=lambda step: step()):
    """Let the bench step its bus as the application does."""
    bus: Bus = bench.bus
    guard = Guard("bus 0", bus.step, bus.mend, None, 32_000)
    bench.bus = SimpleNamespace(step=lambda now_ms: max(around(lambda: guard.step(now_ms)), 1))
    return guard


@pytest.mark.parametrize("link", ["tcp", "rtu"])
@pytest.mark.parametrize("seed", range(4))
def test_it_goes_on_and_nothing_is_written_that_the_beat_did_not_want(link, seed):
    bench = Bench(link)
    bug = Tracer(FILES, seed, 300)
    guard = guarded(bench, bug)
    bench.run(600, WISH_W)
    assert bug.raised == guard.faults > 3
    bug.files = ()
    bench.run(60, WISH_W)
    values = {value for address, value in bench.writes() if address == SETPOINT}
    assert len(values - {0}) == 1
    since_ms = bench.slave.now_ms
    bench.run(20, WISH_W)
    assert (SETPOINT, max(values, key=abs)) in bench.writes(since_ms)
    bench.run(30)  # a beat that has ended is noticed all the same
    assert [value for address, value in bench.writes() if address == SETPOINT][-1] == 0


def test_a_device_that_cannot_be_told_of_its_silence_does_not_keep_the_port(monkeypatch):
    """Mending fails at the first go; by then the port is closed, and the next go succeeds."""
    bench = Bench()
    bus, driver = bench.bus, bench.bus.drivers[0]
    guard = guarded(bench)
    bench.run(5, WISH_W)

    def fails(*_):
        raise Bug("always")

    monkeypatch.setattr(driver, "answered", fails)
    monkeypatch.setattr(driver, "silent", fails)
    bench.run(5, WISH_W)
    assert guard.faults > 1
    assert bus._state == 0
    monkeypatch.undo()
    bench.run(60, WISH_W)
    since_ms = bench.slave.now_ms
    bench.run(5, WISH_W)
    assert bench.writes(since_ms)
