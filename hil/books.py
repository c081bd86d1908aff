"""The carbon ledger of an emulated site: a gateway's own keeper, on registers the plant turns.

The controller runs in this process. What a gateway would hand to its outbox is kept in `messages`,
and `write` makes of it the folder that `python -m cloud_bridge audit` takes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud_bridge.evidence import gathered
from edge.blocks import RamBlocks
from edge.evidence.keeper import Keeper
from hil.plants import Bank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.plants import Plant

_WS_PER_WH = 3600
_STANDS_WH = 1_000_000  # what every register shows when the emulation begins
_TENANT_PM = 200  # each tenant's part of the load
_SECTORS = 4


class Books:
    """`image` has a ledger; `seed` is the gateway's secret key, made of the site's name without
    one: an emulated gateway proves nothing to anybody."""

    def __init__(self, image: Mapping[str, Any], site: Any, plant: Plant,
                 seed: bytes | None = None) -> None:
        keys, names = image["ledger"], image["site"]
        origin = f"{names['park']}/{names['gateway']}"
        self.messages: list[tuple[int, bytes]] = []
        self.devices = [RamBlocks(sectors=_SECTORS) for _ in range(2)]
        self._site, self._plant = site, plant
        self._meters = [name for name, _ in keys["tenants"]]
        self.keeper = Keeper(site, keys, self, origin,
                             seed or hashlib.sha256(origin.encode()).digest(), *self.devices)

    def append(self, kind: int, data: bytes, n: int) -> None:
        """As an outbox takes it."""
        self.messages.append((kind, bytes(data[:n])))

    def show(self) -> None:
        """Let every register be read as it stands now."""
        site, plant = self._site, self._plant
        site.grid_meter.import_wh = _wh(plant.import_ws)
        site.grid_meter.export_wh = _wh(plant.export_ws)
        site.pv.pv_wh = _wh(plant.pv_ws)
        battery = plant.battery
        ones = battery.batteries if isinstance(battery, Bank) else [battery]
        for unit, one in zip(site.fleet, ones, strict=True):
            unit.charge_wh, unit.discharge_wh = _wh(one.charged_ws), _wh(one.discharged_ws)
        for meter in site.ledger.lines.values():
            meter.take("import_wh", _STANDS_WH, 0)
        for name in self._meters:
            meter = site.ledger.lines[name]
            meter.take("grid_w", plant.load_w * _TENANT_PM // 1000, 0)
            meter.take("import_wh", _wh(plant.load_ws * _TENANT_PM // 1000), 0)

    def work(self) -> None:
        """Do what the gateway does between its beats, until nothing is left to do."""
        while self.keeper.step(0) < 1000:
            pass

    def write(self, folder: Path) -> gathered.Gathered:
        """The evidence as files. OSError."""
        found = gathered.sort(self.messages)
        folder.mkdir(parents=True, exist_ok=True)
        found.write(folder)
        return found


def _wh(ws: int) -> int:
    return _STANDS_WH + ws // _WS_PER_WH
