"""Whether all that gateways have kept is in the store, once, as it was; and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgpack

from cloud_bridge.batch_body import BadCode
from cloud_bridge.batch_bulk import decode_all
from cloud_bridge.batches import BIRTH, TELEMETRY
from cloud_bridge.databases import Database, opener
from cloud_bridge.intake import Stream
from edge.energies import ENERGY
from hil.fleet_gateway import NUMBER, PARK, Told, energy_kwh, name, row

_U63 = (1 << 63) - 1
_SHOWN = 10


class Checked(NamedTuple):
    """What the store holds, and what is wrong with it."""

    records: int
    energies: int  # quarter-hours
    messages: int
    given_up: int  # messages that a full ring gave up, counted there and here
    unkept: int  # rows that a loss of power found in memory
    lost: int  # records that were kept on a gateway and are nowhere
    twice: int
    wrong: list[str]  # lines

    @property
    def is_well(self) -> bool:
        """Nothing lost, nothing twice, nothing else."""
        return not (self.lost or self.twice or self.given_up or self.wrong)


def check(url: str, told: Sequence[Told]) -> Checked:
    """Read all of it back. Call it once: what has been read is noted in the store."""
    wrong = [line for gateway in told for line in gateway.errors]
    sums = [0, 0, 0, 0, 0, 0]
    with opener(url)() as store:
        wrong += _streams(store, told)
        for gateway in told:
            found, lines = _gateway(store, gateway)
            sums = [old + new for old, new in zip(sums, found, strict=True)]
            wrong += lines
    wrong += _put_aside(url)
    records, energies, messages, unkept, lost, twice = sums
    given_up = sum(lost for gateway in told for _, lost in gateway.streams.values())
    return Checked(records, energies, messages, given_up, unkept, lost, twice, wrong)


def _streams(store: Database, told: Sequence[Told]) -> list[str]:
    """The store knows those rings, and each as far as it went."""
    expected = {Stream(PARK, name(gateway.number), epoch): last
                for gateway in told for epoch, (last, _) in gateway.streams.items() if last}
    found = {stream: place.last for stream, place in store.copied("fleet").items()}
    return [f"{stream.gateway}, epoch {stream.epoch}: the store is at {found.get(stream, 0)}, the "
            f"gateway at {expected.get(stream, 0)}"
            for stream in sorted(expected.keys() | found.keys())
            if found.get(stream) != expected.get(stream)]


def _gateway(store: Database, told: Told) -> tuple[tuple[int, ...], list[str]]:
    wrong, batches, energies, messages = [], [], [], 0
    who = name(told.number)
    for epoch, (last, given_up) in told.streams.items():
        found = store.between(Stream(PARK, who, epoch), 0, _U63, _U63)
        messages += len(found)
        numbers = [seq for seq, _, _ in found]
        if not given_up and numbers != list(range(1, last + 1)):
            wrong.append(f"{who}, epoch {epoch}: {len(numbers)} messages, not 1 to {last}")
        batches += [body for _, kind, body in found if kind == TELEMETRY]
        energies += [body for _, kind, body in found if kind == ENERGY]
        wrong += [f"{who}: message {seq} of kind {kind} is none of its own"
                  for seq, kind, body in found if not _is_known(told, kind, body)]
    rows, lines = _rows(who, batches)
    wrong += lines
    wrong += [f"{who}: row {one[NUMBER]} is not as it was" for one in rows
              if list(row(told.number, one[NUMBER], told.period_s)) != one][:_SHOWN]
    unkept, lost, twice = _count([one[NUMBER] for one in rows], told)
    if len(rows) - twice + unkept + lost != (told.lives[-1].last if told.lives else 0):
        wrong.append(f"{who}: rows that nobody offered")
    quarters, lines = _energies(told, energies)
    return (len(rows), quarters, messages, unkept, lost, twice), wrong + lines


def _is_known(told: Told, kind: int, body: bytes) -> bool:
    if kind == BIRTH:
        birth = msgpack.unpackb(body)
        return (birth["site"], birth["period_s"]) == (f"{told.number:08x}", told.period_s)
    return kind in (TELEMETRY, ENERGY)


def _rows(who: str, bodies: list[bytes]) -> tuple[list[list[int]], list[str]]:
    rows, wrong = [], []
    for decoded in decode_all(bodies):
        if isinstance(decoded, BadCode):
            wrong.append(f"{who}: a batch that is none: {decoded}")
        else:
            rows += decoded
    return rows, wrong


def _count(numbers: list[int], told: Told) -> tuple[int, int, int]:
    """How many rows were not kept when the power went, are lost, are there twice. What a life has
    kept is its beginning."""
    there = set(numbers)
    unkept = lost = 0
    for life in told.lives:
        found = [number for number in range(life.first, life.last + 1) if number in there]
        kept = max([life.safe, *found[-1:]])
        lost += kept - life.first + 1 - len(found)
        unkept += life.last - kept
    return unkept, lost, len(numbers) - len(there)


def _energies(told: Told, bodies: list[bytes]) -> tuple[int, list[str]]:
    """Their registers are as they were, and no quarter-hour is told twice, but for the one in which
    the gateway stopped."""
    who = name(told.number)
    rows, wrong = _rows(who, bodies)
    wrong += [f"{who}: the energy of {day} {second} is {kwh} kWh"
              for day, second, kwh, *_ in rows if kwh != energy_kwh(told.number, day, second)]
    times = sorted((day, second) for day, second, *_ in rows)
    if any(one == other for one, other in pairwise(times[:-1])):
        wrong.append(f"{who}: an energy is there twice")
    return len(rows), wrong


def _put_aside(url: str) -> list[str]:
    """Nothing these gateways send may end in the quarantine."""
    query = "SELECT reason, count(*) FROM quarantine GROUP BY 1"
    if url.startswith("postgresql:"):
        import psycopg

        with psycopg.connect(url) as db:
            found = db.execute(query).fetchall()
    else:
        file = sqlite3.connect(f"file:{url}?mode=ro", uri=True)
        found = file.execute(query).fetchall()
        file.close()
    return [f"{n} messages put aside: {reason}" for reason, n in found]
