"""How long one round of a bus takes, modelled: the figure a beat and an age limit stand against.

A serial line is counted character by character. Over TCP a request is taken for the device's own
turnaround, the network for nothing; a gateway to a serial line behind it is slower than that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boards.profile_modbus import request_ms
from boards.profile_schema import registers

TURNAROUND_MS = 20  # a device's usual time from question to answer; an assumption, not a measure
_METER_MS = 100  # of a meter that speaks DL/T 645-2007; the standard allows 500 (7.3)
_DLT645_BAUD = 2400  # of the line behind a serial server, which nobody tells
_WRITE_AS_READ = 4  # a write and its echo are as long as reading so many registers


@dataclass(frozen=True)
class Round:
    """Reading every device of a bus once."""

    requests: int  # of a round with the slow blocks
    values: int
    mean_ms: float  # of a round, the slow blocks spread over theirs
    worst_ms: float  # all blocks at once, and a setpoint written and read back


def model(bus: Mapping[str, Any], devices: Sequence[Mapping[str, Any]]) -> Round:
    """Model one round of a bus; `devices` are the compiled images that hang on it."""
    if bus["link"] == "can":  # nobody is asked: its devices speak by themselves
        return Round(0, sum(len(device["points"]) for device in devices), 0.0, 0.0)
    mean_ms = worst_ms = 0.0
    requests = values = 0
    for device in devices:
        values += len(device["points"])
        for _, _, count, every in device["blocks"]:
            took_ms = _request_ms(bus, count)
            requests += 1
            mean_ms += took_ms / every
            worst_ms += took_ms
        control = device["control"]
        if control:
            worst_ms += (1 + control.get("more", 0)) * _request_ms(bus, _WRITE_AS_READ)
            if control["readback"]:
                worst_ms += _request_ms(bus, registers(control["readback"][2]))
    return Round(requests, values, mean_ms, worst_ms)


def _request_ms(bus: Mapping[str, Any], count: int) -> float:
    """One request and the rest after it, ms."""
    gap_ms = float(bus["gap_ms"])
    if bus["link"].startswith("dlt645"):
        return dlt645_ms(count, bus.get("baud", _DLT645_BAUD)) + gap_ms
    if bus["link"] == "tcp":
        return TURNAROUND_MS + gap_ms
    silence_ms = 3.5 * 11_000 / bus["baud"] if bus["baud"] <= 19200 else 1.75
    # the bus rests for the longer of the gap and the silence, which request_ms already has once
    return request_ms(count, bus["baud"], TURNAROUND_MS) + max(gap_ms - silence_ms, 0.0)


def dlt645_ms(count: int, baud: int) -> float:
    """Time one data identifier of `count` bytes takes, ms: request and reply with four wake-up
    bytes and twelve around their data, of which four say what it is; 11 bits a character."""
    return (20 + 20 + count) * 11_000 / baud + _METER_MS
