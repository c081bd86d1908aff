"""What a charge point asks and is told. The envelopes are the examples of OCPP-J 1.6, 4.2."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from tests.ocpp.bench import NAME, PASSWORD, SAFE_A, point, system, wiring
from tests.ocpp.talk import ANSWERS, BOOT, CHARGING, now, played, talk, valid


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


def test_cards_are_those_of_the_file(capsys):
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
    said = capsys.readouterr().err.lower()
    assert "connected" in said
    assert not [secret for secret in ("card1", "stranger", PASSWORD) if secret in said]


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
