"""MeterValues of real charge points that others have published: mobilityhouse/ocpp#398 (Alfen),
lbbrhzn/ocpp#1741 (Teltonika), evcc-io/evcc#16966 and #27686; and values that are not of now."""

from __future__ import annotations

import pytest

from tests.ocpp.bench import until
from tests.ocpp.talk import CHARGING, now, played, talk

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
