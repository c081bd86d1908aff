"""What is sent to an OCPP 1.6 charge point, as payloads of the library `ocpp`.

A profile of the highest stack level that is valid now leads (OCPP 1.6, 3.13.2). So the lease lies
on the highest level that the charge point has, where nobody else's profile overrules it, and the
failsafe current on the one below.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp.v16 import call

from boards.ocpp_connector import OF_TRANSACTION, Order, Wiring
from boards.ocpp_meter import MEASURANDS

_EARLY_S = 60  # a clock that is behind by so much does not hold a profile back
_LEVELS_MAX = 10_000


@dataclass(frozen=True)
class Able:
    """What a charge point says of itself: the unit of its profiles, A or W, and its highest stack
    level."""

    unit: str = "A"
    levels: int = 1


KEYS = ("ChargeProfileMaxStackLevel", "ChargingScheduleAllowedChargingRateUnit")


def able(configuration: list[dict[str, Any]], wanted_unit: str) -> Able:
    """From GetConfiguration; `wanted_unit` "auto": A, unless it takes W alone."""
    found = {str(entry.get("key")): str(entry.get("value", "")) for entry in configuration}
    level = found.get(KEYS[0], "")
    units = {word.strip() for word in found.get(KEYS[1], "").split(",")}
    watts = bool(units & {"Power", "W"}) and not units & {"Current", "A"}
    unit = ("W" if watts else "A") if wanted_unit == "auto" else wanted_unit
    known = level.isascii() and level.isdigit() and len(level) < 6
    return Able(unit, min(int(level), _LEVELS_MAX) if known else 1)


def configuration(sample_s: int) -> list[list[call.ChangeConfiguration]]:
    """What it should measure, and how often; where it refuses one, what else would do."""
    fewer = [",".join(MEASURANDS[:count]) for count in range(len(MEASURANDS), 0, -1)]
    return [[call.ChangeConfiguration("MeterValuesSampledData", some) for some in fewer],
            [call.ChangeConfiguration("MeterValueSampleInterval", str(sample_s))]]


def profile(wiring: Wiring, able: Able, order: Order, now_s: float, now: datetime
            ) -> call.SetChargingProfile:
    """An order as a charging profile. The lease is absolute, as a relative one would count from
    the start of charging, and its end is `until_s`, rounded down to a second of what is left."""
    schedule: dict[str, Any] = {
        "charging_rate_unit": able.unit,
        "charging_schedule_period": [_period(wiring, able.unit, order.ma)],
        "start_schedule": stamp(now - timedelta(seconds=_EARLY_S)),
    }
    if order.until_s is not None:
        schedule["duration"] = _EARLY_S + int(order.until_s - now_s)
    kind = 2 * (order.purpose == OF_TRANSACTION) + (order.until_s is not None)
    chosen: dict[str, Any] = {
        "charging_profile_id": 10 * wiring.number + kind,
        "stack_level": able.levels - (order.until_s is None),
        "charging_profile_purpose": order.purpose,
        "charging_profile_kind": "Absolute",
        "charging_schedule": schedule,
    }
    if order.transaction is not None:
        chosen["transaction_id"] = order.transaction
    return call.SetChargingProfile(wiring.number, chosen)


def _period(wiring: Wiring, unit: str, ma: int) -> dict[str, Any]:
    """Rounded down: 0.1 A, as the schema has it, or 1 W."""
    phases = len(wiring.rating.phases)
    limit = ma // 100 / 10 if unit == "A" else ma * phases * wiring.rating.volts // 1000
    return {"start_period": 0, "limit": limit, "number_phases": phases}


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
