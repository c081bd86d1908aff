"""`parkedge serve ocpp FILE`: OCPP 1.6J charge points, as chargers of a gateway on Modbus TCP.

Each connector is one Modbus unit with the registers of edge/devices/ocpp_charger.toml. Charge
points connect here over websockets; what the gateway writes becomes their charging profiles.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import click

from boards import ocpp_file, profiles
from boards.ocpp_door import Point, open_door
from boards.ocpp_file import CentralSystem
from boards.register_server import Served, ServeError, serve

_PROFILE = "ocpp_charger"


@asynccontextmanager
async def running(file: CentralSystem, answer_s: float = 10.0) -> AsyncIterator[tuple[int, int]]:
    """Serve; yields the ports for charge points and for Modbus. OSError, ssl.SSLError, ServeError:
    it cannot."""
    profile = profiles.load(_PROFILE)
    points = {table.name: Point(table) for table in file.charge_points}
    units = [Served(profile, connector.wiring.unit, partial(point.values, number),
                    partial(point.on_write, number))
             for point in points.values() for number, connector in point.connectors.items()]
    async with open_door(file, points, answer_s) as port, \
            serve(units, file.modbus_address, file.modbus_port) as modbus_port:
        yield port, modbus_port


async def _forever(file: CentralSystem) -> None:
    async with running(file) as (port, modbus_port):
        scheme = "wss" if file.certificate else "ws"
        click.echo(f"{len(file.charge_points)} charge points expected at {scheme}://{file.address}:"
                   f"{port}/ID, for gateways at {file.modbus_address} port {modbus_port}; "
                   "Ctrl-C stops", err=True)
        await asyncio.Event().wait()


def main(path: Path) -> list[str]:
    """Serve until interrupted; what is wrong with the file or its ports, a line each."""
    try:
        asyncio.run(_forever(ocpp_file.load(path)))
    except ocpp_file.FileError as error:
        return error.lines
    except (ServeError, OSError) as error:
        return [f"{path.name}: {error}"]
    return []
