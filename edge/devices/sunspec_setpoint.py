"""A SunSpec device commanded: a setpoint in W or in per cent, with a scale that is read first.

What is written for a power depends on scale factors, and for a per cent on the power it is of; both
stand in the device and may change. So they are read before the first write, and again with every
read-back, together with the setpoint and in one reply with it. A setpoint is a sequence: its
reversion timer, the value, and last what makes the device act on it (SunSpec Information Model
Specification: values first, the enable last). The timer is written each time, whichever of the
writes a device may take for its restart.
"""

from edge.compat import TYPE_CHECKING, const
from edge.devices.decode import decode, encode, nearest, split, words
from edge.wire.modbus import READ_HOLDING_REGISTERS, put_read, put_write_registers

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

_PER_CENT = const(100)
_SCALE_MAX = const(10)
# kind: raw value that means "not implemented", largest and smallest raw value that does not
_RANGES = {"u16": (0xFFFF, 0xFFFE, 0), "i16": (-0x8000, 0x7FFF, -0x7FFF),
           "i32": (-0x8000_0000, 0x7FFF_FFFF, -0x7FFF_FFFF)}


class Setpoint:
    """The setpoint of one model; with the words of edge/devices/setpoint.py for the lease.

    `control` is the entry of a device image, `choice` the way it says that is used, `models` where
    each model lies, `base` what per cents are of, or None.
    """

    can_read_back = True

    def __init__(self, control: "Mapping[str, Any]", choice: "Mapping[str, Any]",
                 models: "Mapping[int, Any]", base: "Sequence[Any] | None"):
        self.control = control
        self.enter: list = []  # steps, as far as the device has their points
        self.leave: list = choice["leave"]
        self.known = False  # the scale has been read
        self.more = False  # the base has just been read, the setpoint is next
        self.moved = False  # another model answered
        self.absent = False  # the model does not have this setpoint
        self.whole = False  # timer and enable were written as well, so they must hold
        self._choice = choice
        self._address, self._length = models[choice["model"]]
        self._base = base
        self._base_at = models[base[0]] if base is not None else (0, 0)
        self._base_w = _PER_CENT
        self._on_base = base is not None
        self._num = self._den = 1
        self._part = 0
        self._arm: list = []
        self._enabled = False

    def models(self) -> "list[int]":
        """The models that it reads or writes."""
        return [self._choice["model"]] + ([] if self._base is None else [self._base[0]])

    def counts(self) -> "list[int]":
        """How many registers its reads ask for."""
        return [self._choice["count"]] + ([] if self._base is None else [self._base[1]])

    def forget(self) -> None:
        """The scale is to be read anew."""
        self.known = self.more = False
        self._on_base = self._base is not None

    # Power and raw values.

    def limited(self, w: int) -> int:
        """Return the power nearest to `w` that the device may be asked for."""
        low_w = self.control["min_w"]
        high_w = self.control["max_w"]
        if self._base is not None:
            low_w = max(low_w, -self._base_w)
            high_w = min(high_w, self._base_w)
        return min(max(w, low_w), high_w)

    def is_limit(self) -> bool:
        """Whether it is the most that may be generated, and not a power."""
        return self._choice["limit"] != 0

    def raw(self, w: int) -> int:
        """Return what to write for a power, as near as the register can hold it."""
        _, most, least = _RANGES[self._choice["type"]]
        return min(max(encode(w, self._num, self._den), least), most)

    def power(self, raw: int) -> int:
        """Return the power that a raw value stands for, W."""
        if self._num < 0:
            return nearest(-raw * self._den, -self._num)
        return nearest(raw * self._den, self._num)

    def same(self, held_w: int, sent_w: int) -> bool:
        """Whether a power read back is the one sent, and still in force where it was made so."""
        if self.whole and not self._enabled:
            return False
        step_w = max(1, -(-self._den // abs(self._num)))
        return -step_w < held_w - sent_w < step_w

    # Writing.

    def begin(self) -> None:
        """Begin the sequence anew; until it has ended only the value counts."""
        self._part = 0
        self.whole = False

    def is_value_next(self) -> bool:
        """Whether the next write of the sequence is the value, or before it."""
        return self._part <= len(self._arm)

    def next_part(self) -> bool:
        """A write of the sequence was acknowledged; say whether there is another."""
        self._part += 1
        if self._part <= len(self._arm) + len(self._choice["on"]):
            return True
        self._part = 0
        self.whole = True
        return False

    def put_part(self, tx: bytearray, at: int, raw: int) -> int:
        """Build the next write of the sequence; return the index after it."""
        part = self._part - len(self._arm)
        if part < 0:
            return self.put_step(tx, at, self._arm[self._part])
        if part:
            return self.put_step(tx, at, self._choice["on"][part - 1])
        return self.put(tx, at, raw)

    def put(self, tx: bytearray, at: int, raw: int) -> int:
        """Build the request that writes the value alone; return the index after it."""
        choice = self._choice
        registers = split(raw, choice["type"])
        if choice["pair"]:
            registers += split(-raw, choice["type"])
        return put_write_registers(tx, at, self._address + choice["at"], registers)

    def put_step(self, tx: bytearray, at: int, step: "Sequence[Any]") -> int:
        """Build one write of a sequence, [offset, type, value, ..]; return the index after it."""
        offset, kind, value, _, _ = step
        return put_write_registers(tx, at, self._address + offset, split(value, kind))

    # Reading back.

    def put_read_back(self, tx: bytearray, at: int) -> int:
        """Build the request that reads the setpoint back, or first what per cents are of."""
        if self._base is not None and self._on_base:
            return put_read(tx, at, READ_HOLDING_REGISTERS, self._base_at[0], self._base[1])
        return put_read(tx, at, READ_HOLDING_REGISTERS, self._address, self._choice["count"])

    def read_back(self, rx: bytearray, at: int) -> "int | None":
        """Return the power in the reply whose data begins at `at`, W; None for no number, and when
        there is `more` to read."""
        if self._base is not None and self._on_base:
            self._take_base(rx, at, self._base)
            return None
        self._on_base = self._base is not None
        choice = self._choice
        if not _is(rx, at, choice["model"], self._length):
            self.moved = True
            return None
        kind = choice["type"]
        held = decode(rx, at, ("", 0, choice["at"], kind, 1, 1, _RANGES[kind][:1], -1))
        if not self.known:
            self._look(rx, at, held)
        if held is None or self.absent or not self._scale(rx, at):
            return None
        self.known = True
        self._enabled = True
        for step in choice["on"]:
            if _value(rx, at, step) != step[2]:
                self._enabled = False
        return self.power(held)

    def _look(self, rx: bytearray, at: int, held: "int | None") -> None:
        """Which of the points the device has at all."""
        choice = self._choice
        self.enter = _left(rx, at, choice["enter"])
        self.leave = _left(rx, at, choice["leave"])
        self._arm = _left(rx, at, choice["arm"])
        has = self.enter + self.leave + self._arm + _left(rx, at, choice["on"])
        self.absent = held is None
        for step in choice["enter"] + choice["leave"] + choice["arm"] + choice["on"]:
            if step[4] and step not in has:
                self.absent = True

    def _take_base(self, rx: bytearray, at: int, base: "Sequence[Any]") -> None:
        if not _is(rx, at, base[0], self._base_at[1]):
            self.moved = True
            return
        for offset, sf in base[2:]:
            base_w = decode(rx, at, ("", 0, offset, "u16", 1, 1, (0xFFFF,), sf))
            if base_w:
                self._base_w = base_w
                self._on_base = False
                self.more = True
                return

    def _scale(self, rx: bytearray, at: int) -> bool:
        """Learn what a raw step is worth; False when the device does not say."""
        power = 0
        if self._choice["sf"] >= 0:
            found = decode(rx, at, ("", 0, self._choice["sf"], "i16", 1, 1, (-32768,), -1))
            if found is None or not -_SCALE_MAX <= found <= _SCALE_MAX:
                return False
            power = found
        self._num = self._choice["turn"] * 10**max(-power, 0)
        self._den = 10**max(power, 0)
        if self._base is not None:
            self._num *= _PER_CENT
            self._den *= self._base_w
        return True


def find_setpoint(control: "Mapping[str, Any]", models: "Mapping[int, Any]", rank: int
                  ) -> "Setpoint | None":
    """The setpoint of the first way to command the device, after `rank` others that it has too."""
    for choice in control["choices"]:
        if not holds(models, choice["model"], choice["count"]):
            continue
        base = None
        for one in choice["of"]:
            if base is None and holds(models, one[0], one[1]):
                base = one
        if base is None and choice["of"]:
            continue
        if rank == 0:
            return Setpoint(control, choice, models, base)
        rank -= 1
    return None


def holds(models: "Mapping[int, Any]", model: int, count: int) -> bool:
    """Whether a model is there and has so many registers, id and length among them."""
    return model in models and models[model][1] + 2 >= count


def _is(rx: bytearray, at: int, model: int, length: int) -> bool:
    return rx[at] << 8 | rx[at + 1] == model and rx[at + 2] << 8 | rx[at + 3] == length


def _value(rx: bytearray, at: int, step: "Sequence[Any]") -> int:
    """The raw value, without a sign, of a step's point."""
    raw = 0
    for i in range(2 * words(step[1])):
        raw = raw << 8 | rx[at + 2 * step[0] + i]
    return raw


def _left(rx: bytearray, at: int, steps: "Sequence[Sequence[Any]]") -> list:
    """The steps whose points the device has."""
    return [step for step in steps if _value(rx, at, step) != step[3]]
