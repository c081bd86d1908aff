"""The judge finds what is wrong: good records, each spoiled in one way."""

from array import array
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from edge.journal import FIELDS
from edge.snapshot import FAULT, TRUSTED
from hil import scenario
from hil.rig import Record, Stage, stage
from hil.rig_lockstep import LockstepRig
from hil.verdict import judge

AT = FIELDS.index


@cache
def good(name: str) -> tuple[Stage, Record]:
    setting = stage(scenario.read_rig(scenario.find("rigs", "lockstep")),
                    scenario.read(scenario.find("scenarios", name)))
    return setting, LockstepRig(setting, Path()).play(lambda done: None)


def copy(name: str) -> tuple[Stage, Record]:
    setting, record = good(name)
    rows = [array("i", row) for row in record.rows]
    return setting, replace(record, rows=rows, at_s=[*record.at_s], samples=[*record.samples],
                            stored=[tuple(row) for row in rows], held=[], troubles=[])


def put(field: str, value: int, first: int, last: int | None = None) -> Callable[[Record], None]:
    def spoil(record: Record) -> None:
        for number in range(first, (first if last is None else last) + 1):
            record.rows[number][AT(field)] = value
    return spoil


def sample(number: int, **values: int) -> Callable[[Record], None]:
    def spoil(record: Record) -> None:
        record.samples[number] = record.samples[number]._replace(**values)
    return spoil


def drop(first: int, last: int) -> Callable[[Record], None]:
    def spoil(record: Record) -> None:
        del record.rows[first:last], record.at_s[first:last]
    return spoil


def overdraw(record: Record) -> None:
    record.samples = [one._replace(grid_w=400_000) for one in record.samples]


def never_trusted(record: Record) -> None:
    for row in record.rows[36:]:
        row[AT("flags")] &= ~TRUSTED


def lose(record: Record) -> None:
    assert record.stored
    del record.stored[10]


def double(record: Record) -> None:
    assert record.stored
    record.stored.append(record.stored[10])


def invent(record: Record) -> None:
    assert record.stored
    record.stored.append(tuple(range(len(FIELDS))))


def late(record: Record) -> None:
    assert record.stored
    record.held = record.stored[-3:]
    del record.stored[-3:]


def late_and_lost(record: Record) -> None:
    assert record.stored
    record.tail_rows = 5
    del record.stored[-3:]


SPOILED = [
    ("meter_silent", put("flags", FAULT, 5), "internal fault"),
    ("meter_silent", drop(0, 75), "no journal row"),
    ("meter_silent", drop(20, 24), "the beat before was 5 s ago"),
    ("meter_silent", put("command_w", 1, 23), "commanded 1 W"),
    ("meter_silent", put("command_w", 0, 0, 14), "nothing is proven"),
    ("meter_silent", never_trusted, "at work again never"),
    ("meter_silent", sample(12, store_w=200_001), "beyond its nameplate"),
    ("meter_silent", sample(12, store_w=-200_001), "beyond its nameplate"),
    ("meter_silent", sample(12, store_w=1, soc_pm=30), "at 30 per mille"),
    ("meter_silent", sample(12, store_w=-1, soc_pm=970), "at 970 per mille"),
    ("meter_silent", lambda record: setattr(record, "imbalance_uj", 1), "1 uJ came from nowhere"),
    ("meter_silent", lambda record: setattr(record, "counts", {"timeouts": 0}), "never arrived"),
    ("meter_silent", lambda record: record.troubles.append("it burns"), "it burns"),
    ("meter_late", put("command_w", 0, 30), "late made the battery rest"),
    ("meter_late", put("grid_age_ms", 399, 30), "grid_age_ms was 399"),
    ("normal_day_hours", overdraw, "imported 400000 W"),
    ("normal_day_hours", lambda record: record.samples.clear(), "nothing is proven of the demand"),
    ("quiet_half_minute", lambda record: setattr(record, "waited", 0), "nothing is proven"),
    ("quiet_half_minute", lose, "1 of 30 rows are not in the store"),
    ("quiet_half_minute", double, "1 rows are in the store twice"),
    ("quiet_half_minute", invent, "1 rows in the store are in no journal"),
    ("quiet_half_minute", late, "3 rows have not arrived"),
    ("quiet_half_minute", late_and_lost, "3 rows are neither in the store nor in the outbox"),
]


@pytest.mark.parametrize(("name", "spoil", "said"), SPOILED, ids=lambda part: str(part)[:40])
def test_what_is_wrong_is_told(name: str, spoil: Callable[[Record], None], said: str) -> None:
    setting, record = copy(name)
    assert judge(setting, record) == []
    spoil(record)
    problems = judge(setting, record)
    assert any(said in line for line in problems), problems
