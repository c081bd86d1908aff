"""Lockstep on the real wire: the gateway's own buses, drivers and uplink against real Modbus.

Virtual time goes on when every device of a beat has been read and the setpoint is written, however
long the sockets take for it. Between two long beats nothing is polled: time jumps. The uplink
lives in real time; where it falls behind, virtual time waits for it.
"""

import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from boards.host import HostBoard
from boards.image import compile_site
from boards.local_time import Moment
from edge.app import App
from edge.blocks import FileBlocks, RamBlocks
from hil import amend
from hil.can_station import CanLine
from hil.charging import ChargingPlant
from hil.cloud import Cloud
from hil.far_gateway import FarGateway
from hil.island import IslandPlant, lived
from hil.line import Line
from hil.park import NORMAL, Park
from hil.patience import Clock, Patient, RigError
from hil.plants import Plant
from hil.rig import SEED, Record, Schedule, Stage, sample
from hil.scenario import Planned
from hil.wire_gateway import Gateway

_WAITING_MAX = 24  # frames that may wait before virtual time does
_CLIMB_S = 60.0  # for the uplink to get on, real time: longer than its longest pause
_PAUSE_S = 0.002


class Board(HostBoard):
    """The emulator's board in virtual time."""

    name = "rig"

    def __init__(self, image: Mapping[str, Any], folder: Path | None, lines: Sequence[Line],
                 clock: Clock) -> None:
        super().__init__(image, folder)
        self.moment: Moment = (0, 0)
        self.rows: list[array[int]] = []
        self.ports: list[Patient | CanLine] = []
        self._blocks: list[FileBlocks | RamBlocks | None] = []
        self._lines = iter(lines)
        self._clock = clock

    def open_port(self, bus: Mapping[str, Any]) -> Any:
        line = next(self._lines)
        self.ports.append(CanLine(bus) if "interface" in bus
                          else Patient(bus, super().open_port(bus), line, self._clock))
        return self.ports[-1]

    def wall(self) -> tuple[int, int, bool]:
        return *self.moment, True

    def keep(self, row: "array[int]", rule_names: Sequence[str]) -> None:
        self.rows.append(array("i", row))
        super().keep(row, rule_names)

    def flash_device(self) -> FileBlocks | RamBlocks | None:
        self._blocks.append(super().flash_device())
        return self._blocks[-1]

    def state(self, name: str) -> FileBlocks | RamBlocks:
        device = super().state(name)
        self._blocks.append(device)
        return device

    def close(self) -> None:
        """Let go of the files."""
        for device in self._blocks:
            if isinstance(device, FileBlocks):
                device.close()
        if self._journal is not None:
            self._journal.close()


class Wire:
    """A gateway and its park on real sockets, in virtual time. A context manager.

    The park's `setpoint` follows what the gateway has written to the converters; whoever moves the
    plant does so between two beats. `raw` is a site file; its places are overwritten. `slave`: the
    raw one serves the devices (hil/fault_slave.py). `dut`: in this process, where `app`, `board`
    and `clock` are its parts, or a MicroPython's.
    """

    app: App
    board: Board
    clock: Clock

    def __init__(self, raw: amend.Raw, path: Path, plant: Plant, folder: Path,
                 cloud: Cloud | None = None, slave: bool = False, dut: str = "inproc") -> None:
        self.park = Park(amend.site(raw, path), plant, SEED, raw=slave)
        self.cloud = cloud
        self.waited = 0  # most frames that waited while the way up was struck
        self._raw, self._path, self._folder, self._dut = raw, path, folder, dut
        self._stack = ExitStack()
        self._struck = 0  # faults of the way up that last
        self._age_ms = 0  # time of the devices, which does not wrap

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            places = self.places = stack.enter_context(self.park.served())
            if self.cloud is not None:
                stack.enter_context(self.cloud)
            keys = self.cloud.keys if self.cloud else {"host": ""}
            image = compile_site(amend.site(amend.place(self._raw, places, keys), self._path))
            self._span_ms = 1000 * image["site"]["beat_s"]
            self._gateway = self._start(image)
            stack.callback(self._gateway.close)
            if self.cloud is not None:
                self._climb(lambda up, waiting: up)
            self._stack = stack.pop_all()
        return self

    def _start(self, image: dict[str, Any]) -> Gateway | FarGateway:
        if self._dut == "micropython":
            return FarGateway(image, self._folder, self.park.lines)
        self.clock = Clock()
        self.board = Board(image, self._folder, self.park.lines, self.clock)
        gateway = Gateway(image, self.board, self.clock)
        self.app = gateway.app
        return gateway

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stack.close()

    def begin_at(self, now_ms: int) -> None:
        """Begin at another tick than 0: the controller, in this process, has had beats before."""
        assert isinstance(self._gateway, Gateway)
        self._gateway.begin_at(now_ms)

    def beat(self, moment: Moment) -> "array[int]":
        """Read every device, take the beat of a UTC moment, write the setpoint; its row."""
        self._age_ms += self._span_ms
        self.park.show(self._age_ms)
        row, backlog = self._gateway.beat(*moment)
        if self._struck:
            self.waited = max(self.waited, backlog)
        elif self.cloud is not None and backlog > _WAITING_MAX:
            self._climb(lambda up, waiting: waiting <= _WAITING_MAX // 2)
        return row

    def begin(self, fault: Planned) -> None:
        """Let a fault begin."""
        part = fault.effect.part
        if fault.effect.plant:
            self.park.strike(fault.effect.plant, True)
            return
        if not part:
            station = self.park.station(fault.device)
            if station is None:
                raise RigError(f"{fault.kind}: the site has no {fault.device}")
            station.effect = fault.effect
            return
        if self.cloud is None:
            raise RigError(f"{fault.kind}: this rig has no cloud")
        self._struck += 1
        self.cloud.begin(part)
        if part != "store":
            self._climb(lambda up, waiting: not up)

    def end(self, fault: Planned) -> None:
        """Let it end; then the gateway delivers what has waited."""
        part = fault.effect.part
        if fault.effect.plant:
            self.park.strike(fault.effect.plant, False)
        station = self.park.station(fault.device) if fault.device else None
        if station is not None:
            station.effect = NORMAL
        if part and self.cloud is not None:
            self.cloud.end(part)
            self._struck -= 1
            self.deliver()

    def deliver(self) -> None:
        """Wait until the store has everything that the gateway has stored so far."""
        if self.cloud is not None:
            self._climb(lambda up, waiting: waiting == 0)

    def close_batch(self) -> None:
        """Store the rows of the open batch as well, and deliver."""
        self._gateway.flush()
        self.deliver()

    def counts(self) -> dict[str, int]:
        """What happened on the buses; `struck`: requests to a device with a fault."""
        struck = sum(station.struck for station in self.park.stations)
        return {**self._gateway.counts(), "struck": struck}

    def _climb(self, until: Callable[[bool, int], bool]) -> None:
        """Let the uplink work in real time until something is so of whether it is connected, and of
        how many frames wait. Raises RigError."""
        deadline_s = time.monotonic() + _CLIMB_S
        while True:
            up, waiting, fault = self._gateway.climb()
            if until(up, waiting):
                return
            if time.monotonic() > deadline_s:
                raise RigError(f"the uplink did not get on for {_CLIMB_S:.0f} s: "
                               f"{waiting} frames wait, {fault}")
            time.sleep(_PAUSE_S)


class WireRig:
    """Plays a scenario on the wire as fast as it goes. Raises RigError."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage = stage
        self._folder = folder

    def play(self, done: Callable[[int], None]) -> Record:
        stage, scenario = self._stage, self._stage.scenario
        plant, record = stage.plant(), Record(stage.beat_s)
        first_uj = plant.battery.stored_uj
        cloud = Cloud(self._folder) if scenario.needs_cloud else None
        with Wire(stage.raw, stage.file.site, plant, self._folder, cloud,
                  scenario.needs_slave, stage.file.dut) as wire:
            schedule = Schedule(scenario.faults, wire.begin, wire.end)
            for at_s in range(scenario.start_s, scenario.end_s, stage.beat_s):
                schedule.reach(at_s)
                stage.feed(plant, at_s)
                wire.park.shade()
                record.rows.append(wire.beat(stage.utc(at_s)))
                record.at_s.append(at_s)
                if isinstance(plant, IslandPlant):
                    plant.coils = wire.park.coils
                if isinstance(plant, ChargingPlant):
                    plant.limits_ma = wire.park.limits_ma
                grid_w = plant.run(wire.park.setpoint, stage.beat_s)
                record.samples.append(sample(plant, at_s, grid_w))
                done(stage.beat_s)
            schedule.reach(scenario.end_s)
            wire.close_batch()
            record.counts = wire.counts()
            record.waited = wire.waited if scenario.strikes_cloud else None
            if cloud is not None:
                site = stage.image["site"]
                record.broker = cloud.broker
                record.stored = cloud.rows(site["park"], site["gateway"])
                record.held = []  # everything has been delivered
        record.imbalance_uj = plant.imbalance_uj(first_uj)
        record.life = lived(plant)
        return record
