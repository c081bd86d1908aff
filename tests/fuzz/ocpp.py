"""Any text as what an OCPP charge point says: it is answered, refused or passed over, and what the
gateway reads stays within what a charger can do. Also as each text inside of a meter's values."""

import json
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import ocpp.messages

from boards.ocpp_connector import OF_TRANSACTION, Connector, Wiring
from boards.ocpp_meter import MEASURANDS, Rating, age_s, sampled
from boards.ocpp_session import Session

ocpp.messages.ASYNC_VALIDATION = False  # a thread for each would only take time
_RATING = Rating(32_000, (1, 2, 3), 230)
_SINGLE = Rating(32_000, (1,), 230)
_NOW_S = 1e6
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_SAMPLE = {"value": "10.5", "measurand": "Power.Active.Import", "unit": "kW"}
_CURRENT = {"value": "12.25", "measurand": "Current.Import", "phase": "L2-N", "unit": "A"}


def _call(action: str, payload: object) -> bytes:
    return json.dumps([2, "19223201", action, payload], separators=(",", ":")).encode()


def _values(samples: object, timestamp: str) -> bytes:
    return _call("MeterValues", {"connectorId": 1, "transactionId": 5, "meterValue": [
        {"timestamp": timestamp, "sampledValue": samples}]})


SEEDS = [
    _call("BootNotification", {"chargePointVendor": "VendorX",
                               "chargePointModel": "SingleSocketCharger"}),
    _call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}),
    _call("StartTransaction", {"connectorId": 1, "idTag": "CARD1", "meterStart": 10,
                               "timestamp": "2026-01-01T00:00:00Z"}),
    _values([_SAMPLE, _CURRENT, {"value": "1234"}], "2026-01-01T00:00:00Z"),
    b'[4,"162376037","NotSupported","SetDisplayMessageRequest not implemented",{}]',
    b'[3,"19223201",{"status":"Accepted"}]', b'[3,"",{"status":"Accepted"}]', b"10.5",
    b"2026-01-01T00:00:00Z",
]


class _Wire:
    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, text: str) -> None:
        self.sent.append(text)

    async def close(self, *_: object) -> None:
        pass


def one(data: bytes) -> None:
    """As a message, and as a value and a stamp of one that is well made."""
    text = data.decode("utf-8", "replace")
    wire, lines = _Wire(), []
    connector = Connector(Wiring(1, 1, _RATING, 6000, 6000, 60, 30, OF_TRANSACTION))
    session = Session("CP01", wire, {1: connector}, None, 10, "auto", lines.append,  # type: ignore
                      clock=lambda: _NOW_S)
    _finished(session.hear(text))
    assert not [line for line in lines if "internal" in line], lines
    assert session._response_queue.empty()
    assert {json.loads(answer)[0] for answer in wire.sent} <= {3, 4}
    for measurand in MEASURANDS:
        values, _ = sampled([{"value": text, "measurand": measurand, "phase": "L1"}], _SINGLE)
        connector.meters(values, _NOW_S)
    age = age_s(text, _NOW)
    assert age is None or age >= 0
    _check(connector)


def _finished(coroutine: Coroutine[Any, Any, None]) -> None:
    """Nothing that it does waits for anything."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


def _check(connector: Connector) -> None:
    seen = connector.values(_NOW_S)
    assert 0 <= seen.get("power_w", 0) <= _RATING.max_w * 1.25
    assert 0 <= seen.get("energy_wh", 0) < 1 << 32
    assert all(0 <= seen.get(f"i_l{phase}", 0) <= 40 for phase in (1, 2, 3))
