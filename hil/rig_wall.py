"""The wall clock: a gateway in a process of its own against simulated devices, second by second.

It is either `python -m boards run`, as an integrator starts it, or the built tree on a real
MicroPython. Serial lines are as slow as their speed says.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

from boards.image import compile_site
from boards.journal_file import Header, JournalError, JournalReader, files
from boards.sector_files import SectorFiles
from cloud_bridge.batches import TELEMETRY, decode_batch
from edge.blocks import FileBlocks
from edge.journal import FIELDS
from edge.outbox import Outbox
from hil import amend, built_tree, dut
from hil.cloud import Cloud
from hil.park import NORMAL, Park
from hil.patience import RigError
from hil.rig import DAY_S, SEED, Record, Schedule, Stage, sample
from hil.scenario import Planned

_ROOT = Path(__file__).resolve().parent.parent
_EPOCH_S = 946_684_800  # 2000-01-01 in Unix time
_START_S = 20.0  # until the first row
_STOP_S = 15.0  # from being asked to stop to being gone
_STEP_S = 0.1
_HEAP = "256k"  # of the microcontroller this stands for
_TAIL_ROWS = 10  # an open batch, and a frame on its way
_FRAME_BYTES = 4096
_SECTORS = "outbox"  # the folder in which MicroPython keeps its outbox
_DAY, _SECOND = FIELDS.index("day"), FIELDS.index("second")


class WallRig:
    """Plays a scenario in as much time as it takes. Raises RigError, DutError, BuildError."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage = stage
        self._folder = folder
        self._plant = stage.plant()
        self._park = Park(stage.site, self._plant, SEED, in_real_time=True,
                          raw=stage.scenario.needs_slave)
        self._cloud: Cloud | None = None

    def play(self, done: Callable[[int], None]) -> Record:
        stage, park, plant = self._stage, self._park, self._plant
        record = Record(stage.beat_s, slack_s=2, tail_rows=_TAIL_ROWS)
        first_uj = plant.battery.stored_uj
        stage.feed(plant, stage.scenario.start_s)
        with park.served() as places, self._sky() as cloud:
            self._cloud = cloud
            raw = amend.place(stage.raw, places, cloud.keys if cloud else {"host": ""})
            with self._gateway(raw, record) as journal:
                start_utc = self._live(record, journal, done)
            self._read(journal, start_utc, record)
            if cloud is not None:
                keys = stage.image["site"]
                record.broker = cloud.broker
                record.stored = cloud.rows(keys["park"], keys["gateway"])
        record.imbalance_uj = plant.imbalance_uj(first_uj)
        return record

    def _sky(self) -> Any:
        return Cloud(self._folder) if self._stage.scenario.needs_cloud else nullcontext()

    def _live(self, record: Record, journal: Path, done: Callable[[int], None]) -> int:
        """Let the plant live through the scenario; the second of UTC at which it began."""
        stage, plant, park, scenario = self._stage, self._plant, self._park, self._stage.scenario
        schedule = Schedule(scenario.faults, self._begin, self._end)
        _wait(lambda: _rows(journal) > 0, _START_S, "the gateway wrote no row")
        began = time.monotonic()
        start_utc = int(time.time())
        for at_s in range(scenario.start_s, scenario.end_s):
            stage.feed(plant, at_s)
            park.shade()
            while (now := time.monotonic() - began) < at_s - scenario.start_s:
                schedule.reach(scenario.start_s + now)
                park.show(int(now * 1000))
                time.sleep(_STEP_S)
            record.samples.append(sample(plant, at_s, plant.run(park.setpoint, 1)))
            done(1)
        schedule.reach(scenario.end_s)
        return start_utc

    def _begin(self, fault: Planned) -> None:
        if fault.effect.part:
            assert self._cloud is not None
            self._cloud.begin(fault.effect.part)
            return
        station = self._park.station(fault.device)
        if station is None:
            raise RigError(f"{fault.kind}: the site has no {fault.device}")
        station.effect = fault.effect

    def _end(self, fault: Planned) -> None:
        if fault.effect.part:
            assert self._cloud is not None
            self._cloud.end(fault.effect.part)
            return
        station = self._park.station(fault.device)
        assert station is not None
        station.effect = NORMAL

    @contextmanager
    def _gateway(self, raw: amend.Raw, record: Record) -> Iterator[Path]:
        """Run the gateway; yields where its journal is. It is asked to stop in the end."""
        log = (self._folder / "gateway.log").open("wb")
        with log:
            if self._stage.file.dut == "micropython":
                process, journal = self._micropython(raw, log)
            else:
                process, journal = self._process(raw, log)
            try:
                yield journal
                if self._stage.file.dut != "micropython":
                    process.send_signal(signal.SIGTERM)
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                record.troubles.append(f"the gateway did not stop within {_STOP_S:.0f} s")
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        if process.returncode:
            words = Path(log.name).read_text(encoding="utf-8", errors="replace").strip()
            record.troubles.append(f"the gateway ended with status {process.returncode}: "
                                   + (words.splitlines() or ["it said nothing"])[-1])

    def _process(self, raw: amend.Raw, log: IO[bytes]) -> tuple[subprocess.Popen[bytes], Path]:
        site = self._folder / "site.toml"
        site.write_text(amend.text(raw), encoding="utf-8")
        tariff = self._stage.file.site.parent / raw["tariff"]["file"]
        if tariff.is_file():
            shutil.copy(tariff, self._folder)
        command = [sys.executable, "-m", "boards", "run", str(site), "--board", "emulator",
                   "--journal", str(self._folder)]
        return (subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=log),
                self._folder / "journal")

    def _micropython(self, raw: amend.Raw, log: IO[bytes]
                     ) -> tuple[subprocess.Popen[bytes], Path]:
        """Build the tree as for a gateway, and start it on the Unix port."""
        image = compile_site(amend.site(raw, self._stage.file.site))
        tree = self._folder / "tree"
        path = built_tree.write(image, tree)
        journal = self._folder / "journal" / "all.journal"
        journal.parent.mkdir(exist_ok=True)
        journal.write_bytes(Header.of(image).line())
        main = Path(__file__).with_name("unix_gateway.py")
        beats = self._stage.scenario.for_s // self._stage.beat_s + 2
        command = [*dut.find(), "-X", f"heapsize={_HEAP}", str(main), str(path),
                   str(journal), str(self._folder / _SECTORS), str(beats)]
        process = subprocess.Popen(command, cwd=tree, stdout=log, stderr=log,
                                   env={**os.environ, "MICROPYPATH": f"{tree}:.frozen"})
        return process, journal.parent

    def _read(self, journal: Path, start_utc: int, record: Record) -> None:
        """Take the rows of the scenario's time; and what the gateway still had to deliver."""
        scenario, first = self._stage.scenario, _EPOCH_S - start_utc + self._stage.scenario.start_s
        for path in files(journal):
            with JournalReader(path) as reader:
                for row in reader:
                    at_s = row[_DAY] * DAY_S + row[_SECOND] + first
                    if at_s < scenario.end_s:
                        record.at_s.append(at_s)
                        record.rows.append(row)
                    else:
                        record.after.append(tuple(row))
        file, sectors = self._folder / "outbox.bin", self._folder / _SECTORS
        record.held = _frames(FileBlocks(str(file)) if file.exists() else SectorFiles(str(sectors)))


def _frames(device: FileBlocks | SectorFiles) -> list[tuple[int, ...]]:
    """The rows in an outbox that nobody has acknowledged."""
    outbox = Outbox(device)
    outbox.mount()
    outbox.resend()
    rows: list[tuple[int, ...]] = []
    frame = bytearray(_FRAME_BYTES)
    while seq := outbox.next_unsent():
        n = outbox.read(seq, frame, 0)
        if outbox.kind == TELEMETRY:
            rows += [tuple(row) for row in decode_batch(bytes(frame[:n])).rows]
        outbox.sent(seq)
    device.close()
    return rows


def _rows(journal: Path) -> int:
    """How many rows there are; 0 while there is no journal."""
    total = 0
    for path in files(journal) if journal.is_dir() else []:
        try:
            with JournalReader(path) as reader:
                total += len(reader)
        except JournalError:  # its first line is just being written
            continue
    return total


def _wait(until: Callable[[], bool], patience_s: float, trouble: str) -> None:
    deadline_s = time.monotonic() + patience_s
    while not until():
        if time.monotonic() > deadline_s:
            raise RigError(f"{trouble} within {patience_s:.0f} s")
        time.sleep(_STEP_S)
