"""`parkedge serve mbus FILE`: Reads M-Bus meters behind a level converter, and shows them as Modbus
TCP registers of the profile mbus_medium. docs/mbus.md says what FILE is.
"""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from fractions import Fraction
from pathlib import Path
from time import monotonic

import click

from boards import mbus_scan, profiles
from boards.mbus_file import FileError, MbusFile, load
from boards.mbus_line import Line, Port
from boards.mbus_master import SILENT, Bus, fetch
from boards.mbus_reading import Meter
from boards.mbus_records import TelegramError
from boards.register_server import Served, ServeError, serve
from boards.serial_port import SerialPort
from edge.port import TcpPort

_REOPEN_S = (1, 60)  # a line that is gone is looked for so often, at first and at last
_REST_S = 60  # of a meter at which the line went: it may be its doing


def main(path: Path) -> list[str]:
    """Read and serve the meters of a file until somebody ends it; what is wrong, a line each."""
    try:
        asyncio.run(_run(load(path)))
    except FileError as error:
        return list(error.lines)
    except (OSError, ServeError) as error:
        return [f"{path.name}: {error}"]
    return []


def scan(path: Path) -> list[str]:
    """Print who is on the line of a file, at primary and secondary addresses; what is wrong."""
    try:
        asyncio.run(mbus_scan.run(line_of(load(path, scan=True))))
    except FileError as error:
        return list(error.lines)
    except OSError as error:
        return [f"{path.name}: {error}"]
    return []


def line_of(file: MbusFile) -> Line:
    """The line of a file, not opened yet."""
    table = file.line
    port: Port
    if table["host"]:
        port = TcpPort(table["host"], table["port"])
    else:
        port = SerialPort({**table, "rs485": 0})
    return Line(port, table["baud"], table["grace_ms"], bool(table["echo"]))


async def _run(file: MbusFile) -> None:
    """Serve until somebody ends it."""
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    meters = [Meter(one, monotonic, _say) for one in file.meters]
    line = line_of(file)
    try:
        async with served(meters, file.serve["address"], file.serve["port"]) as port:
            _say(f"{len(meters)} meters at {file.serve['address']} port {port}; Ctrl-C stops")
            polling = asyncio.create_task(poll(line, meters))
            ending = asyncio.create_task(ended.wait())
            await asyncio.wait((polling, ending), return_when=asyncio.FIRST_COMPLETED)
            for task in (polling, ending):
                task.cancel()
            if polling.done():
                polling.result()  # its error: polling has no end
    finally:
        line.close()


def served(meters: Sequence[Meter], address: str, port: int) -> AbstractAsyncContextManager[int]:
    """Modbus TCP with one unit for each meter (boards/register_server.py)."""
    profile = profiles.load("mbus_medium")
    return serve([Served(profile, one.file.unit, one.values, _refuse) for one in meters],
                 address, port)


def _refuse(name: str, value: Fraction) -> bool:
    return False


def _say(text: str) -> None:
    click.echo(text, err=True)


async def poll(bus: Bus, meters: Sequence[Meter]) -> None:
    """Read the meters in turn, the longest due first, so that one that is dead costs the others
    no more than its time-outs, once in its own interval. Where nobody answers any more the line is
    opened anew: a connection can be dead without a word."""
    wait_s, wait_max_s = _REOPEN_S
    silent: set[str] = set()
    while True:
        meter = min(meters, key=lambda one: one.due_s)
        await asyncio.sleep(max(0, meter.due_s - monotonic()))
        began_s = monotonic()
        try:
            silent = silent | {meter.file.name} if await _turn(bus, meter) == SILENT else set()
        except OSError as error:
            for one in meters:
                one.fail(f"the line is gone: {error}")
            meter.due_s = monotonic() + min(_REST_S, meter.file.poll_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, wait_max_s)
            continue
        if len(silent) == len(meters):
            bus.close()
            silent = set()
        meter.due_s = began_s + meter.file.poll_s
        wait_s = _REOPEN_S[0]


async def _turn(bus: Bus, meter: Meter) -> str:
    """Read one meter; what was wrong, "" for nothing. OSError when the line is gone."""
    file = meter.file
    try:
        meter.take(await fetch(bus, file.address, file.identity, most=file.telegrams,
                               spend=meter.spend))
    except TelegramError as error:
        meter.fail(str(error))
        return str(error)
    return ""
