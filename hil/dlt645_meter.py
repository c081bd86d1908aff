"""A billing meter that speaks DL/T 645-2007, without a wire: what it measures, and what it says.

Independent of the gateway's code, and stricter than PyPI's dlt645: it is silent to addresses that
are not its own, knows the block identifiers, and splits what does not fit a frame.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

READ, READ_ON = 0x11, 0x12
NO_SUCH_DATA = 0x02
_DAY_MS = 86_400_000
_ANY, _ALL = 0xAA, 0x99


def bcd(value: int, size: int, *, signed: bool = False) -> bytes:
    """A number as decimals, the lowest byte first; the sign is the highest bit."""
    data = bytearray(int(pair, 16) for pair in
                     reversed([f"{abs(value):0{2 * size}d}"[-2 * size:][at:at + 2]
                               for at in range(0, 2 * size, 2)]))
    if signed and value < 0:
        data[-1] |= 0x80
    return bytes(data)


def frame(address: bytes, control: int, data: bytes, wake_ups: int = 4) -> bytes:
    """A frame as it goes over the line."""
    body = bytes([0x68]) + address + bytes([0x68, control, len(data)])
    body += bytes((byte + 0x33) % 256 for byte in data)
    return b"\xfe" * wake_ups + body + bytes([sum(body) % 256, 0x16])


def first_frame(line: bytes) -> tuple[bytes, bytes, int, bytes]:
    """The first whole frame of some bytes: what is left behind it, address, control code, data;
    without one what was there, and nothing."""
    for at in range(len(line)):
        if line[at] == 0x68 and len(line) >= at + 12 and line[at + 7] == 0x68:
            end = at + 12 + line[at + 9]
            if len(line) >= end and line[end - 1] == 0x16 \
                    and sum(line[at:end - 2]) % 256 == line[end - 2]:
                data = bytes((byte - 0x33) % 256 for byte in line[at + 10:end - 2])
                return line[end:], line[at + 1:at + 7], line[at + 8], data
    return line, b"", 0, b""


@dataclass
class Demand:
    """The meter's own window: `slip_min` 15 for blocks. `grows`: a block's present demand begins at
    0 and grows; otherwise it shows the last one. Its clock is `offset_ms` ahead of the day that
    `advance` counts, and `ppm` too fast."""

    slip_min: int = 15
    grows: bool = True
    offset_ms: int = 0
    ppm: int = 0
    power_w: float = 0.0  # import now
    highest_w: float = 0.0
    highest_at: int = 0  # its clock then, ms
    ends_ms: list[int] = field(default_factory=list)  # true times at which windows ended
    ended_w: list[float] = field(default_factory=list)  # and their means
    shown_w: float = 0.0  # of the last window that ended
    _now_ms: int = 0
    _slips: list[float] = field(default_factory=list)  # energies of the slips before, W*ms
    _energy: float = 0.0  # of the running one
    _begun: bool = False

    def clock_ms(self, now_ms: int) -> int:
        """What the meter's clock shows, ms since the first midnight."""
        return now_ms + now_ms * self.ppm // 1_000_000 + self.offset_ms

    def advance(self, now_ms: int) -> None:
        """Let time pass with the power as it is."""
        slip_ms = self.slip_min * 60_000
        while self._now_ms < now_ms:
            shown = self.clock_ms(self._now_ms)
            step = min(now_ms - self._now_ms, max(1, slip_ms - shown % slip_ms))
            self._energy += max(self.power_w, 0.0) * step
            self._now_ms += step
            if self.clock_ms(self._now_ms) // slip_ms > shown // slip_ms:
                self._turn(15 // self.slip_min)

    def _turn(self, many: int) -> None:
        self._slips = [*self._slips, self._energy][-many:]
        self._energy = 0.0
        if not self._begun:  # it was switched on within it
            self._begun, self._slips = True, []
        elif len(self._slips) == many:
            self.shown_w = sum(self._slips) / 900_000
            self.ends_ms.append(self._now_ms)
            self.ended_w.append(self.shown_w)
            if self.shown_w > self.highest_w:
                self.highest_w, self.highest_at = self.shown_w, self.clock_ms(self._now_ms)

    @property
    def present_w(self) -> float:
        """The register of the present demand."""
        return self._energy / 900_000 if self.slip_min == 15 and self.grows else self.shown_w

    def reset(self) -> None:
        """The billing month is over."""
        self.highest_w, self.highest_at = 0.0, 0


class Meter:
    """One meter on a line. `values` are what data identifiers bring, as bytes; `demand` brings its
    own. `hear` is given what comes over the line, and returns what goes back."""

    def __init__(self, number: str, values: Mapping[int, Callable[[], bytes]], *,
                 demand: Demand | None = None, ratio: int = 1, frame_max: int = 195) -> None:
        self.address = bytes.fromhex(number)[::-1]
        self.demand = demand or Demand()
        self.lacks: set[int] = set()
        self.heard: list[tuple[int, int]] = []  # control codes and data identifiers, as asked
        self.wrong: list[int] = []  # control codes that no gateway may send
        self.frames = 0  # that were heard, whoever they were for
        self._now_ms = 0
        self._ratio = ratio
        self._frame_max = frame_max
        self._line = b""
        self._values = {**self._own(), **values}

    def advance(self, now_ms: int) -> None:
        """Let its time pass."""
        self._now_ms = now_ms
        self.demand.advance(now_ms)

    def hear(self, data: bytes) -> bytes:
        """Take bytes from the line; the replies to what they ask."""
        self._line = (self._line + data)[-1024:]
        replies = b""
        while True:
            rest, address, control, words = first_frame(self._line)
            if not address:
                return replies
            self._line = rest
            self.frames += 1
            if all(byte == _ALL for byte in address) or control not in (READ, READ_ON):
                self.wrong.append(control)
            elif all(asked in (_ANY, own) for asked, own in
                     zip(address, self.address, strict=True)):
                replies += self._answer(control, words)

    def _answer(self, control: int, words: bytes) -> bytes:
        di = int.from_bytes(words[:4], "little")
        self.heard.append((control, di))
        if di not in self._values or di in self.lacks:
            return frame(self.address, control | 0xC0, bytes([NO_SUCH_DATA]))
        data = self._values[di]()
        number = words[4] if control == READ_ON else 0
        part = data[number * self._frame_max:][:self._frame_max]
        more = 0x20 if len(data) > (number + 1) * self._frame_max else 0
        told = words[:4] + part + (bytes([number]) if control == READ_ON else b"")
        return frame(self.address, control | 0x80 | more, told)

    def _own(self) -> dict[int, Callable[[], bytes]]:
        demand = self.demand

        def kw(watts: float) -> int:
            return round(watts / self._ratio * 10)

        def clock() -> bytes:
            second = demand.clock_ms(self._now_ms) // 1000 % 86_400
            return bytes.fromhex(f"{second % 60:02}{second // 60 % 60:02}{second // 3600:02}")

        def highest() -> bytes:
            minute = demand.highest_at // 60_000
            day = demand.highest_at // _DAY_MS + 1
            at = f"{minute % 60:02}{minute // 60 % 24:02}{day:02}0626" if demand.highest_w \
                else "0" * 10
            return bcd(kw(demand.highest_w), 3) + bytes.fromhex(at)

        return {
            0x02800004: lambda: bcd(kw(demand.present_w), 3, signed=True),
            0x01010000: highest,
            0x04000102: clock,
            0x04000103: lambda: bytes.fromhex("15"),
            0x04000104: lambda: bytes.fromhex(f"{demand.slip_min:02}"),
            0x04000401: lambda: self.address,
        }


def plant_values(power_w: Callable[[], int], import_wh: Callable[[], int],
                 export_wh: Callable[[], int], ratio: int) -> dict[int, Callable[[], bytes]]:
    """Powers and energies at the grid as such a meter shows them; the first tariff has it all."""
    def energies(wh: Callable[[], int]) -> bytes:
        total = bcd(wh() // (10 * ratio), 4)
        return total + total + bytes(12)

    def powers() -> bytes:
        each = bcd(round(power_w() / 3 / ratio * 10), 3, signed=True)
        return bcd(round(power_w() / ratio * 10), 3, signed=True) + 3 * each

    blocks: dict[int, tuple[Callable[[], bytes], int]] = {
        0x0203FF00: (powers, 3), 0x0001FF00: (lambda: energies(import_wh), 4),
        0x0002FF00: (lambda: energies(export_wh), 4),
        0x0201FF00: (lambda: 3 * bcd(2300, 2), 2), 0x0202FF00: (lambda: 3 * bcd(1500, 3), 3)}
    values: dict[int, Callable[[], bytes]] = {0x02800002: lambda: bcd(5000, 2)}
    for di, (read, size) in blocks.items():
        values[di] = read
        first = 0 if di >> 16 == 0x0203 or di >> 24 == 0 else 1
        for part in range(len(read()) // size):
            values[(di & 0xFFFF0000) | (part + first) << 8] = _part(read, part * size, size)
    return values


def _part(read: Callable[[], bytes], at: int, size: int) -> Callable[[], bytes]:
    return lambda: read()[at:at + size]
