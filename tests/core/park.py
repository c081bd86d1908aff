"""A park for the tests of the core: a site image to vary, and one beat for a few readings."""

from __future__ import annotations

import copy
import importlib
import pkgutil
from array import array
from types import ModuleType
from typing import Any

import edge.rules
from boards.image import rule_images
from edge import journal
from edge.controller import Controller
from edge.site import Site
from edge.snapshot import Snapshot
from hil import lockstep
from hil.inputs import OWN_RULES, names

DAY = 9657  # 2026-06-10
TICKS = 1 << 30  # the period of the monotonic clock, ms

_IMAGE: dict[str, Any] = {
    "image": 1,
    "name": "test park",
    "site": {"park": "p", "gateway": "g", "timezone": "Asia/Shanghai", "beat_s": 1},
    "battery": {"capacity_wh": 400_000, "charge_max_w": 200_000, "discharge_max_w": 200_000,
                "efficiency_pm": 900, "wear_e4": 0, "lease_ms": 5000},
    "gate": {"charge_max_w": 210_000, "discharge_max_w": 205_000, "soc_floor_pm": 50,
             "soc_ceiling_pm": 950, "import_max_w": 800_000, "export_max_w": 100_000,
             "step_max_w": 150_000, "age_max_ms": 8000, "soc_age_max_ms": 120_000},
    "ages": {"grid_ms": 5000, "store_ms": 5000, "soc_ms": 60_000, "pv_ms": 15_000,
             "release_s": 10},
    "demand": {"sliding": 0},
    "tariff": {"name": "cn", "currency": "CNY", "demand_e4": 400_000, "export_e4": 0,
               "valid": [0, 1 << 20],
               "prices_e4": [3000] * 32 + [10_000] * 12 + [6500] * 24 + [10_000] * 8
               + [12_000] * 8 + [10_000] * 4 + [6500] * 8},
    "carbon": {"factor": 832_500, "source": "x", "year": 2022},
    "telemetry": {"period_s": 15, "batch_rows": 60, "linger_s": 60, "flush_s": 60},
    "broker": {"host": "", "port": 1883, "user": ""},
    "offsets": [[0, 0, 28_800]],
    "buses": [], "devices": [], "hash": "00",
}

_RULE_KEYS = {  # of rules whose keys have no default, or where the default would hide something
    "ramp": {"ramp_w_per_s": 50_000}, "reserve": {"floor_pm": 100, "ceiling_pm": 900},
    "contract": {"import_max_w": 700_000}, "export": {"export_max_w": 0},
    "bands": {"response_floor_pm": 100, "demand_floor_pm": 100, "trade_floor_pm": 100},
    "share": {"limit_w": 8_000_000, "safe_w": 8_000_000, "keep_w": 8_000_000, "gateways": ["h"]},
    "phase": {"import_max_w": 8_000_000, "unbalance_max_w": 1},
    "billing_meter": {"import_max_w": 800_000},
    "curtail": {"export_max_w": 0, "rated_w": 200_000},
}

# Rules that judge a story told over time; readings made up beat by beat tell none. Left out of an
# image unless its `rules` name them.
_WITNESSES = ("soc_check", "billing_meter", "balance", "charging", "surplus", "peak_shed")


def rule_names() -> list[str]:
    """Every rule there is, most important first: a new one is tested without being listed."""
    names = [info.name for info in pkgutil.iter_modules(edge.rules.__path__)]
    return sorted(names, key=lambda name: _rule(name).ORDER)


def _rule(name: str) -> ModuleType:
    return importlib.import_module(f"edge.rules.{name}")


def _keys(name: str) -> dict[str, int]:
    keys = {field[0]: field[4] for field in _rule(name).FIELDS}
    return {**keys, **_RULE_KEYS.get(name, {})}


def image(without: tuple[str, ...] = (), **sections: Any) -> dict[str, Any]:
    """A valid site image. A section given as a dict changes those keys; rules=dict(name=keys)
    changes keys of rules; `without` names rules to leave out."""
    made = copy.deepcopy(_IMAGE)
    without += tuple(name for name in (*_WITNESSES, *OWN_RULES)
                     if name not in sections.get("rules", {}))
    made["rules"] = {name: _keys(name) for name in rule_names() if name not in without}
    for name, changes in sections.items():
        if name == "rules":
            for rule, keys in changes.items():
                if rule not in without:
                    made["rules"][rule].update(keys)
        elif isinstance(changes, dict):
            made[name].update(changes)
        else:
            made[name] = changes
    made["rules"] = rule_images(made["rules"], made["site"]["gateway"])
    return made


def snapshot() -> Snapshot:
    """An empty picture of such a park."""
    return Snapshot(_IMAGE["ages"], 1)


class Park:
    """A site with its controller, fed like the emulator feeds it."""

    def __init__(self, made: dict[str, Any] | None = None) -> None:
        made = made if made is not None else image()
        self.site = Site(made)
        self.site.clock_set = True
        self.controller = Controller(self.site)
        self.names = names(made)
        self._image = made
        self.inputs = array("q", [0] * len(self.names))
        self.inputs[14:] = array("q", [-1] * (len(self.names) - 14))  # unless they are given

    def beat(self, **readings: int) -> int:
        """One beat with these INPUTS; those not given stay as they were. Returns the setpoint."""
        for name, value in readings.items():
            self.inputs[self.names.index(name)] = value
        return lockstep.bind(self._image, self.site, self.controller)(self.inputs)

    def fresh_beat(self, second: int, **readings: int) -> int:
        """One beat at `second` after midnight of DAY (UTC) with everything read just now."""
        now_ms = second * 1000 % TICKS
        stamps = dict.fromkeys(("grid_ms", "store_ms", "soc_ms", "pv_ms"), now_ms)
        usual = {"ready": 1, "charge_max_w": 8_000_000, "discharge_max_w": 8_000_000}
        times = {"now_ms": now_ms, "day": DAY + second // 86_400, "second": second % 86_400}
        return self.beat(**{**times, **stamps, **usual, **readings})

    @property
    def row(self) -> dict[str, int]:
        """The newest journal row by field name."""
        return dict(zip(journal.FIELDS, self.site.journal.row, strict=True))
