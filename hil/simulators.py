"""Simulated devices on a real wire: pymodbus servers over TCP and over a pseudo-terminal.

The only file that imports pymodbus' server side, whose interface changes between minor versions.
A server runs on a thread of its own, with an event loop of its own:

    with serve_tcp([DeviceSimulator(profile, values, on_write)]) as port:
        ...
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hil.device_simulator import DeviceSimulator, Fault, Values
from hil.wire_rate import Cable

__all__ = ["DeviceSimulator", "Fault", "Values", "serve_rtu", "serve_tcp"]

_PATIENCE_S = 10  # for the server's thread to do as it is told
_TCP_UNIT_AT = 6  # where a frame names the unit: MBAP header, first byte of an RTU frame
_RTU_UNIT_AT = 0
_READ_CODES = (3, 4)
_WRITE_CODES = (6, 16)


@contextmanager
def serve_tcp(devices: Sequence[DeviceSimulator], host: str = "127.0.0.1", port: int = 0
              ) -> Iterator[int]:
    """Serve devices on a socket; yields its port, a free one unless `port` names one."""

    async def start() -> ModbusTcpServer:
        server = ModbusTcpServer(_shown(devices), address=(host, port),
                                 trace_packet=_outgoing(devices, _TCP_UNIT_AT))
        await server.serve_forever(background=True)
        return server

    async def stop(server: Any) -> None:
        await _finish()  # a connection that is just being accepted would be left open
        await server.shutdown()

    with _loop_thread() as run:
        server = run(start())
        try:
            yield server.transport.sockets[0].getsockname()[1]
        finally:
            run(stop(server))


@contextmanager
def serve_rtu(devices: Sequence[DeviceSimulator], line_rate: int | None = None,
              turnaround_s: float = 0.0) -> Iterator[str]:
    """Serve devices on one serial bus; yields the path at which the gateway opens it.

    The bytes take their time as at `line_rate` baud; None carries them at once. `turnaround_s`
    passes between a request and the start of its reply.
    """
    cable = Cable(line_rate, turnaround_s)

    async def start() -> ModbusSerialServer:
        cable.relay(asyncio.get_running_loop())
        server = ModbusSerialServer(_shown(devices), port=cable.device,
                                    trace_packet=_outgoing(devices, _RTU_UNIT_AT))
        await server.serve_forever(background=True)
        return server

    async def stop(server: Any) -> None:
        await server.shutdown()
        cable.close(asyncio.get_running_loop())

    with _loop_thread() as run:
        server = run(start())
        try:
            yield cable.master
        finally:
            run(stop(server))


@contextmanager
def _loop_thread() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """An event loop on a thread of its own; yields what runs a coroutine on it to its end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulators", daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(_PATIENCE_S)

    try:
        yield run
    finally:
        run(_finish())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE_S)
        loop.close()


async def _finish() -> None:
    """Let what is under way come to its end, and cancel what does not."""
    await asyncio.sleep(0)  # closed transports say so in the next round of the loop
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        _, endless = await asyncio.wait(tasks, timeout=1)
        for task in endless:
            task.cancel()


def _outgoing(devices: Sequence[DeviceSimulator], unit_at: int) -> Callable[[bool, bytes], bytes]:
    """What every packet passes through: each device's fault, and silence from units not here."""
    by_unit = {device.unit: device for device in devices}

    def trace(sending: bool, packet: bytes) -> bytes:
        if not sending or not packet:
            return packet
        device = by_unit.get(packet[unit_at])
        if device is None:
            return b""
        return device.fault(packet) if device.fault else packet

    return trace


def _shown(devices: Sequence[DeviceSimulator]) -> list[SimDevice]:
    """The devices as pymodbus knows them, and unit 0, which catches requests to absent units.

    Without it pymodbus logs an error and answers for them; `_outgoing` drops what unit 0 says.
    """
    absent = SimDevice(id=0, simdata=[SimData(0, datatype=DataType.REGISTERS)])
    return [_sim_device(device) for device in devices] + [absent]


def _sim_device(device: DeviceSimulator) -> SimDevice:
    async def action(fc: int, first: int, addr: int, count: int, current: list[int],
                     written: list[int] | list[bool] | None) -> ExcCodes | None:
        if fc in _WRITE_CODES:
            if written is None:  # pymodbus reads back what it has just written, for the reply
                return None
            taken = device.write(fc, addr, [int(word) for word in written])
            return None if taken else ExcCodes.ILLEGAL_ADDRESS
        words = device.read(fc, addr, count) if fc in _READ_CODES else None
        if words is None:
            return ExcCodes.ILLEGAL_ADDRESS
        current[addr - first:addr - first + count] = words
        return None

    known = [at for registers in device.readable.values() for at in registers]
    first = min(known)
    registers = SimData(first, count=max(known) - first + 1, datatype=DataType.REGISTERS)
    return SimDevice(id=device.unit, simdata=[registers], action=action)
