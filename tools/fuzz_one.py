"""One target of `python -m tools.fuzz` in this process: NAME guided|plain RUNS SEED OUT, or NAME
replay FILE. The last line it prints is a JSON object of what came of it."""

import gc
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module, util
from pathlib import Path
from typing import Any, NoReturn

MOST_BYTES = 2048
_HANG_S = 10
# Atheris keeps the outcome of every comparison of arrays for ever.
_ARRAYS = ["cloud_bridge.batch_bulk", "cloud_bridge.range_lanes"]
# Lengths and numbers at the edge of their kind, marks of MessagePack, MQTT and JSON.
_EDGES = (b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff\xff", b"\x7f\xff\xff\xff",
          b"\x80\x00\x00\x00", b"\xff\xff\xff\xff", b"\xcf" + b"\xff" * 8, b"\xdd\xff\xff\xff\xff",
          b"\x90", b"\x91", b"\xc0", b"\xc4\xff", b"\xdf\x7f\xff\xff\xff", b"[", b"{", b'"', b"\n",
          b"\r\n", b" ", b"0", b"-1", b"\xed\xa0\x80", b"\xc3\xa9")


class HangError(BaseException):
    """An input took too long; no Exception, so that what is tried does not catch it."""


class Watch:
    """Counts and times what `one` is given; ends the process after `runs`, or with a finding."""

    def __init__(self, name: str, one: Callable[[bytes], None], runs: int, out: Path) -> None:
        self._name, self._one, self._runs, self._out = name, one, runs, out
        self._n = self._longest_ns = self._blocks = 0
        self._began_s = time.monotonic()
        signal.signal(signal.SIGALRM, _hang)

    def __call__(self, data: bytes) -> None:
        """Give it one input. Processor time counts, whoever else is busy here."""
        signal.setitimer(signal.ITIMER_REAL, _HANG_S)
        began_ns = time.process_time_ns()
        try:
            self._one(data)
        except (Exception, HangError, SystemExit) as error:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._end(self._finding(data, error))
        self._longest_ns = max(self._longest_ns, time.process_time_ns() - began_ns)
        self._n += 1
        if self._n == max(self._runs // 10, 1):
            gc.collect()
            self._blocks = sys.getallocatedblocks()
        if self._n == self._runs:
            signal.setitimer(signal.ITIMER_REAL, 0)
            gc.collect()
            self._end("")

    def _finding(self, data: bytes, error: BaseException) -> str:
        """Keep the input; how to see it again."""
        self._out.mkdir(parents=True, exist_ok=True)
        path = self._out / f"{self._name}-{hashlib.sha256(data).hexdigest()[:8]}.bin"
        path.write_bytes(data)
        traceback.print_exception(error)
        where = traceback.extract_tb(error.__traceback__)[-1]
        return (f"{type(error).__name__}: {str(error)[:80]!r} at {Path(where.filename).name}:"
                f"{where.lineno}: python -m tools.fuzz {self._name} --replay {path}")

    def _end(self, found: str) -> NoReturn:
        """Say it, and go without libFuzzer's own leave-taking."""
        seconds = max(time.monotonic() - self._began_s, 1e-9)
        grown = sys.getallocatedblocks() - self._blocks if self._blocks else 0
        print("\n" + json.dumps({
            "target": self._name, "inputs": self._n, "per_s": round(self._n / seconds),
            "longest_ms": round(self._longest_ns / 1e6, 1), "grown": grown, "found": found}),
            flush=True)
        sys.stderr.flush()
        os._exit(1 if found else 0)


def _hang(*_: object) -> NoReturn:
    raise HangError(f"more than {_HANG_S} s")


def plain(watch: Callable[[bytes], None], seeds: list[bytes], rnd: random.Random) -> NoReturn:
    """Mutated seeds, for ever."""
    for seed in seeds:
        watch(seed)
    while True:
        watch(mutated(seeds, rnd))


def mutated(seeds: Sequence[bytes], rnd: random.Random) -> bytes:
    """One of the seeds, changed in one to six places, or now and then just noise."""
    if not seeds or rnd.random() < 0.05:
        return rnd.randbytes(rnd.randrange(80))
    data = bytearray(rnd.choice(seeds))
    for _ in range(rnd.choice((1, 1, 1, 2, 3, 6))):
        _change(data, seeds, rnd)
    return bytes(data)


def _change(data: bytearray, seeds: Sequence[bytes], rnd: random.Random) -> None:
    at = rnd.randrange(len(data) + 1)
    end = min(at + rnd.choice((1, 1, 2, 4, 8, 64)), len(data))
    kind = rnd.randrange(8)
    if kind == 0 and data:
        data[at % len(data)] ^= 1 << rnd.randrange(8)
    elif kind == 1 and data:
        data[at % len(data)] = rnd.randrange(256)
    elif kind == 2 and data:
        data[at % len(data)] = (data[at % len(data)] + rnd.choice((1, -1))) & 255
    elif kind == 3:
        del data[at:end]
    elif kind == 4:
        data[at:at] = rnd.choice(_EDGES)
    elif kind == 5:
        edge = rnd.choice(_EDGES)
        data[at:at + len(edge)] = edge
    elif kind == 6:
        data[at:at] = data[at:end] * rnd.choice((1, 2, 9))
    else:
        other = rnd.choice(seeds)
        data[at:] = other[rnd.randrange(len(other) + 1):]


def guided(watch: Callable[[bytes], None], seeds: list[bytes], seed: int, atheris: Any) -> None:
    """What libFuzzer makes of the seeds, for ever; of little use before the target's modules were
    imported with atheris watching."""
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(seeds):
            (Path(folder) / str(number)).write_bytes(data)
        atheris.Setup(["fuzz", f"-seed={seed}", f"-max_len={MOST_BYTES}", "-verbosity=0",
                       folder], watch)
        atheris.Fuzz()


def _main(name: str, how: str, *more: str) -> None:
    place = f"tests.fuzz.{name}"
    if how == "replay":
        import_module(place).one(Path(more[0]).read_bytes())
        return
    runs, seed, out = int(more[0]), int(more[1]), Path(more[2])
    if how == "plain" or util.find_spec("atheris") is None:
        module = import_module(place)
        plain(Watch(name, module.one, runs, out), module.SEEDS, random.Random(seed))
    import atheris

    with atheris.instrument_imports(include=["edge", "cloud_bridge", "boards", "tests.fuzz"],
                                    exclude=_ARRAYS):
        module = import_module(place)
    guided(Watch(name, module.one, runs, out), module.SEEDS, seed, atheris)


if __name__ == "__main__":
    _main(*sys.argv[1:])
