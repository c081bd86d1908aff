"""Fields that move in steps, because the meter behind them does: a surprise of theirs is told in
steps. Only a site that has such a field loads this file.

    body    = version (3), schema (1 byte), n (1 byte), n times (field, quantum), part, part, ...
    quantum = a step: exponent of ten (high 4 bits, 0 to 8), mantissa (low 4 bits, 1 to 15, not 10);
              at least 2, and less than 2^28, since no growth of so much is told as a surprise

The fields come in the order of their numbers, each once; schema and parts are those of version 2
(edge/wire/batch.py). What a field will be is predicted in full units and rounded to a step, and how
many steps it is from there is coded like any surprise, beginning with the schema's level and first
less an octave, or a bit, for each time that the step can be halved. A counter keeps how far its
prediction is ahead of what was told. A value between two steps is told in full.
"""

from array import array

from edge.compat import TYPE_CHECKING, const
from edge.wire.batch import BatchEncoder

if TYPE_CHECKING:
    from typing import Any

_VERSION = const(3)
_HEAD = const(3)  # bytes of a body before its quanta
_NOTED = const(1)  # kinds of edge/wire/row_encoder.py
_TIME = const(4)
_STEPPED = const(-16)  # and limits of there
_LINK_MAX = const(1 << 17)
_FAR = const(1 << 28)
_OCTAVE = const(16)


def quantum(byte: int) -> int:
    """The step that a byte means, in units of its field; 0 when it means none."""
    step = (byte & 15) * 10 ** (byte >> 4)
    return step if 1 < step < _FAR and byte & 15 != 10 else 0


class QuantaEncoder(BatchEncoder):
    """A BatchEncoder of fields some of which move in steps: `quanta` are pairs of field and
    quantum, as in the body."""

    def __init__(self, schema: "bytes | int", capacity_bytes: int, quanta: bytes, at_once: int = 9):
        self._quanta = quanta
        self._stepped: list[Any] = []
        BatchEncoder.__init__(self, schema, capacity_bytes, at_once)
        if _HEAD + len(quanta) > self._last_start:
            raise ValueError("a batch has room for a row, and at most 65535 B")
        states = {state[1]: state for group in self._groups for state in group}
        for at in range(0, len(quanta), 2):
            state = states[quanta[at]]
            # The number of steps is a field as well, alone in its group: one that stays.
            self._stepped.append([quantum(quanta[at + 1]), state[0] > _TIME, 0, state,
                                  ([_NOTED, 0, 0, 0, 0, None],)])
        self._row = array("i", [0])
        self.reset()

    def reset(self) -> None:
        """Begin a new batch, in the same buffer."""
        BatchEncoder.reset(self)
        self.buffer[0] = _VERSION
        self.buffer[2] = len(self._quanta) >> 1
        at = _HEAD
        for byte in self._quanta:
            self.buffer[at] = byte
            at += 1
        self._begin(at)
        place = _STEPPED
        for stepped in self._stepped:
            step, _, _, state, (steps,) = stepped
            stepped[2] = 0
            level, first = state[3], state[4]
            state[3] = place
            place -= 1
            while step > 1:
                step >>= 1
                level -= _OCTAVE
                first -= 1
            steps[3] = level if level > 0 else 1
            steps[4] = first if first > 1 else 1

    def _step(self, place: int, value: int, before: int, odd: int) -> int:
        """Code a value `odd` above what was expected; what is to be learned from it."""
        stepped = self._stepped[_STEPPED - place]
        step, counts, ahead, _, group = stepped
        row, rows = self._row, self.rows
        steps = 0
        if value % step or not -_FAR < value - before < _FAR:
            odd = ahead = 0
            row[0] = value
            group[0][2] = value + _FAR if value < 0 else value - _FAR  # so far that it is told
        else:
            odd -= ahead
            half = step >> 1
            row[0] = steps = (odd + step - 1 - half) // step
            group[0][2] = ahead = 0
            if counts and rows:
                ahead = -odd
                if steps:  # as near as it can be
                    ahead = -half if steps > 0 else step - 1 - half
        stepped[2] = ahead
        if rows:
            self._next(group, row)
        else:
            self._first(group, row)
        if steps:
            odd += ahead
            if -_LINK_MAX < odd < _LINK_MAX:
                return odd
        return 0


def part(keys: dict):
    """Makes the encoder of a site whose [telemetry] has a `step`: pairs of field and quantum."""
    quanta = bytes(keys["step"])

    def encoder(schema: "bytes | int", capacity_bytes: int) -> QuantaEncoder:
        return QuantaEncoder(schema, capacity_bytes, quanta)

    return encoder
