"""Faults, one function each, found by its name. Its parameters are keys a scenario may set.

A fault is told as what it does while it lasts, so that the same one works on a real wire, where it
changes frames, and without one, where it changes readings. What a reading alone cannot show (a
wrong check sum, a strange address) needs a wire.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from edge.wire.crc16 import crc16

_EXCEPTION = 0x80  # added to the function code of a refused request
_MBAP = 6  # bytes before the unit in a frame over TCP

Frame = Callable[[bytes, bool], bytes]  # (frame, is it RTU) -> what goes out instead


class Act(Enum):
    """What a device does in the place of bytes. A serial line has neither."""

    HANG_UP = 1  # it closes the connection
    RIVAL = 2  # another client connects, and the device keeps the newest one only


Piece = tuple[int, bytes | Act]  # ms after the reply is due, what goes out then
Wire = Callable[[bytes, bytes, bool], list[Piece]]  # (request, reply, is it RTU) -> what goes out


@dataclass(frozen=True)
class Effect:
    """What a fault does. `part`: "" for a device, or what of the way up to the cloud it strikes."""

    mute: bool = False  # nothing is answered
    hides: bool = False  # answered, but the values are not available
    frozen: bool = False  # the same registers for ever
    delay_ms: int = 0  # of every reply
    frame: Frame | None = None
    wire: Wire | None = None  # what no reply alone can be made into: hil/fault_slave.py is needed
    value: Callable[[str, int], int] | None = None  # (signal, its value) -> what is shown instead
    forgets: bool = False  # when it begins, the device loses all that was written to it
    refuses: bool = False  # it takes no write
    other_w: int | None = None  # the setpoint that another master writes each second
    part: str = ""
    plant: str = ""  # what of the plant itself fails: grid, diesel, or what the switch says

    @property
    def needs_wire(self) -> bool:
        """Whether readings alone cannot show it."""
        return (self.frozen or self.forgets or self.refuses or self.other_w is not None
                or self.needs_slave or self.frame is not None)

    @property
    def needs_slave(self) -> bool:
        """Whether only the raw slave can show it."""
        return self.wire is not None


def silence() -> Effect:
    """The device answers nothing: switched off, or its line cut."""
    return Effect(mute=True)


def late(by_ms: int = 400) -> Effect:
    """Every reply comes late."""
    return Effect(delay_ms=by_ms)


def exception(code: int = 4) -> Effect:
    """Every request is refused with a Modbus exception (specification, section 7)."""

    def refuse(frame: bytes, rtu: bool) -> bytes:
        unit, function = body_of(frame, rtu)[:2]
        return framed(bytes((unit, function | _EXCEPTION, code)), frame, rtu)

    return Effect(frame=refuse)


def foreign_unit() -> Effect:
    """Replies bear the address of another device: two of them share one, or a gateway mixes up."""

    def strange(frame: bytes, rtu: bool) -> bytes:
        body = body_of(frame, rtu)
        return framed(bytes((body[0] % 247 + 1,)) + body[1:], frame, rtu)

    return Effect(frame=strange)


def garble(at: int = -1) -> Effect:
    """One bit of byte `at` of every reply is turned; the last one is the check sum on a serial
    line, and data over TCP, where nothing but its own sense protects it."""

    def turn(frame: bytes, rtu: bool) -> bytes:
        turned = bytearray(frame)
        turned[at % len(turned)] ^= 1
        return bytes(turned)

    return Effect(frame=turn)


def stuck() -> Effect:
    """The device answers for ever what it answered last: a meter whose processor has hung."""
    return Effect(frozen=True)


def not_available() -> Effect:
    """The device answers, and says of every value that it does not know it."""
    return Effect(hides=True)


def spoofed(w: int = 0) -> Effect:
    """The device shows the same power whatever there is; all else of it lives on."""
    return Effect(value=lambda signal, value: w if _is_power(signal) else value)


def sign_flip() -> Effect:
    """Current transformers the wrong way round, or another firmware: every power is negated."""
    return Effect(value=lambda signal, value: -value if _is_power(signal) else value)


def jump(by_w: int = 5_000_000) -> Effect:
    """Powers and energies leap: valid on the wire, and impossible."""
    return Effect(value=lambda signal, value: value + by_w
                  if _is_power(signal) or signal.endswith("_wh") else value)


def counts_anew() -> Effect:
    """Energy counters begin anew at 0, as after a change of the meter."""
    return Effect(value=lambda signal, value: 0 if signal.endswith("_wh") else value)


def outage() -> Effect:
    """The grid is gone."""
    return Effect(plant="grid")


def no_start() -> Effect:
    """The generator stops, and does not start."""
    return Effect(plant="diesel")


def switch_lies() -> Effect:
    """The grid switch says closed when it is open, and open when it is closed."""
    return Effect(plant="switch")


def network_down() -> Effect:
    """The gateway reaches no broker: connections break, new ones are refused."""
    return Effect(part="network")


def broker_down() -> Effect:
    """The broker ends, and comes back without its memory."""
    return Effect(part="broker")


def store_down() -> Effect:
    """The bridge's database takes nothing."""
    return Effect(part="store")


def _is_power(signal: str) -> bool:
    return signal.endswith("_w") and "max" not in signal


def body_of(frame: bytes, rtu: bool) -> bytes:
    """Unit and protocol data unit."""
    return frame[:-2] if rtu else frame[_MBAP:]


def framed(body: bytes, model: bytes, rtu: bool) -> bytes:
    """A valid frame of another body; over TCP with the transaction of `model`."""
    if rtu:
        return body + crc16(bytearray(body), 0, len(body)).to_bytes(2, "little")
    return model[:4] + len(body).to_bytes(2, "big") + body
