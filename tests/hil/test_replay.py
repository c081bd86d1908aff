"""A replay repeats what the emulator wrote, and finds a single changed field."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from boards.journal_file import Header, JournalError, JournalReader, JournalWriter
from boards.site import load
from edge.journal import FIELDS
from edge.ticks import ticks_add
from hil.__main__ import main
from hil.dut import InProcess
from hil.emulate import image_of
from hil.emulation import Order, emulate, feeds_of
from hil.inputs import names
from hil.recall import Recall
from hil.replay import replay
from tests.core.park import image as image_of_park
from tests.core.test_phase import FREE
from tests.core.test_phase import rows as phase_rows
from tests.fleet.test_fleet_micropython import fleet
from tests.fleet.test_fleet_micropython import inputs as fleet_inputs
from tests.hil.little import FOUNDRY, ROOT, emulator, foundry
from tests.island.test_island_heap import made as island
from tests.island.test_island_heap import wild

LOADS = [100_000, 420_000, 520_000, 300_000, 60_000, -20_000]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    image = image_of(foundry(), 10)
    with JournalWriter(path, Header.of(image)) as writer:
        emulated = emulator(LOADS, beat_s=10, image=image, keep=writer.write)
        for _ in LOADS:
            emulated.quarter()
        emulated.close()
    return path


def doctored(path: Path, number: int, field: str, change: int) -> Path:
    """The same journal with one field of one row changed."""
    with JournalReader(path) as reader:
        header, rows = reader.header, list(reader)
    rows[number][FIELDS.index(field)] += change
    with JournalWriter(path, header) as writer:
        for row in rows:
            writer.write(row)
    return path


def nothing(rows: int) -> None:
    pass


def test_the_emulators_own_journal_replays(journal: Path) -> None:
    result = replay(journal, foundry(), nothing)
    assert (result.rows, result.differences, result.other_site) == (len(LOADS) * 90 + 1, (), False)


@pytest.mark.parametrize("field", ["command_w", "lo_by", "net_w", "peak_w", "carbon_g"])
def test_one_changed_field_is_found(journal: Path, field: str) -> None:
    result = replay(doctored(journal, 333, field, 1), foundry(), nothing)
    assert result.rows == 334
    assert [one.field for one in result.differences] == [field]
    assert result.differences[0].then == result.differences[0].now + 1
    assert result.time == "2026-06-10 08:55:30+08:00"


def test_a_changed_input_shows_in_what_followed(journal: Path) -> None:
    result = replay(doctored(journal, 200, "grid_w", 5000), foundry(), nothing)
    assert result.rows == 201
    assert "net_w" in [one.field for one in result.differences]
    assert "grid_w" not in [one.field for one in result.differences]


def test_another_site_file_is_named(journal: Path) -> None:
    done = CliRunner().invoke(main, ["replay", str(journal), "--site",
                                     str(ROOT / "examples" / "office" / "site.toml")])
    assert done.exit_code == 1
    assert "another site file" in done.output


def test_the_command_says_where_and_what(journal: Path) -> None:
    arguments = ["replay", str(journal), "--site", str(FOUNDRY)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    doctored(journal, 7, "command_w", -3)
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert done.output.splitlines()[0] == "first difference in row 8, 2026-06-10 08:01:10+08:00:"
    assert done.output.splitlines()[1].split()[0] == "command_w"


def test_a_journal_without_inputs_cannot_be_replayed(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    header = Header(("day", "second", "grid_w"), ("device",), "00", 1)
    with JournalWriter(path, header) as writer:
        writer.write(array("i", [1, 2, 3]))
    with pytest.raises(JournalError, match="cannot be replayed: its rows have no now_ms"):
        replay(path, foundry(), nothing)


def lived(image: dict[str, Any], inputs: Iterable[array[int]]) -> Iterator[array[int]]:
    """The journal rows that these readings cause, and what the cloud asks for meanwhile."""
    device = InProcess(image)
    leases: Any = getattr(device.site, "leases", None)
    for number, row in enumerate(inputs):
        if leases and number % 11 == 0:
            leases.take(number % 7, number * 7919 % 90_000, ticks_add(row[0], 8000), row[0],
                        number & 1)
        device.beat(row)
        assert device.site.fault is None
        yield array("i", device.row)


def phases() -> tuple[dict[str, Any], Iterable[array[int]]]:
    made = image_of_park(rules={**FREE, "phase": {"import_max_w": 60_000, "unbalance_max_w": 0}})
    wide = 4 * len(names(made))
    read = phase_rows(2000, 3)
    return made, [array("i", read[at:at + wide]) for at in range(0, len(read), wide)]


WILD = {
    "phase": phases,
    "island": lambda: (island(), wild(3)),
    "fleet": lambda: (fleet(4), fleet_inputs(fleet(4), 900_000)),
}


@pytest.mark.parametrize("kind", WILD)
def test_a_site_that_reads_more_than_a_row_holds_replays(kind: str) -> None:
    """Readings that wander, lie and fall silent; and each field that is compared can differ."""
    made, inputs = WILD[kind]()
    recall = Recall(made, FIELDS)
    checked = [at for at, name in enumerate(FIELDS) if name not in recall.unchecked]
    spoken = set()
    for number, then in enumerate(lived(made, inputs)):
        recall.beat(then)
        assert not [(FIELDS[at], then[at], recall.row[at]) for at in checked
                    if then[at] != recall.row[at]], number
        spoken |= {then[FIELDS.index("lo_by")], then[FIELDS.index("hi_by")]}
    said = ["device", *(name for name, _ in made["rules"])]
    assert len(spoken) > 5
    assert {said[by] for by in spoken} & set(recall.taken)


@pytest.mark.parametrize("kind", WILD)
@pytest.mark.parametrize("field", ["lo_w", "hi_w", "chosen_w", "hold_w", "price_e4", "import_wh"])
def test_and_a_change_of_what_is_worked_out_is_found(kind: str, field: str) -> None:
    """Of what a rule has said whose word is taken, only where none has."""
    made, inputs = WILD[kind]()
    recall, at = Recall(made, FIELDS), FIELDS.index(field)
    said = ["device", *(name for name, _ in made["rules"])]
    for number, then in enumerate(lived(made, itertools.islice(inputs, 300))):
        by = [said[then[FIELDS.index(f"{side}_by")]] for side in ("lo", "hi")]
        if number > 200 and not set(by) & set(recall.taken):
            then[at] += 1
            recall.beat(then)
            assert recall.row[at] == then[at] - 1
            return
        recall.beat(then)
    raise AssertionError("a rule of those that are taken has always spoken")


@pytest.mark.parametrize("name", ["depot/site", "clinic/site", "halls/hall-1"])
def test_the_examples_replay(name: str, tmp_path: Path) -> None:
    site = load(ROOT / "examples" / f"{name}.toml")
    order = Order(site, beat_s=60)
    emulate(order, feeds_of(order), tmp_path, nothing)
    result = replay(tmp_path / "journal", site, nothing)
    assert (result.rows, result.differences, result.other_site) == (1441, (), False)
    assert result.taken
    assert "not worked out anew" in result.text()
