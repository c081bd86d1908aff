"""One websocket of one charge point: what it asks is answered, and it is told what is due.

Reading and telling are two tasks; one question of ours is under way at a time, and an answer to
none is dropped before the library sees it, as its queue of answers has no end. A charge point that
says what is not OCPP, says too much, or answers nothing three times loses its connection and may
come again.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ocpp.exceptions import OCPPError, UnknownCallErrorCodeError
from ocpp.messages import Call
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.call import GetConfiguration, TriggerMessage
from ocpp.v16.enums import Action
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from boards import ocpp_messages
from boards.ocpp_bucket import Bucket
from boards.ocpp_connector import Connector
from boards.ocpp_messages import Able
from boards.ocpp_meter import age_s, sampled
from boards.ocpp_wire import Bugs, trace, unpacked

_HEARTBEAT_S = 60
_BOOT_S = 5.0  # without a BootNotification for so long it has only come back
_MUTE_MAX = 3
_GARBAGE_MAX = 10
_MESSAGE_COST = 512  # beside its bytes, of what a connection may say
_BURST, _PER_S = 256 * 1024, 16 * 1024

Clock = Callable[[], float]


class Session(ChargePoint):
    """`connectors` by their numbers; `cards`: who may charge, None: anybody; `say` tells people."""

    def __init__(self, name: str, websocket: ServerConnection, connectors: Mapping[int, Connector],
                 cards: frozenset[str] | None, sample_s: int, rate_unit: str,
                 say: Callable[[str], None], answer_s: float = 10.0,
                 clock: Clock = time.monotonic) -> None:
        super().__init__(name, websocket, response_timeout=answer_s, logger=Bugs(say))
        self._websocket, self._connectors, self._cards = websocket, connectors, cards
        self._sample_s, self._rate_unit, self._say, self._clock = sample_s, rate_unit, say, clock
        self._able = Able()
        self._asked: str | None = None  # the id of our question under way
        self._mute = 0
        self._garbage = 0
        self._booted = asyncio.Event()
        self._begun: dict[int, int] = {}  # transactions whose answer is under way, by connector
        self._wake = asyncio.Event()
        self._said = Bucket(_BURST, _PER_S)

    async def run(self) -> None:
        """Until the connection ends."""
        for connector in self._connectors.values():
            connector.connected()
        tasks = [asyncio.create_task(task) for task in (self._listen(), self._tell())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (error := task.exception()) and not isinstance(error, ConnectionClosed):
                    self._say(f"internal error: {trace(error)}")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Something may have become due."""
        self._wake.set()

    async def end(self, reason: str, code: int = 1008) -> None:
        """Nothing that still comes counts."""
        self._say(f"{reason}: connection closed")
        self._connectors = {}
        await self._websocket.close(code, reason)

    # What it says.

    async def _listen(self) -> None:
        async for raw in self._websocket:
            if not self._said.take(_MESSAGE_COST + len(raw), self._clock()):
                return await self.end("says too much")
            await self.hear(raw)

    async def hear(self, raw: str | bytes) -> None:
        """One message: answer a question, or take the answer to ours."""
        message = unpacked(raw)
        if message is None:
            self._garbage += 1
            if self._garbage == _GARBAGE_MAX:
                await self.end("does not speak OCPP 1.6J", 1002)
        elif isinstance(message, Call) or message.unique_id == self._asked:
            await self.route_message(raw)

    @on(Action.boot_notification)
    def _on_boot(self, charge_point_vendor: str, charge_point_model: str, **_: Any) -> Any:
        self._say(f"{charge_point_vendor!a} {charge_point_model!a} has started")
        for connector in self._connectors.values():
            connector.connected()
            connector.charges(None)
            connector.measured.restarted()
        return call_result.BootNotification(_now(), _HEARTBEAT_S, "Accepted")

    @after(Action.boot_notification)
    def _after_boot(self, **_: Any) -> None:
        self._booted.set()
        self._wake.set()

    @on(Action.heartbeat)
    def _on_heartbeat(self) -> Any:
        return call_result.Heartbeat(_now())

    @on(Action.status_notification)
    def _on_status(self, connector_id: int, error_code: str, status: str, **_: Any) -> Any:
        connector = self._connectors.get(connector_id)
        if connector is not None:
            if status != connector.status:
                self._say(f"connector {connector_id}: {status}, {error_code}")
            connector.says(status, self._clock())
            self._wake.set()
        return call_result.StatusNotification()

    @on(Action.authorize)
    def _on_authorize(self, id_tag: str) -> Any:
        return call_result.Authorize(self._card(id_tag))

    @on(Action.start_transaction)
    def _on_start(self, connector_id: int, id_tag: str, meter_start: int, timestamp: str,
                  **_: Any) -> Any:
        transaction, card = next_transaction(), self._card(id_tag)
        connector = self._connectors.get(connector_id)
        if connector is not None:
            self._meters(connector, timestamp, {"energy_wh": meter_start})
            if card["status"] == "Accepted":
                self._begun[connector_id] = transaction
        return call_result.StartTransaction(transaction, card)

    @after(Action.start_transaction)
    def _after_start(self, connector_id: int, **_: Any) -> None:
        """It has its answer: from here on it knows the transaction's number."""
        transaction = self._begun.pop(connector_id, None)
        if transaction is not None:
            self._connectors[connector_id].charges(transaction)
        self._wake.set()

    @on(Action.stop_transaction)
    def _on_stop(self, meter_stop: int, timestamp: str, transaction_id: int, **_: Any) -> Any:
        for connector in self._connectors.values():
            if connector.transaction == transaction_id:
                self._meters(connector, timestamp, {"energy_wh": meter_stop})
                connector.charges(None)
                self._wake.set()
        return call_result.StopTransaction()

    @on(Action.meter_values)
    def _on_meter(self, connector_id: int, meter_value: list[dict[str, Any]],
                  transaction_id: int = 0, **_: Any) -> Any:
        connector = self._connectors.get(connector_id)
        if connector is None:  # 0: the whole charge point
            return call_result.MeterValues()
        moments: dict[str, list[dict[str, Any]]] = {}  # some tell each value of one by itself
        for one in meter_value:
            moments.setdefault(one["timestamp"], []).extend(one["sampled_value"])
        for timestamp, samples in moments.items():
            values, wrong = sampled(samples, connector.wiring.rating)
            fresh = self._meters(connector, timestamp, values, wrong)
            if fresh and transaction_id > 0 and connector.charges_unknown:
                connector.charges(transaction_id)  # begun before this process was
                self._wake.set()
        return call_result.MeterValues()

    @on(Action.data_transfer)
    def _on_data(self, **_: Any) -> Any:
        return call_result.DataTransfer("UnknownVendorId")

    @on(Action.firmware_status_notification)
    def _on_firmware(self, **_: Any) -> Any:
        return call_result.FirmwareStatusNotification()

    @on(Action.diagnostics_status_notification)
    def _on_diagnostics(self, **_: Any) -> Any:
        return call_result.DiagnosticsStatusNotification()

    @on(Action.security_event_notification)
    def _on_security(self, **_: Any) -> Any:
        return call_result.SecurityEventNotification()

    def _card(self, id_tag: str) -> dict[str, str]:
        known = self._cards is None or id_tag.casefold() in self._cards
        return {"status": "Accepted" if known else "Invalid"}

    def _meters(self, connector: Connector, timestamp: str, values: Mapping[str, int],
                wrong: list[str] | None = None) -> bool:
        """Hand values over; whether they are of now."""
        number, age = connector.wiring.number, age_s(timestamp, datetime.now(UTC))
        if age is None or age > connector.wiring.stale_s:
            self._say(f"connector {number}: values of {timestamp!a:.40}, not of now, passed over")
            return False
        told = connector.meters(dict(values), self._clock() - age, wrong or [])
        if told:
            self._say(f"connector {number}: {', '.join(told)} cannot be: not believed")
        return True

    # What it is told.

    async def _tell(self) -> None:
        await self._introduce()
        while self._connectors:
            self._wake.clear()
            now_s = self._clock()
            connector = min(self._connectors.values(), key=lambda one: one.due_in(now_s))
            wait_s = connector.due_in(now_s)
            if wait_s <= 0:
                await self._order(connector)
            else:
                await _until(self._wake, wait_s)

    async def _introduce(self) -> None:
        """First what limits it, then what it measures and does."""
        await _until(self._booted, _BOOT_S)
        told = await self._ask(GetConfiguration(list(ocpp_messages.KEYS)))
        self._able = ocpp_messages.able(told.configuration_key or [] if told else [],
                                        self._rate_unit)
        if not self._able.levels:
            self._say("holds one charging profile alone, so it could not fall back: not commanded")
        for connector in tuple(self._connectors.values()):
            await self._order(connector)
        for choices in ocpp_messages.configuration(self._sample_s):
            for change in choices:
                told = await self._ask(change)
                if told is not None and told.status in ("Accepted", "RebootRequired"):
                    break
                self._say(f"{change.key} refused, expected {change.value}")
        for number in tuple(self._connectors):
            await self._ask(TriggerMessage("StatusNotification", number))
            await self._ask(TriggerMessage("MeterValues", number))

    async def _order(self, connector: Connector) -> None:
        order = connector.order()
        told = None
        if self._able.levels:
            told = await self._ask(ocpp_messages.profile(
                connector.wiring, self._able, order, self._clock(), datetime.now(UTC)))
        if not self._connectors:
            return
        accepted = None if self._mute else told is not None and told.status == "Accepted"
        if not accepted:
            how = "not answered" if self._mute else told.status if told else "refused"
            self._say(f"connector {connector.wiring.number}: {order.purpose} {how}")
        connector.took(order, accepted, self._clock())

    async def _ask(self, payload: Any) -> Any:
        """The answer; None for an error or none in time."""
        self._asked = str(uuid.uuid4())
        try:
            told = await self.call(payload, suppress=False, unique_id=self._asked)
        except TimeoutError:
            self._mute += 1
            if self._mute == _MUTE_MAX:
                await self.end("does not answer")
            return None
        except (OCPPError, UnknownCallErrorCodeError):
            told = None
        finally:
            self._asked = None
        self._mute = 0
        return told


async def _until(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


def _now() -> str:
    return ocpp_messages.stamp(datetime.now(UTC))


_last_transaction = 0


def next_transaction() -> int:
    """Never one that was given before, also by a process before this one."""
    global _last_transaction
    _last_transaction = max(_last_transaction + 1, int(time.time()))
    return _last_transaction
