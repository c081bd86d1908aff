"""The carbon ledger of an emulated site: a gateway's own keeper, on registers the plant turns.

The controller runs in this process. What a gateway would hand to its outbox is kept in `messages`,
and `close` makes of it the folder that `python -m cloud_bridge audit` takes, and audits it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud_bridge import notes
from cloud_bridge.evidence import bundle, gathered
from cloud_bridge.evidence.judge import judge
from cloud_bridge.evidence.verdict import Verdict
from edge.blocks import RamBlocks
from edge.evidence.keeper import Keeper
from hil import lines
from hil.plants import Bank

if TYPE_CHECKING:
    from hil.plants import Plant

_WS_PER_WH = 3600
_STANDS_WH = 1_000_000  # what every register shows when the emulation begins
_SECTORS = 4


@dataclass(frozen=True)
class Kept:
    """A ledger that was kept and audited. `moved_wh`: what the plant's registers moved by from its
    first quarter-hour on, by the meters of edge/ledger/leaf.py."""

    verdict: Verdict
    moved_wh: Mapping[str, int]
    folder: Path


class Books:
    """Of an `image` with a ledger; it begins where the controller stands. The gateway's secret key
    is made of the site's name: an emulated gateway proves nothing to anybody."""

    def __init__(self, image: Mapping[str, Any], site: Any, plant: Plant) -> None:
        self._keys, names = image["ledger"], image["site"]
        self._origin = f"{names['park']}/{names['gateway']}"
        self._seed = hashlib.sha256(self._origin.encode()).digest()
        self._devices = [RamBlocks(sectors=_SECTORS) for _ in range(2)]
        self.messages: list[tuple[int, bytes]] = []
        self._site, self._plant = site, plant
        self._tenants = len(self._keys["tenants"])
        self._shown: list[dict[str, int]] = []  # the plant's registers: the first and the last
        site.ledger.ended = -1  # what nobody has kept so far is not booked
        self._start()

    def append(self, kind: int, data: bytes, n: int) -> None:
        """As an outbox takes it."""
        self.messages.append((kind, bytes(data[:n])))

    def show(self) -> None:
        """Let every register be read as it stands now: before the beat that ends a quarter-hour."""
        site, plant = self._site, self._plant
        wh = _registers(plant)
        self._shown[1:] = [wh]
        site.grid_meter.import_wh, site.grid_meter.export_wh = wh["import"], wh["export"]
        site.pv.pv_wh = wh["pv"]
        battery = plant.battery
        ones = battery.batteries if isinstance(battery, Bank) else [battery]
        for unit, one in zip(site.fleet, ones, strict=True):
            unit.charge_wh, unit.discharge_wh = _wh(one.charged_ws), _wh(one.discharged_ws)
        for name, meter in site.ledger.lines.items():
            meter.take("import_wh", _wh(lines.counted_ws(plant, name, self._tenants)), 0)

    def measure(self) -> None:
        """Let the powers of the ledger's own meters be read, before each beat."""
        for name, meter in self._site.ledger.lines.items():
            meter.take("grid_w", lines.power_w(self._plant, name, self._tenants), 0)

    def work(self) -> None:
        """Do what the gateway does between its beats, until nothing is left to do."""
        while self._keeper.step(0) < 1000:
            pass

    def close(self, folder: Path) -> Kept:
        """The evidence as files, under a head of its own, and what an auditor says. OSError."""
        self.work()
        self._start()  # as after a restart, a head is signed at once
        self.work()
        found = gathered.sort(self.messages)
        folder.mkdir(parents=True, exist_ok=True)
        found.write(folder)
        first, last = self._shown
        return Kept(judge(bundle.read(folder), [notes.Key.read(self._keeper.public())]),
                    {name: last[name] - first[name] for name in first}, folder)

    def _start(self) -> None:
        """Switch the keeper on: nothing is left of the one before but its devices."""
        self._keeper = Keeper(self._site, self._keys, self, self._origin, self._seed,
                              *self._devices)


def _registers(plant: Plant) -> dict[str, int]:
    """What the meters of the plant show, Wh. Of several batteries each counts for itself."""
    battery = plant.battery
    ones = battery.batteries if isinstance(battery, Bank) else [battery]
    return {"import": _wh(plant.import_ws), "export": _wh(plant.export_ws),
            "pv": _wh(plant.pv_ws), "direct": _wh(lines.counted_ws(plant, "direct", 0)),
            "generator": _wh(lines.counted_ws(plant, "generator", 0)),
            "charge": sum(_wh(one.charged_ws) for one in ones),
            "discharge": sum(_wh(one.discharged_ws) for one in ones)}


def _wh(ws: int) -> int:
    return _STANDS_WH + ws // _WS_PER_WH
