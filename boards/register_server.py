"""Modbus TCP on this machine for devices that speak something a gateway does not.

A process that speaks a foreign protocol serves what it knows as the registers of a profile, and any
gateway reads and commands it as it does every other device. The server is pymodbus', which is
imported here and in the rigs alone, as its server side changes between minor versions.

    async with serve([Served(profile, 1, values, on_write)], "127.0.0.1", 1502) as port:
        ...
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from boards.profile_schema import READ_CODES, WRITE_CODES, Point, Profile, registers
from boards.registers import to_raw, to_words

Values = Mapping[str, int | Fraction]

_ABSENT = 0  # the unit that catches requests to units which are not here


class ServeError(Exception):
    """What cannot be served, in one line."""


@dataclass(frozen=True)
class Served:
    """One device at unit `unit` (1 .. 247).

    `values()` is asked at every read: point -> value in the point's unit. A point it leaves out
    shows "not available"; None says that the device cannot be reached, which a read is told with
    exception 0x0B, a gateway's word for silence. `on_write(point, value)` hears each write, also in
    the point's unit, and returns whether it was taken.
    """

    profile: Profile
    unit: int
    values: Callable[[], Values | None]
    on_write: Callable[[str, Fraction], bool]


@asynccontextmanager
async def serve(units: Sequence[Served], address: str, port: int) -> AsyncIterator[int]:
    """Serve devices inside the running event loop; yields the port, a free one where it is 0.
    ServeError when nobody can listen there, or two devices have one unit."""
    taken = [served.unit for served in units]
    for unit in taken:
        if not 1 <= unit <= 247 or taken.count(unit) > 1:
            raise ServeError(f"unit: found {unit} {taken.count(unit)} time(s), "
                             "expected 1 .. 247, once")
    server: Any = ModbusTcpServer([_device(served) for served in units] + [_absent()],
                             address=(address, port))
    if not await server.listen():
        raise ServeError(f"{address} port {port}: nobody can listen there, expected a free port")
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


def _device(served: Served) -> SimDevice:
    """A device as pymodbus knows it: one run of registers, answered by the profile's points."""
    profile = served.profile
    known = {point.addr: point for point in profile.writes.values()}
    spans = [(point.addr, point.end())
             for point in (*profile.points.values(), *profile.writes.values())]
    first, end = min(start for start, _ in spans), max(end for _, end in spans)

    async def action(fc: int, start: int, addr: int, count: int, current: list[int],
                     written: list[int] | list[bool] | None) -> ExcCodes | None:
        if fc in WRITE_CODES:
            if written is None:  # pymodbus reads what it has just written, for the reply
                return None
            return _take(served, known, fc, addr, [int(word) for word in written])
        points = [point for point in profile.points.values() if point.fc == fc]
        if fc not in READ_CODES or not points:
            return ExcCodes.ILLEGAL_FUNCTION
        given = served.values()
        if given is None:
            return ExcCodes.GATEWAY_NO_RESPONSE
        current[addr - start:addr - start + count] = _words(points, given, addr, count)
        return None

    run = SimData(first, count=end - first, datatype=DataType.REGISTERS)
    return SimDevice(id=served.unit, simdata=[run], action=action)


def _absent() -> SimDevice:
    async def action(*_: object) -> ExcCodes:
        return ExcCodes.GATEWAY_PATH_UNAVIABLE

    everything = SimData(0, count=0x10000, datatype=DataType.REGISTERS)
    return SimDevice(id=_ABSENT, simdata=[everything], action=action)


def _words(points: Iterable[Point], given: Values, addr: int, count: int) -> list[int]:
    """The registers from `addr` on; what no point has is 0."""
    words = [0] * count
    for point in points:
        for at, word in enumerate(_registers(point, given.get(point.name)), point.addr - addr):
            if 0 <= at < count:
                words[at] = word
    return words


def _registers(point: Point, value: int | Fraction | None) -> list[int]:
    """A point's own registers; what does not fit them is not available either."""
    missing = point.na[0] if point.na else 0
    try:
        return to_words(point.kind, missing if value is None else Fraction(value) / point.scale)
    except ValueError:
        return to_words(point.kind, missing)


def _take(served: Served, known: Mapping[int, Point], fc: int, addr: int, words: list[int]
          ) -> ExcCodes | None:
    """Hand over every write point of a request; none where one of its registers is foreign."""
    found: list[tuple[Point, list[int]]] = []
    at = 0
    while at < len(words):
        point = known.get(addr + at)
        if point is None or point.fc != fc or at + registers(point.kind) > len(words):
            return ExcCodes.ILLEGAL_ADDRESS
        found.append((point, words[at:at + registers(point.kind)]))
        at += registers(point.kind)
    for point, part in found:
        if not served.on_write(point.name, to_raw(point.kind, part) * point.scale):
            return ExcCodes.DEVICE_FAILURE
    return None
