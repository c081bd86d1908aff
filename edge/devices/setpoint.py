"""How a power becomes registers, and registers a power again: the shape of a device's setpoint.

Watts are rounded toward zero, so that rounding never asks for more than was decided, and never
leave the device's own limits.
"""

from edge.compat import TYPE_CHECKING
from edge.devices.decode import decode, encode, fits, nearest, split, words
from edge.wire.modbus import (
    READ_HOLDING_REGISTERS,
    READ_INPUT_REGISTERS,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    put_read,
    put_write,
    put_write_coils,
    put_write_registers,
)

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence


class Setpoint:
    """The "signed" shape: one register (or a pair) holds the power with its sign. The "coils" shape
    is the same for the bits of edge/island/roles.py Outputs: they are a number without a sign.

    `control` is the entry of a device image: raw = w * num / den. ValueError when it cannot be
    executed.
    """

    def __init__(self, control: "Mapping[str, Any]"):
        self._function = control["fc"]
        self._address = control["addr"]
        self._type = control["type"]
        self._num = control["num"]
        self._den = control["den"]
        self._min_w = control["min_w"]
        self._max_w = control["max_w"]
        self._readback = control["readback"]
        self._check(control["shape"])
        self.can_read_back = self._readback is not None
        self._step_w: int = -(-self._den // abs(self._num))
        self._point: tuple[Any, ...] = ()
        if self.can_read_back:
            _, _, kind, num, den = self._readback
            self._step_w = max(self._step_w, -(-abs(num) // den))
            self._point = ("", 0, 0, kind, num, den, (), -1)

    def limited(self, w: int) -> int:
        """Return the power nearest to `w` that the device may be asked for."""
        if w < self._min_w:
            return self._min_w
        return self._max_w if w > self._max_w else w

    def raw(self, w: int) -> int:
        """Return what to write for a power within the limits."""
        return encode(w, self._num, self._den)

    def power(self, raw: int) -> int:
        """Return the power that a written value stands for, W."""
        if self._num < 0:
            return nearest(-raw * self._den, -self._num)
        return nearest(raw * self._den, self._num)

    def same(self, held_w: int, sent_w: int) -> bool:
        """Whether a power read back is the one sent, within the coarser of the two steps."""
        return -self._step_w < held_w - sent_w < self._step_w

    def put(self, tx: bytearray, at: int, raw: int) -> int:
        """Build the request that writes `raw`; return the index after it."""
        if self._function == WRITE_REGISTERS:
            return put_write_registers(tx, at, self._address, split(raw, self._type))
        return put_write(tx, at, self._function, self._address, raw)

    def put_read_back(self, tx: bytearray, at: int) -> int:
        """Build the request that reads the setpoint back; return the index after it."""
        function, address, kind, _, _ = self._readback
        return put_read(tx, at, function, address, words(kind))

    def read_back(self, rx: bytearray, at: int) -> "int | None":
        """Return the power in the reply whose data begins at `at`, W; None for no number."""
        return decode(rx, at, self._point)

    def _check(self, shape: str) -> None:
        if shape != "signed" and shape != "coils":
            raise ValueError("control: no such shape: " + str(shape))
        if not self._min_w <= 0 <= self._max_w:
            raise ValueError("control: 0 W must lie within min_w .. max_w")
        if self._num == 0 or self._den <= 0:
            raise ValueError("control: num must not be 0, den must be positive")
        for limit_w in (self._min_w, self._max_w):
            if not fits(self.raw(limit_w), self._type):
                raise ValueError("control: " + str(limit_w) + " W does not fit " + self._type)
        if (self._function == WRITE_REGISTER and words(self._type) > 1) \
                or self._function not in (WRITE_REGISTER, WRITE_REGISTERS):
            raise ValueError("control: function code " + str(self._function) + " cannot write "
                             + self._type)
        if self._readback is not None and (self._readback[4] <= 0 or self._readback[0] not in
                                           (READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS)):
            raise ValueError("control: the setpoint cannot be read back like this")


def put_step(tx: bytearray, at: int, step: "Sequence[int]") -> int:
    """Build one write of an enter or leave sequence, [function, address, value]; return its end."""
    function, address, value = step
    if function == WRITE_REGISTERS:
        return put_write_registers(tx, at, address, (value,))
    if function == WRITE_COILS:
        return put_write_coils(tx, at, address, (value,))
    return put_write(tx, at, function, address, value)
