"""What a charge point asks and is told, message by message, on a real websocket.

The envelopes are the examples of OCPP-J 1.6, 4.2; MeterValues are those of real charge points that
others have published: mobilityhouse/ocpp#398 (Alfen), lbbrhzn/ocpp#1741 (Teltonika), and
evcc-io/evcc#16966 and #27686. Every answer and question is held against the schemas.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import ocpp.v16
import pytest
from jsonschema import Draft4Validator
from websockets.asyncio.client import connect
from websockets.headers import build_authorization_basic

from tests.ocpp.bench import NAME, PASSWORD, SAFE_A, bench, point, system, until, wiring

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


def test_it_boots_and_is_told_the_failsafe_current_first():
    async def play(here):
        async with talk(here) as charger:
            kind, _, boot = await charger.say(BOOT, "19223201")
            assert (kind, boot["status"]) == (3, "Accepted")
            valid(boot, "BootNotificationResponse")
            await charger.until_asked(lambda action, said: (
                action, said.get("requestedMessage")) == ("TriggerMessage", "MeterValues"))
            return charger.asked

    asked = played(play)
    assert [action for action, _ in asked] == [
        "GetConfiguration", "SetChargingProfile", "ChangeConfiguration", "ChangeConfiguration",
        "TriggerMessage", "TriggerMessage"]
    profile = asked[1][1]["csChargingProfiles"]
    assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
    assert profile["stackLevel"] == 2, "one below the highest"
    schedule = profile["chargingSchedule"]
    assert "duration" not in schedule
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": SAFE_A, "numberPhases": 3}]
    assert asked[2][1] == {"key": "MeterValuesSampledData", "value":
                           "Power.Active.Import,Energy.Active.Import.Register,Current.Import"}
    assert asked[3][1] == {"key": "MeterValueSampleInterval", "value": "1"}


def test_what_the_gateway_wrote_is_a_lease_of_its_transaction():
    async def play(here):
        async with talk(here) as charger:
            await charger.say(BOOT, "19223201")
            started = await charger.ask("StartTransaction", {
                "connectorId": 1, "idTag": "CARD1", "meterStart": 10, "timestamp": now()})
            assert await here.gateway.write(9.87) == 0
            leases = await charger.until_asked(
                lambda action, said: action == "SetChargingProfile" and "duration" in
                said["csChargingProfiles"]["chargingSchedule"])
            return started["transactionId"], leases[0][1]["csChargingProfiles"], charger.asked

    transaction, lease, asked = played(play)
    assert lease["chargingProfilePurpose"] == "TxProfile"
    assert lease["transactionId"] == transaction
    assert lease["stackLevel"] == 3
    schedule = lease["chargingSchedule"]
    start = datetime.fromisoformat(schedule["startSchedule"])
    left_s = schedule["duration"] - (datetime.now(UTC) - start).total_seconds()
    assert left_s <= 3, "fallback_s after the write, and no longer"
    assert schedule["chargingSchedulePeriod"][0]["limit"] == 9.8, "rounded down"
    failsafes = [said["csChargingProfiles"]["chargingProfilePurpose"] for action, said in asked
                 if action == "SetChargingProfile"
                 and "duration" not in said["csChargingProfiles"]["chargingSchedule"]]
    assert "TxProfile" in failsafes, "what a transaction falls to is of its own purpose"


def test_a_transaction_that_began_before_us_is_learned_from_its_values():
    async def play(here):
        async with talk(here) as charger:
            await charger.ask(*CHARGING)
            await charger.ask("MeterValues", {
                "connectorId": 1, "transactionId": 77, "meterValue": [
                    {"timestamp": now(), "sampledValue": [{"value": "7"}]}]})
            await charger.say(BOOT, "19223201")  # the order of a charge point that has its own mind
            await charger.ask(*CHARGING)
            await charger.ask("MeterValues", {
                "connectorId": 1, "transactionId": 78, "meterValue": [
                    {"timestamp": now(), "sampledValue": [{"value": "7"}]}]})
            found = await charger.until_asked(
                lambda action, said: action == "SetChargingProfile" and "transactionId" in
                said["csChargingProfiles"])
            return [said["csChargingProfiles"]["transactionId"] for _, said in found]

    assert played(play) == [78]


def test_who_measures_less_is_asked_for_less():
    answers = ANSWERS | {"ChangeConfiguration": {"status": "Rejected"}}

    async def play(here):
        async with talk(here, answers) as charger:
            await charger.say(BOOT, "19223201")
            await charger.until_asked(lambda action, _: action == "TriggerMessage")
            return [said["value"] for action, said in charger.asked
                    if action == "ChangeConfiguration"]

    assert [len(value.split(",")) for value in played(play)] == [3, 2, 1, 1]


def test_who_knows_watts_alone_is_told_watts():
    answers = ANSWERS | {"GetConfiguration": {"configurationKey": [
        {"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "Power"}]}}

    async def play(here):
        async with talk(here, answers) as charger:
            await charger.say(BOOT, "19223201")
            found = await charger.until_asked(lambda action, _: action == "SetChargingProfile")
            return found[0][1]["csChargingProfiles"]["chargingSchedule"]

    schedule = played(play)
    assert schedule["chargingRateUnit"] == "W"
    assert schedule["chargingSchedulePeriod"][0]["limit"] == SAFE_A * 3 * 230


METERED = {
    "Alfen": ([[{"value": "8424.200", "context": "Trigger", "measurand": "Power.Active.Import",
                 "location": "Outlet", "unit": "W"},
                {"value": "14.900", "context": "Trigger", "measurand": "Current.Offered",
                 "location": "Outlet", "unit": "A"}]], {"power_w": 8424}),
    "Teltonika": ([[
        {"value": value, "context": "Sample.Periodic", "format": "Raw", "measurand": measurand,
         "phase": phase, "unit": unit} for measurand, phase, value, unit in (
             ("Voltage", "L1-N", "229.00", "V"), ("Current.Import", "L1", "15.21", "A"),
             ("Power.Active.Import", "L1", "3464", "W"), ("Voltage", "L2-N", "227.90", "V"),
             ("Current.Import", "L2", "15.42", "A"), ("Power.Active.Import", "L2", "3492", "W"),
             ("Voltage", "L3-N", "226.70", "V"), ("Current.Import", "L3", "15.15", "A"),
             ("Power.Active.Import", "L3", "3416", "W"))]],
        {"power_w": 10372, "i_l1": 15.21, "i_l2": 15.42, "i_l3": 15.15}),
    "Body": ([[
        {"value": value, "context": "Trigger", "format": "Raw", "measurand": measurand,
         "location": "Body", "unit": unit} | ({"phase": phase} if phase else {})
        for measurand, phase, value, unit in (
            ("Current.Import", "L1-N", "15.60", "A"), ("Power.Active.Import", "L1-N", "3.46", "kW"),
            ("Energy.Active.Import.Register", "", "2331845", "Wh"),
            ("Current.Import", "L2-N", "0.00", "A"), ("Current.Import", "L3-N", "0.00", "A"))]],
        {"power_w": None, "energy_wh": 2_331_845, "i_l1": 15.6, "i_l2": 0, "i_l3": 0}),
    "one by one": ([
        [{"value": "0", "measurand": "Power.Active.Import", "phase": "L1", "unit": "W"}],
        [{"value": "0", "measurand": "Power.Active.Import", "phase": "L2", "unit": "W"}],
        [{"value": "0", "measurand": "Power.Active.Import", "phase": "L3", "unit": "W"}],
        [{"value": "506121", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}],
        [{"value": "0", "measurand": "Current.Import", "phase": "L1", "unit": "A"}]],
        {"power_w": 0, "energy_wh": 506_121, "i_l1": 0, "i_l2": None}),
}


@pytest.mark.parametrize("who", METERED)
def test_what_real_charge_points_measure_arrives(who):
    moments, wanted = METERED[who]

    async def play(here):
        async with talk(here) as charger:
            await charger.ask(*CHARGING)
            stamp = now()
            await charger.ask("MeterValues", {"connectorId": 1, "meterValue": [
                {"timestamp": stamp, "sampledValue": one} for one in moments]})
            return await here.gateway.read()

    seen = played(play)
    assert {name: seen[name] for name in wanted} == wanted


def test_values_of_then_are_not_of_now_and_those_of_now_grow_old():
    async def play(here):
        async with talk(here) as charger:
            await charger.ask(*CHARGING)
            for stamp in ("2021-06-29T11:41:44Z", "2099-01-01T00:00:00Z", "then"):
                await charger.ask("MeterValues", {"connectorId": 1, "meterValue": [
                    {"timestamp": stamp, "sampledValue": [{"value": "7"}]}]})
                assert (await here.gateway.read())["energy_wh"] is None
            await charger.ask("MeterValues", {"connectorId": 1, "meterValue": [
                {"timestamp": now(), "sampledValue": [{"value": "7"}]}]})
            assert (await here.gateway.read())["energy_wh"] == 7

            async def gone():
                return (await here.gateway.read())["energy_wh"] is None

            await until(gone)

    played(play)


def test_cards_are_those_of_the_file():
    async def play(here):
        async with talk(here) as charger:
            told = {}
            for card in ("card1", "STRANGER"):
                started = await charger.ask("StartTransaction", {
                    "connectorId": 1, "idTag": card, "meterStart": 10, "timestamp": now()})
                authorized = await charger.ask("Authorize", {"idTag": card})
                assert started["idTagInfo"] == authorized["idTagInfo"]
                told[card] = authorized["idTagInfo"]["status"], started["transactionId"]
            return told

    told = played(play, system(cards=frozenset({"card1"})))
    assert [status for status, _ in told.values()] == ["Accepted", "Invalid"]
    assert len({number for _, number in told.values()} - {0}) == 2


OTHERS = {
    "DataTransfer": ({"vendorId": "x"}, {"status": "UnknownVendorId"}),
    "FirmwareStatusNotification": ({"status": "Idle"}, {}),
    "DiagnosticsStatusNotification": ({"status": "Idle"}, {}),
    "SecurityEventNotification": ({"type": "x", "timestamp": "2026-01-01T00:00:00Z"}, {}),
    "StopTransaction": ({"transactionId": 5, "meterStop": 1, "timestamp": "2026-01-01T00:00:00Z"},
                        {}),
}


def test_everything_else_is_answered_as_specified():
    async def play(here):
        async with talk(here) as charger:
            for action, (said, wanted) in OTHERS.items():
                assert await charger.ask(action, said) == wanted
            for number, action, code in (("1", "Reset", "NotImplemented"),
                                         ("2", "SetDisplayMessageRequest", "NotSupported")):
                kind, _, found, *_ = await charger.say(json.dumps([2, number, action, {}]), number)
                assert (kind, found) == (4, code)
            kind, _, found, *_ = await charger.say('[2,"3","Heartbeat",{"x":1}]', "3")
            assert kind == 4

    played(play)


@pytest.mark.parametrize("answer", [
    {"SetChargingProfile": {"status": "Rejected"}},
    {"SetChargingProfile": {"status": "NotSupported"}},
    {"GetConfiguration": {"configurationKey": [
        {"key": "ChargeProfileMaxStackLevel", "readonly": True, "value": "0"}]}}])
def test_who_cannot_fall_back_is_not_commanded_and_the_gateway_hears_of_it(answer):
    async def play(here):
        async with talk(here, ANSWERS | answer) as charger:
            await charger.say(BOOT, "19223201")
            await charger.until_asked(lambda action, _: action == "TriggerMessage")
            assert await here.gateway.write(10) == 4
            return charger.asked

    for action, said in played(play):
        if action == "SetChargingProfile":
            assert "duration" not in said["csChargingProfiles"]["chargingSchedule"], "no lease"


def test_who_answers_nothing_loses_its_connection():
    async def closed(here):
        async with talk(here, {}) as charger:
            await charger.say(BOOT, "19223201")
            await asyncio.wait_for(charger._wire.wait_closed(), 20)
            return charger._wire.close_code

    assert played(closed, answer_s=0.2) == 1008


def test_two_connectors_are_two_chargers():
    file = system(point(NAME, wiring(1, 11), wiring(2, 12)))

    async def play(here):
        async with talk(here) as charger:
            await charger.say(BOOT, "19223201")
            await charger.ask(*CHARGING)
            first, second = await here.gateway.read(11), await here.gateway.read(12)
            assert first["plugged"] == 1
            assert second["plugged"] is None
            await here.gateway.write(8, unit=12)
            found = await charger.until_asked(
                lambda action, said: action == "SetChargingProfile" and "duration" in
                said["csChargingProfiles"]["chargingSchedule"])
            return [said["connectorId"] for _, said in found]

    assert played(play, file) == [2]
