"""Pulse inputs: what they have counted, kept through power cuts.

The board counts (edge/contact.py on a microcontroller, the kernel on a Raspberry Pi); here the
counts are taken over every second and stored every minute, and before any reading is told. So a
power cut costs the pulses of the last minute at most, and what comes while there is no power; none
counts twice, and no reading that was told is ever taken back. With four inputs a record takes 60
bytes: each of four sectors of 4 KiB is erased five times a day.

A count belongs to a meter's name, weight and offset as they stand in the site file. Where one of
these is another the count begins at 0: the offset is what the register shows then.
"""

import struct
from array import array

from edge.compat import TYPE_CHECKING, const
from edge.keep import Keep
from edge.ticks import ticks_diff, ticks_ms

if TYPE_CHECKING:
    from typing import Any

_MASK = const((1 << 30) - 1)
_LOOK_MS = const(1_000)
_SAVE_MS = const(60_000)
_ENTRY = const(12)  # bytes: which meter u32, its count u64
_RECORD_BYTES = const(192)  # of 16 inputs: as long when some have gone


def part(meters, listed, board) -> "Pulses":
    """The inputs that an image lists: place of the meter, input, debounce_ms, most pulses a second,
    which meter it is."""
    return Pulses([(meters[place], board.open_pulse(name, debounce_ms), max_hz, which)
                   for place, name, debounce_ms, max_hz, which in listed],
                  board.state("pulses"), ticks_ms())


class Pulses:
    """`inputs`: for each [its meter (edge/media.py), what counts it (`count()` modulo 2^30), most
    pulses a second, which meter it is, as a number]. `device` as for edge/keep.py. OSError of the
    device passes through."""

    def __init__(self, inputs: "Any", device: "Any", now_ms: int):
        self._inputs = inputs
        self._keep = Keep(device, _RECORD_BYTES)
        self._seen = array("i", (one[1].count() for one in inputs))
        self._look_ms = self._save_ms = now_ms
        self._stored = True  # whether the counts are those of the record
        kept = self._keep.load()
        for at in range(0, len(kept), _ENTRY):
            which, count = struct.unpack_from("<IQ", kept, at)
            for one in inputs:
                if one[3] == which:
                    one[0].count = count

    def step(self, now_ms: int):
        """Take over what was counted, and store it when it is time."""
        if 0 <= ticks_diff(now_ms, self._look_ms) < _LOOK_MS:
            return
        self._look(now_ms)
        if not self._stored and not 0 <= ticks_diff(now_ms, self._save_ms) < _SAVE_MS:
            self.save()
            self._save_ms = now_ms

    def save(self):
        """Make the counts durable."""
        if self._stored:
            return
        record = bytearray(_ENTRY * len(self._inputs))
        for number, one in enumerate(self._inputs):
            struct.pack_into("<IQ", record, _ENTRY * number, one[3], one[0].count)
        self._keep.store(record, len(record))
        self._stored = True

    def _look(self, now_ms: int):
        """More than an input can have counted since the last look is noise, and no pulses."""
        for_ms = ticks_diff(now_ms, self._look_ms)
        self._look_ms = now_ms
        for number, one in enumerate(self._inputs):
            meter, count = one[0], one[1].count()
            new = count - self._seen[number] & _MASK
            self._seen[number] = count
            if for_ms >= 0:  # below: the loop stood still for days
                most = one[2] * (for_ms // 1000 + 2)
                if new > most:
                    meter.refused += new - most
                    new = most
            if new:
                meter.count += new
                self._stored = False
            meter.stamp_ms = now_ms
            meter.heard = True
