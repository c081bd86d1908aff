"""A central system with ports of its own choice, and a stand-in for a gateway that reads and writes
its registers; charge points are those of hil/charge_point.py."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from pymodbus.client import AsyncModbusTcpClient

from boards import profiles
from boards.ocpp_connector import OF_TRANSACTION, Wiring
from boards.ocpp_file import CentralSystem, ChargePoint, hashed
from boards.ocpp_meter import Rating
from boards.profile_schema import registers
from boards.registers import to_raw, to_words
from boards.serve_ocpp import running
from hil.charge_point import Wallbox

PROFILE = profiles.load("ocpp_charger")
NAME, PASSWORD = "CP01", "0123456789abcdef"
SAFE_A, FALLBACK_S = 6, 3
UNREACHABLE, REFUSED = 0x0B, 4


def wiring(number=1, unit=1, **changes):
    keys = {"rating": Rating(16_000, (1, 2, 3), 230), "min_ma": 6000, "failsafe_ma": SAFE_A * 1000,
            "fallback_s": FALLBACK_S, "stale_s": 3, "purpose": OF_TRANSACTION}
    return Wiring(number, unit, **keys | changes)


def point(name=NAME, *wirings, rate_unit="auto"):
    return ChargePoint(name, hashed(PASSWORD), wirings or (wiring(),), rate_unit)


def system(*points, cards=None, **changes):
    keys = {"address": "127.0.0.1", "port": 0, "certificate": "", "key": "",
            "modbus_address": "127.0.0.1", "modbus_port": 0, "sample_s": 1}
    return CentralSystem(**keys | changes, cards=cards, charge_points=points or (point(),))


class Gateway:
    """Reads and writes registers, and renews what it wrote while it is `alive`."""

    def __init__(self, client):
        self._client = client

    async def read(self, unit=1):
        """Every point, None: not available; or the code of the exception."""
        reply = await self._client.read_holding_registers(0, count=15, device_id=unit)
        if reply.isError():
            return reply.exception_code
        found = {}
        for one in PROFILE.points.values():
            raw = to_raw(one.kind, reply.registers[one.addr:one.addr + registers(one.kind)])
            found[one.name] = None if raw in one.na else float(raw * one.scale)
        return found

    async def write(self, amps, unit=1, name="limit"):
        """The exception's code; 0: taken."""
        limit = PROFILE.writes[name]
        words = to_words(limit.kind, round(amps / float(limit.scale)))
        reply = await self._client.write_registers(limit.addr, words, device_id=unit)
        return reply.exception_code if reply.isError() else 0

    @asynccontextmanager
    async def holding(self, amps, unit=1):
        """While the block lives, the limit is written twice a second."""

        async def renew():
            while True:
                await self.write(amps, unit)
                await asyncio.sleep(0.5)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Bench:
    def __init__(self, port, gateway):
        self.url, self.port, self.gateway = f"ws://127.0.0.1:{port}", port, gateway


@asynccontextmanager
async def bench(file=None, answer_s=5.0):
    async with running(file or system(), answer_s) as (port, modbus_port):
        client = AsyncModbusTcpClient("127.0.0.1", port=modbus_port)
        assert await client.connect()
        try:
            yield Bench(port, Gateway(client))
        finally:
            client.close()


def box(name=NAME, **keys):
    return Wallbox(name, PASSWORD, **keys)


async def until(condition, seconds=20):
    """Wait until it holds; `condition` may be a coroutine function."""

    async def wait():
        while True:
            held = condition()
            if asyncio.iscoroutine(held):
                held = await held
            if held:
                return held
            await asyncio.sleep(0.05)

    return await asyncio.wait_for(wait(), seconds)
