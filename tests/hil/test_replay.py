"""A replay repeats what the emulator wrote, and finds a single changed field."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from click.testing import CliRunner

from boards.journal_file import Header, JournalError, JournalReader, JournalWriter
from edge.journal import FIELDS
from hil.__main__ import main
from hil.emulate import image_of
from hil.replay import replay
from tests.hil.little import FOUNDRY, ROOT, emulator, foundry

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
