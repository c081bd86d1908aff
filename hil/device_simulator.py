"""A simulated device: the registers of a profile, alive, without a wire.

What the plant says in engineering values comes out as registers; what is written to the registers
comes back to the plant in engineering values. Registers that the profile does not know answer 0
inside the gaps a gateway may read across and are refused elsewhere, function code by function code.
Time is passed in, never read from a clock.
"""

import zlib
from collections.abc import Callable, Mapping
from fractions import Fraction

from boards.profile_schema import SIGNALS, TYPES, Control, Point, Profile, signal_terms
from boards.registers import to_raw, to_words
from hil.device_control import Commanded, readable
from hil.faults import Piece

Values = Mapping[str, int | Fraction]
Fault = Callable[[bytes], bytes]
Wire = Callable[[bytes, bytes], list[Piece]]

_HOLDING = 3  # function code whose registers may also be written
_TICK_MS = 200  # a real meter's digits move about so often
_LIVELY = {"V": (Fraction(230), Fraction(1, 10)), "Hz": (Fraction(50), Fraction(1, 100))}
_FINEST = {"V": -1, "A": -2, "Hz": -2}  # the scale factor an inverter likes, by unit; others 0
_COARSEST = 10  # SunSpec scale factors are -10 .. 10


class DeviceSimulator:
    """One device on a bus, at address `unit` (0 .. 255; 0 on the raw slave alone).

    `values()` is asked at every read. Its keys are signals of the profile (W, Wh, per mille, with
    the signs of the busbar) or points (in the point's unit, signed as the device counts). Voltages
    and frequencies it leaves out move by themselves, the same way for the same `seed` and time;
    other points it leaves out show "not available", or 0.

    `on_write(name, value)` hears every write by the name of its write point, in the point's unit;
    the setpoint comes in W, discharge positive (a charger's limit in mA), by the name
    `Control.setpoint`: what all registers together say, after each write that may have changed it.
    When the dead-man timer expires, or a window of time begins or ends, it hears the setpoint as
    well. It is called on the server's thread, except for the latter, which comes from `advance`.

    `fault` may be set at any time: it is given each reply as it goes out, frame and all, and
    returns what shall go out instead (nothing: silence). So may `wire`, which the raw slave
    (hil/fault_slave.py) asks with each request and its reply.
    """

    def __init__(self, profile: Profile, values: Callable[[], Values],
                 on_write: Callable[[str, int], None], unit: int = 1, *, seed: int = 0) -> None:
        if not 0 <= unit <= 255:
            raise ValueError(f"found unit {unit}, expected 0 .. 255")
        self.profile = profile
        self.unit = unit
        self.fault: Fault | None = None
        self.wire: Wire | None = None
        self.deaf = False  # it starts anew: nothing is read or written
        self.expired = False  # the dead-man timer has run out since the last setpoint
        self._values = values
        self._on_write = on_write
        self._seed = seed
        self._signals = {point: signal for signal, text in profile.signals.items()
                         for point, _ in signal_terms(text)}
        self._writes = {point.addr: point for point in profile.writes.values()}
        self._users: dict[str, list[Point]] = {}  # scale factor -> the points it scales
        for point in profile.points.values():
            if point.power:
                self._users.setdefault(point.power, []).append(point)
        self._written: dict[int, int] = {}
        self._fixed = {(fc, addr): value
                       for fc, addr, value in (*profile.identity, *profile.constants)}
        self.readable = readable(profile)
        self._now_ms = self._fed_ms = 0
        self._fed = self._armed = False
        control = profile.control
        timer = control.dead_man if control else None
        self._timeout_ms = timer.timeout_s * 1000 if timer and control and not control.slot else 0
        self._commanded = Commanded(profile, control, self._holds) \
            if control and control.is_power else None
        self._limits = (control.write, control.failsafe) if control else ()
        self._falls_to = 0  # a charger's limit when its dead-man timer bites, mA
        self.stored = 0  # requests that wrote: what memory that keeps them for good has to bear
        self.power_w = 0  # that the registers command

    def read(self, fc: int, addr: int, count: int) -> list[int] | None:
        """Answer a read; None where the device has no such registers."""
        wanted = range(addr, addr + count)
        if not self.readable.get(fc, set()).issuperset(wanted):
            return None
        self._feed({"any"})
        words = {at: self._fixed.get((fc, at), 0) for at in wanted}
        if fc == _HOLDING:
            words.update({at: self._written[at] for at in wanted if at in self._written})
        given = self._values()
        for point in self.profile.points.values():
            if point.fc == fc and point.addr < addr + count and point.end() > addr:
                if point.kind == "bit":  # its register may hold others
                    words[point.addr] |= int(point.scale) if self._engineering(point, given) else 0
                else:
                    words.update(enumerate(self._words(point, given), point.addr))
        return [words[at] for at in wanted]

    def write(self, fc: int, addr: int, words: list[int]) -> bool:
        """Take a write; False where the device has no such register for this function code."""
        if self.deaf:
            return False
        taken: list[tuple[Point, list[int]]] = []
        at = addr
        while at < addr + len(words):
            point = self._writes.get(at)
            if point is None or point.fc != fc or point.end() > addr + len(words):
                return False
            taken.append((point, words[at - addr:point.end() - addr]))
            at = point.end()
        before = dict(self._written)
        for point, part in taken:
            self._written.update(enumerate(part, point.addr))
        if self._is_out_of_range():
            self._written = before
            return False
        self.stored += 1
        for point, part in taken:
            self._take(point, to_raw(point.kind, part))
        self._tell({point.name for point, _ in taken})
        return True

    def advance(self, now_ms: int) -> None:
        """Let time pass up to `now_ms`, ms since any start; let the dead-man timer bite."""
        self._now_ms = now_ms
        if self._fed:
            self._fed = False
            self._fed_ms = now_ms
        if self._armed and self._timeout_ms and now_ms - self._fed_ms >= self._timeout_ms:
            self._bite()
        self._tell(set())

    def _bite(self) -> None:
        control = self.profile.control
        assert control is not None
        self._armed = False
        self.expired = True
        for name, value in self._released(control).items():
            point = self.profile.writes[name]
            self._written.update(enumerate(to_words(point.kind, value / point.scale), point.addr))
        self.power_w = 0
        self._on_write(control.setpoint, self._falls_to)

    def _released(self, control: Control) -> Mapping[str, int | Fraction]:
        """What its own timer writes."""
        if self._commanded:
            return self._commanded.release()
        raw = self._falls_to / self.profile.setpoint_scale(control.write)
        return {control.write: raw * self.profile.writes[control.write].scale}

    def restart(self) -> None:
        """Begin anew: nothing was ever written, and no setpoint is in force."""
        self._written.clear()
        self._armed = self.expired = False
        self.power_w = 0
        if self.profile.control is not None:
            self._on_write(self.profile.control.setpoint, 0)

    def _take(self, point: Point, raw: Fraction) -> None:
        control = self.profile.control
        value = round(raw * point.scale)
        if control and control.shape == "current" and point.name in self._limits:
            value = round(raw * self.profile.setpoint_scale(point.name))
            self._falls_to = value if point.name == control.failsafe else self._falls_to
        if control and control.dead_man and point.name == control.dead_man.register:
            # 0 switches the timer off: an assumption
            self._timeout_ms = value * {"min": 60_000, "ms": 1}.get(point.unit, 1000)
        if control and not control.is_power and point.name == control.write:
            self._arm()
        if self._commanded is None:
            self._feed({"any", "write"} | ({"setpoint"} if control and point.name == control.write
                                           else set()))
            self._on_write(point.name, value)
            return
        kinds = self._commanded.feeds(point)
        if "setpoint" in kinds:
            self._arm()
        self._feed(kinds)
        if control and point.name != control.write:
            self._on_write(point.name, value)

    def _arm(self) -> None:
        self._armed = True
        self.expired = False

    def _feed(self, kinds: set[str]) -> None:
        timer = self.profile.control.dead_man if self.profile.control else None
        if timer and timer.fed_by in kinds:
            self._fed = True

    # What the registers command.

    def _tell(self, names: set[str]) -> None:
        """Say what is commanded, if it has been written or is another power than before."""
        control, commanded = self.profile.control, self._commanded
        if control is None or commanded is None:
            return
        power_w = commanded.power_w(self._now_ms // 60_000)
        if power_w != self.power_w or control.write in names:
            self.power_w = power_w
            self._on_write(control.setpoint, power_w)

    def _holds(self, name: str) -> Fraction:
        point = self.profile.writes[name]
        words = [self._written.get(at, 0) for at in range(point.addr, point.end())]
        return to_raw(point.kind, words) * point.scale

    def _is_out_of_range(self) -> bool:
        """Whether more is commanded than the device says it takes."""
        control, commanded = self.profile.control, self._commanded
        if control is None or commanded is None or not control.limits:
            return False
        power_w = commanded.power_w(self._now_ms // 60_000)
        given = self._values()
        most = [self._engineering(self.profile.points[name], given) for name in control.limits]
        return power_w != self.power_w and any(
            w is not None and w < sign * power_w for w, sign in zip(most, (-1, 1), strict=True))

    def _words(self, point: Point, given: Values) -> list[int]:
        """What the registers of one point hold now."""
        if point.name in self._users:
            return to_words(point.kind, self._power(point.name, given))
        value = self._engineering(point, given)
        if value is not None:
            power = self._power(point.power, given) if point.power else 0
            return to_words(point.kind, Fraction(value) / point.scale / Fraction(10) ** power)
        if point.addr in self._written:
            return [self._written.get(at, 0) for at in range(point.addr, point.end())]
        return to_words(point.kind, point.na[0] if point.na else 0)

    def _engineering(self, point: Point, given: Values) -> int | Fraction | None:
        """A point's value in its own unit; None when nobody knows it."""
        if point.name in given:
            return given[point.name]
        signal = self._signals.get(point.name, "")
        if signal in given:
            return self._part(point, signal, given[signal])
        control = self.profile.control
        if control and point.name in control.clock:
            minute = self._now_ms // 60_000
            return minute // 60 % 24 if point.name == control.clock[0] else minute % 60
        if point.unit in _LIVELY:
            middle, step = _LIVELY[point.unit]
            digit = zlib.crc32(f"{self._seed} {point.name}".encode()) + self._now_ms // _TICK_MS * 7
            step = step if point.power else max(step, point.scale)  # what the register can show
            return middle + (digit % 31 - 15) * step  # 7 and 31 are coprime: it never stands still
        return None

    def _part(self, point: Point, signal: str, value: int | Fraction) -> Fraction | None:
        """What one point shows of a signal, which may be a sum: the coarsest ones take most."""
        left = Fraction(value)
        terms = signal_terms(self.profile.signals[signal])
        if len(terms) == 1:
            left /= SIGNALS[signal].units[point.unit]
            return -left if terms[0][1] else left
        scales = {name: self.profile.term_scale(signal, name, turned) for name, turned in terms}
        for name in sorted(scales, key=lambda name: -abs(scales[name])):
            _, low, high = TYPES[self.profile.points[name].kind]
            is_last = abs(scales[name]) == min(map(abs, scales.values()))
            raw = round(left / scales[name]) if is_last else left // scales[name]
            raw = min(max(raw, low), high)
            if raw in self.profile.points[name].na:
                raw -= 1
            if name == point.name:
                return raw * point.scale
            left -= raw * scales[name]
        return None

    def _power(self, name: str, given: Values) -> int:
        """The scale factor in force: the finest usual one with which its values still fit."""
        if name in given:
            return int(given[name])
        users = self._users[name]
        finest = min(_FINEST.get(point.unit, 0) for point in users)
        for power in range(finest, _COARSEST):
            if all(self._fits(point, power, given) for point in users):
                return power
        return _COARSEST

    def _fits(self, point: Point, power: int, given: Values) -> bool:
        value = self._engineering(point, given)
        if value is None:
            return True
        raw = round(Fraction(value) / point.scale / Fraction(10) ** power)
        _, low, high = TYPES[point.kind]
        return low <= raw <= high and (raw == 0 or raw not in point.na)
