"""A SunSpec battery converter or inverter that does what its control models say: an engine of its
own on registers that pysunspec2 made. Nothing of the gateway is used.

A reversion timer runs while its function is on. What restarts it differs from maker to maker:
`fed_by` is "value", "timer" or "enable" (a write to that register alone), "write" (any write to the
model) or "any" (any request at all).
"""

from tests.devices.sunspec_maps import place


def signed(raw, bits=16):
    """The number that a two's complement stands for."""
    return raw - (1 << bits) if raw >> bits - 1 else raw


class Control:
    """Where a model's registers lie: value, timer, enable, and what `enable` is when on."""

    def __init__(self, model, value, timer, enable, on, wide=False):
        self.model, self.value, self.timer = model, value, timer
        self.enable, self.on, self.wide = enable, on, wide


WSET = Control(704, 24, 32, 22, 1, wide=True)
WSET_PCT = Control(704, 28, 32, 22, 1)
LIMIT_704 = Control(704, 15, 19, 14, 1)
LIMIT_123 = Control(123, 5, 7, 9, 1)
STORAGE = Control(124, 12, 15, 5, 3)
KACO = Control(64201, 9, 8, 4, 11)


class Engine:
    """One device: `registers` change as it is written to and as time goes by."""

    def __init__(self, registers, control, fed_by="write"):
        self.registers, self.control, self.fed_by = registers, control, fed_by
        self.fed_ms = self.now_ms = 0
        self.reverted = 0
        self._first = -1

    def _at(self, offset):
        if self.registers.get(self._first) != self.control.model:
            self._first = place(self.registers, self.control.model)
        return self._first + offset

    def _get(self, offset):
        return self.registers[self._at(offset)]

    def hears(self, address, values):
        """A write has been done."""
        control = self.control
        written = range(address, address + len(values))
        one = {"value": control.value, "timer": control.timer, "enable": control.enable}
        first = self._at(0)
        if self.fed_by in one:
            fed = self._at(one[self.fed_by]) in written
        else:
            fed = any(first <= at < first + 2 + self._get(1) for at in written)
        if fed:
            self.fed_ms = self.now_ms

    def is_on(self):
        """Whether the function is in force."""
        return self._get(self.control.enable) == self.control.on

    def advance(self, now_ms, asked):
        """Let time pass; `asked`: there was any request since."""
        self.now_ms = now_ms
        if asked and self.fed_by == "any":
            self.fed_ms = now_ms
        timeout_s = self._get(self.control.timer)
        if self.is_on() and timeout_s and now_ms - self.fed_ms >= timeout_s * 1000:
            self._revert()

    def _revert(self):
        self.reverted += 1
        control, registers = self.control, self.registers
        if control is WSET or control is WSET_PCT:
            wide = control is WSET
            for at in range(2 if wide else 1):
                registers[self._at(control.value + at)] = self._get(26 + at if wide else 29)
            registers[self._at(22)] = self._get(30)  # WSetEnaRvrt
            self.fed_ms = self.now_ms
        elif control is KACO:
            registers[self._at(9)] = 0
            self.fed_ms = self.now_ms
        else:
            registers[self._at(control.enable)] = 0

    def setpoint(self):
        """The raw value in force; None when the function is off."""
        if not self.is_on():
            return None
        if self.control.wide:
            high, low = self._get(self.control.value), self._get(self.control.value + 1)
            return signed(high << 16 | low, 32)
        return signed(self._get(self.control.value))

    def window(self):
        """Of model 124: the least and the most power, raw, discharge positive."""
        return -signed(self._get(13)), signed(self._get(12))
