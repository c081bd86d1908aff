"""A car that charges, from the gateway's registers to the charge point's profiles and back."""

from __future__ import annotations

import asyncio

from boards import ocpp_session
from tests.ocpp.bench import SAFE_A, UNREACHABLE, bench, box, until


def test_it_charges_as_the_gateway_says_and_falls_back_when_that_dies():
    async def play():
        car = box()
        async with bench() as here:
            gateway = here.gateway
            assert await gateway.read() == UNREACHABLE
            async with car.connected(here.url):
                outlet = car.outlets[1]
                car.plug(1, 32)
                async with gateway.holding(10):
                    await until(lambda: outlet.amps == 10)
                    seen = await until(lambda: met(gateway, power_w=6900, limit_a=10))
                    assert seen["plugged"] == 1
                    assert [seen[f"i_l{phase}"] for phase in (1, 2, 3)] == [10, 10, 10]
                    assert seen["max_a"] == 16
                async with gateway.holding(0):
                    await until(lambda: outlet.status == "SuspendedEVSE")
                    seen = await until(lambda: met(gateway, power_w=0, limit_a=0))
                    assert seen["plugged"] == 1, "it would take current if it might"
                await until(lambda: outlet.amps == SAFE_A)  # nobody wrote any more
                await until(lambda: met(gateway, limit_a=SAFE_A))
                car.unplug(1)
                seen = await until(lambda: met(gateway, power_w=0, plugged=0))
                assert seen["energy_wh"] == int(outlet.energy_wh)

    asyncio.run(play())


def test_it_goes_on_with_another_central_system_amid_a_transaction(monkeypatch):
    monkeypatch.setattr(ocpp_session, "_BOOT_S", 0.1)

    async def play():
        car = box()
        for amps in (10, 12):
            async with bench() as here, car.connected(here.url), here.gateway.holding(amps):
                car.plug(1, 32)
                await until(lambda amps=amps: car.outlets[1].amps == amps)
                seen = await until(lambda amps=amps: met(here.gateway, limit_a=amps, plugged=1))
                assert seen["max_a"] == 16
        assert {one["charging_profile_purpose"] for one in car.orders[-2:]} == {"TxProfile"}
        assert len({one.get("transaction_id") for one in car.orders} - {None}) == 1

    asyncio.run(play())


async def met(gateway, **wanted):
    """What was read, where it says all of this."""
    seen = await gateway.read()
    return isinstance(seen, dict) and all(seen[name] == value for name, value in wanted.items()) \
        and seen
