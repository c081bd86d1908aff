"""The bridge's store, cut at every operation of its disk: what was acknowledged must be there.

A day of a store is played once: commits of several gateways with doubles, gaps and liars, rows
asked for, age dropped. Then the power fails after each operation of that trace, many times over,
each time with another choice of what the disk still wrote; the store that is found must be the one
before or after the transaction that was cut, and not before the last that was acknowledged.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import apsw
import msgpack

from cloud_bridge.intake import StoreError
from edge.outbox import GAP
from hil.crash_disk import CrashStore, Disk, Op, Platter

CUTS = 10_000
_STEPS = 40
_DAY_S = 86_400

Signature = list[tuple[Any, ...]]


class Played(NamedTuple):
    """`signatures` of the store before and after each step; `acknowledged` is how many steps had
    returned when each operation of `trace` was done."""

    trace: list[Op]
    acknowledged: list[int]
    signatures: list[Signature]


class Cuts(NamedTuple):
    """Stores found after cuts: as the last step that returned left it, as the one that was cut
    would have, older than that, and nothing of all that or no sound store."""

    before: int
    after: int
    lost: int
    torn: int


def play(seed: int) -> Played:
    """Keep a store for some days; what its disk had to do."""
    disk = Disk()
    store = CrashStore(disk)
    acknowledged = [0] * len(disk.trace)
    signatures = [store.signature()]
    for step in _steps(random.Random(seed)):
        step(store)
        acknowledged += [len(signatures) - 1] * (len(disk.trace) - len(acknowledged))
        acknowledged[-1] = len(signatures)
        signatures.append(store.signature())
    trace = list(disk.trace)
    store.close()
    disk.close()
    return Played(trace, acknowledged, signatures)


def cut(played: Played, n: int, seed: int, lies: bool = False) -> Cuts:
    """Cut `n` times, spread over the whole trace."""
    chance = random.Random(seed)
    platter = Platter(lies)
    found = [0, 0, 0, 0]
    done = 0
    for i, op in enumerate(played.trace):
        platter.do(op)
        until = n * (i + 1) // len(played.trace)
        for _ in range(until - done):
            found[_judge(played, i, _open(platter.cut(chance)))] += 1
        done = until
    return Cuts(*found)


def measure() -> dict[str, float]:
    """`CUTS` of an honest disk, and a tenth of them of one that lies about its syncs."""
    honest = Cuts(*map(sum, zip(*(cut(play(seed), CUTS // 20, seed) for seed in range(20)),
                                strict=True)))
    lying = cut(play(1), CUTS // 10, 1, lies=True)
    return {"crash.cuts": sum(honest), "crash.cuts_before": honest.before,
            "crash.cuts_after": honest.after, "crash.lost": honest.lost, "crash.torn": honest.torn,
            "crash.lying_disk_cuts": sum(lying),
            "crash.lying_disk_lost_or_torn": lying.lost + lying.torn}


def _judge(played: Played, i: int, found: Signature | None) -> int:
    """The place in `Cuts`."""
    done = played.acknowledged[i]
    if found == played.signatures[done]:
        return 0
    if found in played.signatures[done + 1:done + 2]:
        return 1
    return 2 if found in played.signatures[:done] else 3


def _open(files: dict[str, bytearray]) -> Signature | None:
    """What a store says after a start on these files; None when it is no sound store."""
    disk = Disk(files)
    try:
        store = CrashStore(disk)
        try:
            return store.signature() if store.is_sound() else None
        finally:
            store.close()
    except (apsw.Error, StoreError):
        return None
    finally:
        disk.close()


def _steps(chance: random.Random) -> Iterator[Callable[[CrashStore], object]]:
    tops = {"a": 0, "b": 0, "c": 0}
    for number in range(_STEPS):
        utc = number * _DAY_S // 4
        if number % 10 == 4:
            yield lambda store: list(store.rows("demo", "a", 0, 1 << 40))
            continue
        if number % 10 == 9:
            yield lambda store, utc=utc: store.drop(utc - 3 * _DAY_S)  # type: ignore[misc]
            continue
        arrivals = []
        for _ in range(chance.randint(1, 6)):
            name = chance.choice("abc")
            tops[name] += 1
            seq = tops[name] if chance.random() < 0.8 else chance.randint(1, tops[name])
            kind = chance.choice((1, 1, 1, 3))
            body = random.Random(seq).randbytes(500) if chance.random() < 0.95 else b"a liar's"
            if chance.random() < 0.1:
                kind, body = GAP, msgpack.packb([1, seq, 1])
            arrivals.append((f"parkedge/demo/{name}/b", msgpack.packb([1, kind, 9, seq, body])))
        yield lambda store, arrivals=arrivals, utc=utc: store.commit(  # type: ignore[misc]
            arrivals, utc)
