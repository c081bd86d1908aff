"""The point table of [iec104]: how a line is written, and what may stand in it."""

from collections.abc import Sequence
from typing import Any

from boards.shapes import one_of
from edge.journal import FIELDS
from edge.wire import iec104

TYPES = {"M_SP_NA_1": iec104.M_SP, "M_ME_NB_1": iec104.M_ME_NB, "M_ME_NC_1": iec104.M_ME_NC,
         "M_IT_NA_1": iec104.M_IT}
COUNTERS = ("import_kwh", "export_kwh", "carbon_kg", "meter_import_wh", "meter_export_wh",
            "store_charge_wh", "store_discharge_wh")
# What edge/now.py and the parts that add to it tell in numbers, and no row of the journal holds.
LIVE = ("clock_set", "beat_s", "beat_age_ms", "fault", "faults", "trusted", "grid_fresh",
        "pv_fresh", "store_fresh", "soc_fresh", "load_w", "left_s", "gate", "load_mg_per_kwh",
        "export_mg_per_kwh", "battery_mg_per_kwh", "dispatch_w", "dispatch_control",
        "dispatch_refused")
NAMES = tuple(dict.fromkeys((*FIELDS, *LIVE, *COUNTERS)))
MOST = 256
_IOA_MAX = (1 << 24) - 1
_PER_MAX = 1_000_000_000
_DEADBAND_MAX = 8_000_000
EXPECTED = ('[address, "name", "type", units for one, deadband in units]; '
            f"types {' '.join(TYPES)}")

Line = tuple[int, str, str, int, int]


def line(found: Any) -> Line | None:
    """Read [1001, "grid_w", "M_ME_NC_1", 1000, 500]; the last two may be left out: 1 and 0. None
    when it is no such line; whether name and type are known, `wrong` says."""
    if not isinstance(found, list) or not 3 <= len(found) <= 5:
        return None
    ioa, name, kind, per, deadband = [*found, 1, 0] if len(found) == 3 else [*found, 0][:5]
    if not all(type(number) is int for number in (ioa, per, deadband)):
        return None
    if not isinstance(name, str) or not isinstance(kind, str):
        return None
    return ioa, name, kind, per, deadband


def wrong(lines: Sequence[Line]) -> dict[str, str]:
    """What is wrong with a table, by place: what was found and what was expected instead."""
    said: dict[str, str] = {}
    if len(lines) > MOST:
        said["points"] = f"found {len(lines)} points, expected at most {MOST}"
    seen: set[int] = set()
    for number, one in enumerate(lines):
        trouble = _wrong(*one) or (f"found {one[0]} twice, expected every address once"
                                   if one[0] in seen else "")
        if trouble:
            said[f"points[{number}]"] = trouble
        seen.add(one[0])
    return said


def _wrong(ioa: int, name: str, kind: str, per: int, deadband: int) -> str:
    if not 1 <= ioa <= _IOA_MAX:
        return f"found address {ioa}, expected 1 .. {_IOA_MAX}"
    if kind not in TYPES:
        return f'found type "{kind}", expected {one_of(TYPES, kind)}'
    names = COUNTERS if kind == "M_IT_NA_1" else NAMES
    if name not in names:
        return f'found name "{name}", expected {one_of(names, name)}'
    if per == 0 or abs(per) > _PER_MAX or (per < 0 and kind in ("M_SP_NA_1", "M_IT_NA_1")):
        return f"found {per} units for one, expected 1 .. {_PER_MAX}" + (
            ", or below 0 to turn the sign" if kind.startswith("M_ME") else "")
    if not 0 <= deadband <= _DEADBAND_MAX:
        return f"found a deadband of {deadband}, expected 0 .. {_DEADBAND_MAX}"
    return ""


def image(lines: Sequence[Line]) -> list[list[Any]]:
    """As edge/iec104 takes them: those of one type one behind the other, by address."""
    made = [[ioa, TYPES[kind], per, deadband, name] for ioa, name, kind, per, deadband in lines]
    return sorted(made, key=lambda point: (point[1], point[0]))
