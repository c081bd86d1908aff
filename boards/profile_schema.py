"""What a device profile is: its words, its types and the limits each of them has.

A profile describes one model of meter, converter or battery as data. This file holds what the
reader, the compiler and the device simulator agree on; none of it exists on a gateway.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

READ_CODES = (3, 4)
WRITE_CODES = (6, 16)

# name: registers, lowest and highest raw value. A float holds every integer in between exactly.
_WORDS = {
    "u16": (1, 0, 0xFFFF),
    "bit": (1, 0, 1),  # of a register; its scale is the mask
    "i16": (1, -0x8000, 0x7FFF),
    "u32": (2, 0, 0xFFFF_FFFF),
    "i32": (2, -0x8000_0000, 0x7FFF_FFFF),
    "u64": (4, 0, (1 << 64) - 1),
    "i64": (4, -(1 << 63), (1 << 63) - 1),
    "f32": (2, -(1 << 24), 1 << 24),
    "f64": (4, -(1 << 53), 1 << 53),
}
# Suffix s: the least significant register comes first.
TYPES = _WORDS | {f"{name}s": words for name, words in _WORDS.items() if words[0] > 1}


def registers(kind: str) -> int:
    """Number of 16-bit registers a value of this type fills."""
    return TYPES[kind][0]


@dataclass(frozen=True)
class Canonical:
    """A signal of the beat: the units it can be made from and which way it is positive."""

    units: Mapping[str, int | Fraction]  # unit of the point -> canonical units in one of it
    signs: tuple[str, ...] = ()  # (the canonical direction, its opposite); none: never signed


_POWER = {"W": 1, "kW": 1000, "MW": 1_000_000}
_ENERGY = {"Wh": 1, "kWh": 1000, "MWh": 1_000_000}
_HEAT: Mapping[str, int | Fraction] = _ENERGY | {"MJ": Fraction(2500, 9),
                                                "GJ": Fraction(2_500_000, 9)}
_SHARE = {"pm": 1, "%": 10}
_MILLI = {"V": 1000, "A": 1000, "Hz": 1000}
_CURRENT = {"A": 1000, "mA": 1}
SIGNALS = {
    "grid_w": Canonical(_POWER, ("import", "export")),
    "l1_w": Canonical(_POWER, ("import", "export")),
    "l2_w": Canonical(_POWER, ("import", "export")),
    "l3_w": Canonical(_POWER, ("import", "export")),
    "import_wh": Canonical(_ENERGY),
    "export_wh": Canonical(_ENERGY),
    "store_w": Canonical(_POWER, ("discharge", "charge")),
    "soc_pm": Canonical(_SHARE),
    "charge_max_w": Canonical(_POWER),
    "discharge_max_w": Canonical(_POWER),
    "charge_wh": Canonical(_ENERGY),
    "discharge_wh": Canonical(_ENERGY),
    "ready": Canonical({"flag": 1}),
    "pv_w": Canonical(_POWER, ("generation", "consumption")),
    "pv_wh": Canonical(_ENERGY),
    "islanded": Canonical({"flag": 1}),
    "grid_ok": Canonical({"flag": 1}),
    "gen_w": Canonical(_POWER, ("generation", "consumption")),
    "gen_running": Canonical({"flag": 1000, "rpm": 1}),  # at rest below 500
    "gen_ready": Canonical({"flag": 1}),
    "opt_out": Canonical({"flag": 1}),  # a contact by which a site leaves a demand response
    # Of a charger (edge/charging/charger.py); drawn, its power is negative.
    "charger_w": Canonical(_POWER, ("generation", "consumption")),
    "plugged": Canonical({"flag": 1, "code": 1}),  # a car is connected and asks: control.asks
    "charger_max_ma": Canonical(_CURRENT),  # a phase, by hardware and cable
    # Of a billing meter (edge/devices/billing_meter.py).
    "present_demand_w": Canonical(_POWER),
    "max_demand_w": Canonical(_POWER),
    "max_demand_at": Canonical({"min": 1}),
    "meter_clock_s": Canonical({"s": 1}),
    "demand_period_min": Canonical({"min": 1}),
    "demand_slip_min": Canonical({"min": 1}),
    **{f"{way}_t{tariff}_wh": Canonical(_ENERGY) for way in ("import", "export")
       for tariff in range(1, 5)},
    **{f"v_l{phase}_mv": Canonical(_MILLI) for phase in range(1, 4)},
    **{f"i_l{phase}_ma": Canonical(_CURRENT) for phase in range(1, 4)},
    "f_mhz": Canonical(_MILLI),
    # Totals of a meter of water, heat, cold, gas or steam (edge/devices/medium.py).
    "volume_l": Canonical({"l": 1, "m3": 1000}),
    "mass_kg": Canonical({"kg": 1, "t": 1000}),
    **{signal: Canonical(_HEAT) for signal in ("energy_wh", "heat_wh", "cold_wh")},
    "age_s": Canonical({"s": 1}),  # of these, where who answers has asked a meter before
    **{f"pulses_{place}": Canonical({"pulses": 1}) for place in range(1, 9)},  # of a counter module
}
SETPOINT = Canonical(_POWER, ("discharge", "charge"))
CURRENT = Canonical(_CURRENT)
DIRECTIONS = tuple(word for signal in SIGNALS.values() for word in signal.signs)
CLASSES = {"meter": "grid_w", "pcs": "store_w", "bms": "soc_pm", "pv": "pv_w",
           "generator": "gen_w", "switch": "islanded", "charger": "plugged",  # and its one must
           "medium": ""}  # or one of MEDIUM
MEDIUM = ("volume_l", "mass_kg", "energy_wh", "heat_wh", "cold_wh",
          *(f"pulses_{place}" for place in range(1, 9)))
# Of what is commanded: relays as bits of a number, a charger's current limit, or a power
# (boards/profile_control.py).
SHAPES = ("signed", "coils", "current", "percent", "mode", "slots")
PROTOS = ("modbus", "sunspec", "dlt645", "can")
FED_BY = ("any", "write", "setpoint", "heartbeat", "none")  # what restarts a dead-man timer

Register = tuple[int, int, int]  # function code, address, 16-bit value


@dataclass(frozen=True)
class Point:
    """One value on the wire: engineering value = raw * scale * 10**(raw of `power`), in `unit`."""

    name: str
    fc: int
    addr: int  # 0-based, as on the wire
    kind: str
    scale: Fraction
    unit: str
    power: str = ""  # the point that holds a SunSpec scale factor; "" when there is none
    na: tuple[int, ...] = ()  # raw values, as the type reads them, that mean "not available"

    def end(self) -> int:
        """The address after its last register."""
        return self.addr + registers(self.kind)


@dataclass(frozen=True)
class Rtu:
    """A serial line's usual settings."""

    baud: int
    parity: str
    unit: int


@dataclass(frozen=True)
class Tcp:
    """A socket's usual settings."""

    port: int
    unit: int


@dataclass(frozen=True)
class DeadMan:
    """The device's own timer: not fed for `timeout_s`, it goes to 0 W by itself. Fed by "none": the
    device is known to have none."""

    register: str  # the write point that sets the timer, ms, s or min; "" when it is fixed
    timeout_s: int
    fed_by: str


@dataclass(frozen=True)
class Control:
    """How an active-power setpoint is made. Sequences are (write point, engineering value)."""

    shape: str
    write: str
    readback: str  # a point; "" when the setpoint cannot be read back
    refresh_s: int
    enter: tuple[tuple[str, int], ...]
    leave: tuple[tuple[str, int], ...]
    dead_man: DeadMan | None
    together: tuple[tuple[str, int], ...] = ()  # written in one request with the setpoint
    idle: tuple[tuple[str, int], ...] = ()  # mode: the writes that make 0 W,
    charge: tuple[tuple[str, int | None], ...] = ()  # those that charge,
    discharge: tuple[tuple[str, int | None], ...] = ()  # and discharge; None: how much, W
    beat_s: int = 0  # a heartbeat every so often while the lease lives,
    beat: tuple[tuple[str, int], ...] = ()  # and what it writes
    limits: tuple[str, ...] = ()  # points: the most it takes in charge and in discharge
    rated_w: int = 0  # percent, slots: the power that is 100 %; 0: the site says it
    slot: tuple[str, ...] = ()  # slots: the write points start, end and on of one window
    clock: tuple[str, ...] = ()  # slots: the points with hour and minute of the device's clock
    window_min: int = 0  # slots: how far ahead a window is written
    nv_per_day: int = 0  # writes its memory bears; 0: what is written is not stored
    min_a: int = 0  # current: the least limit a phase at which it charges; below it pauses
    asks: tuple[int, ...] = ()  # current: what signals.plugged reads while a car asks for current
    failsafe: str = ""  # current: the write point of the limit it falls to by itself
    failsafe_ma: int = 0  # and that limit; the site says it

    @property
    def setpoint(self) -> str:
        """What a power that is made of several writes is called on a bench."""
        return self.write or "setpoint"

    @property
    def is_power(self) -> bool:
        """Whether a battery's power is commanded, and not relays or a charger."""
        return self.shape not in ("coils", "current")


@dataclass(frozen=True)
class Profile:
    """One model of device."""

    id: str
    vendor: str
    model: str
    kind: str  # one of CLASSES
    source: tuple[str, ...]
    unverified: tuple[str, ...]
    quirks: tuple[str, ...]
    rtu: Rtu | None
    tcp: Tcp | None
    max_regs: int  # registers one request may ask for
    max_gap: int  # unused registers worth reading to save a request
    points: Mapping[str, Point]
    writes: Mapping[str, Point]
    sign: Mapping[str, str]  # point -> the direction in which its raw value is positive
    signals: Mapping[str, str]  # signal -> point, "-point" when the point counts the other way
    slow: tuple[str, ...]
    every: int  # slow points are read each so many polls
    frozen_s: int  # unchanged for so long, the device is taken for dead; 0: never
    watch: tuple[str, ...]  # points read only because they never stand still
    areas: tuple[Register, ...]  # function code, address, count the device is known to answer
    identity: tuple[Register, ...]  # must hold before any reading is believed
    constants: tuple[Register, ...]  # known to hold, not worth insisting on
    control: Control | None
    proto: str = "modbus"  # what it speaks; another has a module profile_<proto> of its own
    holes: tuple[Register, ...] = ()  # function code, address, count that no read may cross
    links: tuple[str, ...] = ("tcp", "rtu")  # of a bus that it can hang on

    def signal_scale(self, signal: str) -> Fraction:
        """Canonical units (W, Wh, per mille) in one raw step of the signal's point, signed."""
        return self.term_scale(signal, *signal_point(self.signals[signal]))

    def term_scale(self, signal: str, point: str, turned: bool) -> Fraction:
        """The same for one of several points that a signal is the sum of."""
        canonical = SIGNALS[signal].units[self.points[point].unit]
        return self.points[point].scale * canonical * (-1 if turned else 1)

    def companions(self, name: str) -> tuple[str, ...]:
        """The points that only mean something together with this one, so from one reading."""
        sums = [[point for point, _ in signal_terms(text)] for text in self.signals.values()]
        if self.control:
            sums.append(list(self.control.clock))
        return tuple(other for points in sums if name in points for other in points)

    def setpoint_scale(self, name: str) -> Fraction:
        """Watts of discharge in one raw step of a setpoint or of its read-back, signed; of relays
        a raw step is one, of a current limit it is mA."""
        if self.control and self.control.shape == "coils":
            return Fraction(1)
        point = self.writes[name] if name in self.writes else self.points[name]
        if self.control and self.control.shape == "current":
            return point.scale * CURRENT.units.get(point.unit, 1)
        turned = self.sign[name] != SETPOINT.signs[0]
        return point.scale * SETPOINT.units.get(point.unit, 1) * (-1 if turned else 1)


def signal_point(text: str) -> tuple[str, bool]:
    """Split "-point" into its name and whether the sign is turned."""
    return text.removeprefix("-"), text.startswith("-")


def signal_terms(text: str) -> tuple[tuple[str, bool], ...]:
    """Split "one + other - third" into its points, each with whether its sign is turned."""
    joined = text.replace(" - ", " + -")
    return tuple(signal_point(term.strip()) for term in joined.split(" + "))
