"""The golden run: unchanged in this interpreter, and byte for byte the same on a 32-bit gateway."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from hil import lockstep
from tests.golden import factory

ROOT = Path(lockstep.__file__).parent.parent
UPDATE = "python -m tests.golden.factory --update"


@pytest.fixture(scope="module")
def day() -> tuple[bytes, bytes]:
    """The inputs and the rows of the run in this interpreter."""
    return factory.run(factory.BEATS)


def on_micropython(micropython, folder: Path, made: dict, inputs: bytes) -> bytes:
    """The rows of the same inputs in a MicroPython process at the end of a pipe."""
    path = folder / "site.json"
    path.write_text(json.dumps(made))
    done = subprocess.run(
        [*micropython.command, "-X", "heapsize=1m", lockstep.__file__, str(path)], input=inputs,
        capture_output=True, cwd=ROOT, env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"},
        timeout=110, check=False)
    assert not done.returncode, done.stderr[-2000:] + done.stdout[-500:]
    return done.stdout


def test_nothing_changed_that_was_not_meant_to(day):
    unlike = factory.difference(factory.kept(), factory.condensed(day[1]))
    assert not unlike, f"{unlike}\nif this is the change you meant: {UPDATE}"


def test_the_run_is_worth_keeping(day):
    """It must meet what it is to guard: shaving, planning, silence, limits, a new month."""
    fields = factory.journal.FIELDS
    lines = factory.condensed(day[1])[1:-1]
    column = {name: [int(line[fields.index(name)]) for line in lines] for name in fields}
    rows = factory.array("i", day[1])
    column_of = {name: rows[fields.index(name)::len(fields)] for name in fields}
    assert len(column_of["day"]) == factory.BEATS
    assert min(column_of["command_w"]) < -50_000 < 50_000 < max(column_of["command_w"])
    assert len(set(column_of["lo_by"]) | set(column_of["hi_by"])) >= 8, "many rules have spoken"
    assert len(set(column_of["verdict"])) >= 2, "the gate has cut"
    assert len(set(column_of["flags"])) >= 5
    assert len(set(column_of["price_e4"])) >= 4
    assert max(column["peak_w"]) > min(column["peak_w"][-3:]), "the month's peak was reset"
    assert column["carbon_kg"][-1] > 4000


def test_i386_writes_the_same_bytes_all_day(day, micropython, tmp_path):
    inputs, rows = day
    got = on_micropython(micropython, tmp_path, factory.image(), inputs)
    assert not factory.first_unlike(rows, got)


@pytest.mark.parametrize("micropython", ["armhf"], indirect=True)
@pytest.mark.parametrize(("beats", "beat_s"), [(20_000, 1), (1500, 60)])
def test_armhf_writes_the_same_bytes(beats, beat_s, micropython, tmp_path):
    """Ten times slower: the first five hours at 1 s, and a day at a beat a minute."""
    inputs, rows = factory.run(beats, beat_s)
    made = factory.image()
    made["site"]["beat_s"] = beat_s
    got = on_micropython(micropython, tmp_path, made, inputs)
    assert not factory.first_unlike(rows, got)


def test_a_difference_is_found_and_named(day):
    """Each comparison must be able to fail, and to say where."""
    rows = bytearray(day[1][:factory.QUARTER * 8 * len(factory.journal.FIELDS)])
    lines = factory.condensed(bytes(rows))
    at = (2 * factory.QUARTER - 1) * 4 * len(factory.journal.FIELDS)
    place = at + 4 * factory.journal.FIELDS.index("soc_pm")
    rows[place] ^= 1
    said = factory.difference(lines, factory.condensed(bytes(rows)))
    assert "quarter 1" in said
    assert "soc_pm" in said
    unlike = factory.first_unlike(day[1][:len(rows)], bytes(rows))
    assert unlike.startswith("beat 1799: soc_pm ")
    assert not factory.difference(lines, lines)
