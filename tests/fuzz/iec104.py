"""Any bytes, in any pieces, as what a controlling station sends: what is answered is well formed
and in turn, no beat fails, an order is inside the site's limits, and whatever breaks a rule of the
protocol ends that connection alone."""

import struct

from edge.iec104.link import STARTED
from edge.ticks import ticks_add
from tests.iec104.bench import Bench
from tests.iec104.master import (
    STARTDT,
    STOPDT,
    TESTFR,
    asdu,
    counters,
    interrogation,
    setpoint,
    single,
)

_CON = b"\x68\4\1\0\2\0"


def _frames(*data: bytes) -> bytes:
    """I frames in turn, after STARTDT; they confirm the first of ours."""
    return STARTDT + b"".join(
        struct.pack("<BBHH", 0x68, len(one) + 4, number << 1, 0) + one
        for number, one in enumerate(data))


SEEDS = [bytes([step]) + stream for step in (0, 2, 9) for stream in (
    _frames(interrogation(), setpoint(-150.0), counters()), TESTFR + STARTDT + TESTFR + STOPDT,
    _frames(setpoint(10.0, qos=0x80), setpoint(10.0), setpoint(10.0, cause=8)) + _CON,
    _frames(single(1), setpoint(5e30), setpoint(1.0, ca=9), asdu(102, 1001, b"", cause=5)),
    _frames(asdu(103, 0, bytes(7)), asdu(104, 0, b"\xaa\x55"), asdu(107, 0, bytes(9)),
            counters(69)))]
_bench = Bench(control_ioa=5002).settle()
_other = _bench.station()
_other.start()
_ENOUGH = 40  # steps


def one(data: bytes) -> None:
    """The first byte says how the bytes are cut; the rest comes."""
    if not data:
        return
    step, data = 1 + (data[0] & 15) ** 2, data[1:]
    station = _bench.station()
    station.pipe.gives = step
    station.say(data)
    station.master.sent = len(data) // 6  # at most
    for _ in range(_ENOUGH):
        _bench.door.step(_bench.now_ms)
        _bench.now_ms = ticks_add(_bench.now_ms, 1)
        station.listen()
        if station.pipe.closed or not station.pipe.says:
            break
    orders, site = _bench.orders, _bench.park.site
    assert -200_000 <= orders.setpoint_w <= 200_000
    bounds = site.ordered.bounds
    assert bounds[0] in (0, 1)
    assert not bounds[0] or bounds[2] == bounds[3] == orders.setpoint_w
    assert site.fault is None
    assert all(link._out() <= 12 for link in _bench.door.links), "the window"
    assert sum(len(link.jobs) for link in _bench.door.links) < 80
    if not station.pipe.closed:
        assert data[:1] in (b"", b"\x68")
        station.pipe.stays = False
        _bench.door.step(_bench.now_ms)
        assert station.pipe.closed
    assert sum(link.state == STARTED for link in _bench.door.links) <= 1
    assert not _other.pipe.closed, "one who does nothing wrong stays"
    _other.listen()
    _other.pipe.heard, _other._read = b"", 0
    _other.say(_other.master.s_frame(), TESTFR)
    _other.master.take()
    _other.master.frames.clear()
    _bench.frames.clear()
    _bench._beat()
