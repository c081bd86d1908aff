"""A whole park on the real wire in virtual time, and somebody on its field bus."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.journal import FIELDS
from hil import scenario
from hil.plants import Plant
from hil.rig import Stage, stage
from hil.rig_wire import Wire
from hil.scenario import Planned, fault

START_S = 36_000  # 10:00 of the plant's day
_BASE = "quiet_half_minute"
LIMIT = {"rules.contract.import_max_w": 250_000}  # below the load: the battery is at work


class Field:
    """The foundry of the examples with its devices on sockets and lines; `rows` by field name."""

    def __init__(self, setting: Stage, wire: Wire, plant: Plant) -> None:
        self.setting, self.wire, self.plant = setting, wire, plant
        self.at_s = START_S
        self.rows: list[dict[str, int]] = []

    @property
    def app(self) -> Any:
        return self.wire.app

    def run(self, seconds: int) -> list[dict[str, int]]:
        """Let beats pass; their rows."""
        before = len(self.rows)
        for _ in range(seconds):
            self.setting.feed(self.plant, self.at_s)
            row = self.wire.beat(self.setting.utc(self.at_s))
            self.rows.append(dict(zip(FIELDS, row, strict=True)))
            self.plant.run(self.wire.park.setpoint, 1)
            self.at_s += 1
        return self.rows[before:]

    def begin(self, role: str, kind: str, **keys: int) -> None:
        """Let a fault begin: one of hil/faults.py or hil/wire_faults.py."""
        self.wire.begin(Planned(kind, self.at_s, 0, role, fault(kind, keys)))

    def end(self, role: str, kind: str) -> None:
        """Let it end."""
        self.wire.end(Planned(kind, self.at_s, 0, role, fault(kind, {})))

    def driver(self, name: str) -> Any:
        """What speaks with a device of the site."""
        return next(driver for bus in self.app.buses for driver in bus.drivers
                    if driver.name == name)

    def rules(self, row: dict[str, int]) -> set[str]:
        """Who bound a row."""
        names = self.app.site.rule_names
        return {names[row["lo_by"]], names[row["hi_by"]]}


@contextmanager
def field(folder: Path, change: Mapping[str, int] = LIMIT, slave: bool = True) -> Iterator[Field]:
    """A park that has been at work for half a minute. `slave`: served by the raw one."""
    one = scenario.read(scenario.find("scenarios", _BASE))
    setting = stage(scenario.read_rig(scenario.find("rigs", "wire")),
                    replace(one, change=dict(change)))
    plant = setting.plant()
    with Wire(setting.raw, setting.file.site, plant, folder, slave=slave) as wire:
        park = Field(setting, wire, plant)
        park.run(30)
        assert park.rows[-1]["command_w"] > 0
        assert not any(bus.timeouts for bus in park.app.buses)
        yield park
        assert park.app.site.fault is None
