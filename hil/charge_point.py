"""A simulated OCPP 1.6J charge point, on the client side of the library `ocpp`, with cars.

It limits its current as the specification says (3.13): of the profiles that are valid now the one
with the highest stack level leads, those of the transaction before those of any. It keeps its
profiles when the connection is lost.

    box = Wallbox("CP01", "its password")
    async with box.connected("ws://127.0.0.1:8887"):
        box.plug(1, amps=32)
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Library
from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.headers import build_authorization_basic

_LEAST_A = 6.0
_STEP_S = 0.1
_SAMPLE_KEY = "MeterValueSampleInterval"


@dataclass
class Outlet:
    """One connector, and the car at it."""

    number: int
    phases: int = 3
    volts: int = 230
    max_a: float = 32.0
    car_a: float | None = None  # what the car would take; None: no car
    transaction: int | None = None
    energy_wh: float = 0.0
    status: str = "Available"
    amps: float = 0.0
    profiles: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)

    @property
    def power_w(self) -> float:
        return self.amps * self.phases * self.volts

    def limit_a(self, now: datetime) -> float:
        """What the profiles leave of what the hardware can do."""
        by_level = sorted(self.profiles.items(), key=lambda one: -one[0][1])
        for wanted in ("TxProfile", "TxDefaultProfile"):
            for (purpose, _), profile in by_level:
                limit = self._limit(profile, now) if purpose == wanted else None
                if limit is not None:
                    return min(self.max_a, limit)
        return self.max_a

    def _limit(self, profile: Mapping[str, Any], now: datetime) -> float | None:
        """Of one profile with one period; None: it is not valid now."""
        if profile.get("transaction_id", self.transaction) != self.transaction:
            return None
        schedule = profile["charging_schedule"]
        start = datetime.fromisoformat(schedule["start_schedule"])
        if now < start or ("duration" in schedule
                           and now >= start + timedelta(seconds=schedule["duration"])):
            return None
        limit = float(schedule["charging_schedule_period"][0]["limit"])
        return limit if schedule["charging_rate_unit"] == "A" else limit / self.phases / self.volts


class Wallbox:
    """A charge point that outlives its connections. `configuration` is what GetConfiguration and
    ChangeConfiguration know; what is in `refuses` is answered with an error or a refusal."""

    def __init__(self, name: str, password: str, outlets: int = 1, *,
                 configuration: Mapping[str, str] | None = None,
                 refuses: frozenset[str] = frozenset()) -> None:
        self.name, self.password, self.refuses = name, password, refuses
        self.outlets = {number: Outlet(number) for number in range(1, outlets + 1)}
        self.configuration = {"ChargeProfileMaxStackLevel": "8", _SAMPLE_KEY: "0",
                              "ChargingScheduleAllowedChargingRateUnit": "Current",
                              **(configuration or {})}
        self.orders: list[dict[str, Any]] = []  # SetChargingProfile, as they came
        self.boots = True  # it tells so when it connects next
        self.link: _Link | None = None
        self._moved_s = time.monotonic()

    def plug(self, number: int, amps: float) -> None:
        self.outlets[number].car_a = amps

    def unplug(self, number: int) -> None:
        self.outlets[number].car_a = None

    @asynccontextmanager
    async def connected(self, url: str, **options: Any) -> AsyncIterator["Wallbox"]:
        """Connect once, and live while the block does; the connection may be closed earlier."""
        async with connect(f"{url}/{self.name}", subprotocols=["ocpp1.6"],  # type: ignore[list-item]
                           additional_headers=_basic(self.name, self.password), **options) as wire:
            self.link = _Link(self, wire)
            tasks = [asyncio.create_task(task) for task in (self.link.listen(), self.link.live())]
            try:
                yield self
            finally:
                self.link = None
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def move(self) -> None:
        """Let the time pass that has passed: currents follow limits at once."""
        now_s = time.monotonic()
        for outlet in self.outlets.values():
            outlet.energy_wh += outlet.power_w * (now_s - self._moved_s) / 3600
            limit = outlet.limit_a(datetime.now(UTC))
            takes = outlet.transaction is not None and limit >= _LEAST_A
            outlet.amps = min(limit, outlet.car_a or 0.0) if takes else 0.0
        self._moved_s = now_s


class _Link(Library):
    """One connection of a Wallbox."""

    def __init__(self, box: Wallbox, wire: Any) -> None:
        super().__init__(box.name, wire, response_timeout=10)
        self._box = box
        self.over = False

    async def listen(self) -> None:
        with suppress(ConnectionClosed):
            await self.start()
        self.over = True

    async def live(self) -> None:
        """Boot, then follow the cars and tell what is to be told."""
        try:
            if self._box.boots:
                await self.call(call.BootNotification("SingleSocketCharger", "VendorX"))
                self._box.boots = False
            told_s = 0.0
            while True:
                self._box.move()
                for outlet in self._box.outlets.values():
                    await self._follow(outlet)
                every_s = float(self._box.configuration[_SAMPLE_KEY])
                if every_s and time.monotonic() - told_s >= every_s:
                    told_s = time.monotonic()
                    for outlet in self._box.outlets.values():
                        if outlet.transaction is not None:
                            await self.meter(outlet, "Sample.Periodic")
                await asyncio.sleep(_STEP_S)
        except ConnectionClosed:
            pass

    async def _follow(self, outlet: Outlet) -> None:
        if outlet.car_a is not None and outlet.transaction is None:
            await self._show(outlet, "Preparing")
            started = await self.call(call.StartTransaction(
                outlet.number, "CARD1", int(outlet.energy_wh), _now()))
            if started.id_tag_info["status"] == "Accepted":
                outlet.transaction = started.transaction_id
        elif outlet.car_a is None and outlet.transaction is not None:
            gone, outlet.transaction = outlet.transaction, None
            for key in [key for key in outlet.profiles if key[0] == "TxProfile"]:
                del outlet.profiles[key]
            await self.call(call.StopTransaction(int(outlet.energy_wh), _now(), gone))
            await self._show(outlet, "Finishing")
        if outlet.transaction is None:
            await self._show(outlet, "Available" if outlet.car_a is None else "Preparing")
        elif outlet.limit_a(datetime.now(UTC)) < _LEAST_A:
            await self._show(outlet, "SuspendedEVSE")
        else:
            await self._show(outlet, "Charging" if outlet.car_a else "SuspendedEV")

    async def _show(self, outlet: Outlet, status: str) -> None:
        if status != outlet.status:
            outlet.status = status
            await self.status(outlet)

    async def status(self, outlet: Outlet) -> None:
        await self.call(call.StatusNotification(outlet.number, "NoError", outlet.status))

    async def meter(self, outlet: Outlet, context: str) -> None:
        """MeterValues of everything there is."""
        values = [{"measurand": "Power.Active.Import", "value": f"{outlet.power_w / 1000:.3f}",
                   "unit": "kW"},
                  {"value": f"{outlet.energy_wh:.1f}"}]
        values += [{"measurand": "Current.Import", "phase": f"L{phase}", "unit": "A",
                    "value": f"{outlet.amps:.1f}"} for phase in range(1, outlet.phases + 1)]
        await self.call(call.MeterValues(
            outlet.number, [{"timestamp": _now(),
                             "sampledValue": [value | {"context": context} for value in values]}],
            outlet.transaction))

    @on(Action.set_charging_profile)
    def _on_profile(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        profile = cs_charging_profiles
        self._box.orders.append({"connector_id": connector_id, **profile})
        purpose = profile["charging_profile_purpose"]
        if purpose in self._box.refuses:
            return call_result.SetChargingProfile("Rejected")
        outlet = self._box.outlets[connector_id]
        if purpose == "TxProfile" and profile.get("transaction_id") != outlet.transaction:
            return call_result.SetChargingProfile("Rejected")
        outlet.profiles[purpose, profile["stack_level"]] = profile
        return call_result.SetChargingProfile("Accepted")

    @on(Action.get_configuration)
    def _on_get(self, key: list[str] | None = None) -> Any:
        known = self._box.configuration
        return call_result.GetConfiguration(
            [{"key": name, "readonly": False, "value": known[name]} for name in key or known
             if name in known], [name for name in key or () if name not in known])

    @on(Action.change_configuration)
    def _on_change(self, key: str, value: str) -> Any:
        if key in self._box.refuses:
            return call_result.ChangeConfiguration("NotSupported")
        self._box.configuration[key] = value
        return call_result.ChangeConfiguration("Accepted")

    @on(Action.trigger_message)
    def _on_trigger(self, requested_message: str, connector_id: int = 1) -> Any:
        outlet = self._box.outlets[connector_id]
        tell = self.status(outlet) if requested_message == "StatusNotification" \
            else self.meter(outlet, "Trigger")
        self._triggered = asyncio.ensure_future(tell)  # behind our answer
        return call_result.TriggerMessage("Accepted")


def _basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": build_authorization_basic(name, password)}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def _charge(box: Wallbox, url: str) -> None:
    outlet, said = box.outlets[1], ""
    async with box.connected(url):
        while box.link and not box.link.over:
            line = f"{outlet.status}, {outlet.amps:g} A of {outlet.limit_a(datetime.now(UTC)):g} A"
            if line != said:
                click.echo(f"{_now()} {line}")
                said = line
            await asyncio.sleep(_STEP_S)


@click.command()
@click.argument("url")
@click.argument("name")
@click.option("--password", envvar="OCPP_PASSWORD", show_envvar=True, required=True)
@click.option("--amps", type=click.FloatRange(0, 32), default=16, show_default=True,
              help="What the car would take on each of three phases.")
def command(url: str, name: str, password: str, amps: float) -> None:
    """A charge point with a car that charges from `parkedge serve ocpp`.

    \b
    Example:
      OCPP_PASSWORD=0123456789abcdef python -m hil charge_point ws://127.0.0.1:8887 CP01
    """
    box = Wallbox(name, password)
    box.plug(1, amps)
    try:
        asyncio.run(_charge(box, url))
    except (OSError, InvalidHandshake) as error:
        click.echo(f"{url}: {error}", err=True)
        sys.exit(1)
    click.echo(f"{url}: connection closed", err=True)
    sys.exit(1)
