"""A charge point by hand: message by message, on a real websocket. Every answer and question of the
central system is held against the schemas."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import ocpp.v16
from jsonschema import Draft4Validator
from websockets.asyncio.client import connect
from websockets.headers import build_authorization_basic

from tests.ocpp.bench import NAME, PASSWORD, bench

HEADERS = {"Authorization": build_authorization_basic(NAME, PASSWORD)}
BOOT = '[2,"19223201","BootNotification",{"chargePointVendor":"VendorX",' \
       '"chargePointModel":"SingleSocketCharger"}]'
CHARGING = ["StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}]


def valid(payload, schema):
    """Hold a payload against a schema as the library ships it; 0.1 A is exact."""
    text = (Path(ocpp.v16.__file__).parent / "schemas" / f"{schema}.json").read_text("utf-8-sig")
    exact = json.loads(json.dumps(payload), parse_float=Decimal)
    Draft4Validator(json.loads(text, parse_float=Decimal)).validate(exact)


class Talk:
    """A charge point by hand: `answers` are its results by action."""

    def __init__(self, wire, answers):
        self._wire, self._answers = wire, answers
        self.asked = []  # (action, payload) of the central system
        self._next = 0

    async def heard(self, wanted):
        """The next answer to us; questions are answered on the way."""
        while True:
            message = json.loads(await self._wire.recv())
            if message[0] != 2:
                assert message[1] == wanted
                return message
            _, number, action, payload = message
            valid(payload, action)
            self.asked.append((action, payload))
            if action in self._answers:
                await self._wire.send(json.dumps([3, number, self._answers[action]]))

    async def say(self, raw, number):
        await self._wire.send(raw)
        return await asyncio.wait_for(self.heard(number), 10)

    async def ask(self, action, payload):
        """The payload of the answer."""
        self._next += 1
        kind, _, *answer = await self.say(json.dumps([2, str(self._next), action, payload]),
                                          str(self._next))
        assert kind == 3, answer
        valid(answer[0], action + "Response")
        return answer[0]

    async def until_asked(self, condition):
        """Go on until something of what was asked fits."""
        while not (found := [one for one in self.asked if condition(*one)]):
            await self.ask("Heartbeat", {})
            await asyncio.sleep(0.05)
        return found


ANSWERS = {
    "GetConfiguration": {"configurationKey": [
        {"key": "ChargeProfileMaxStackLevel", "readonly": True, "value": "3"}]},
    "ChangeConfiguration": {"status": "Accepted"}, "TriggerMessage": {"status": "Accepted"},
    "SetChargingProfile": {"status": "Accepted"},
}


@asynccontextmanager
async def talk(here, answers=ANSWERS):
    async with connect(f"{here.url}/{NAME}", subprotocols=["ocpp1.6"],
                       additional_headers=HEADERS) as wire:
        yield Talk(wire, answers)


def played(play, file=None, **keys):
    async def run():
        async with bench(file, **keys) as here:
            return await play(here)

    return asyncio.run(run())


def now():
    return datetime.now(UTC).isoformat()
