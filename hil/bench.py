"""`python -m hil bench`: what the design costs, measured now on this machine.

Bytes and instructions are counted on real MicroPython (i386 under heap lock, armhf under QEMU
with a counting plugin), sizes on the tree that `boards build` makes, times as the processor time
of a fresh process. A figure that cannot be measured here is left out, and the reason printed.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import click

from hil.bench_tree import ROOT, SITE, NotMeasuredError, Tree, counting, image_of, tool

_QUANTA = [4, 0x21, 6, 0x21, 8, 0x21, 10, 0x11, 14, 0x21]  # all powers in 100 W
HEAP_BEATS = 5000
APP_BEATS = 60
MILL = ROOT / "examples" / "mill" / "site.toml"  # with a ledger: four quarter-hours, a head
CURTAILED = {"rules.curtail.export_max_w": 0, "rules.curtail.rated_w": 100_000}
DAIRY = ROOT / "examples" / "dairy" / "site.toml"  # SunSpec devices, not yet found


@click.command("bench")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, nothing else.")
@click.option("--streams", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder of 1s|15s|60s.csv.gz telemetry blocks; generated ones without it.")
@click.option("--only", help="Only the keys that begin so, e.g. beat or size.")
def command(as_json: bool, streams: Path | None, only: str | None) -> None:
    """Measure the beat, the planner, the sizes, the emulator, the telemetry, a signature,
    the ledger, the way to a broker, the bridge's store, a day behind a one-way isolation device
    and questions to a store.

    \b
    Example:
      python -m hil bench --only beat
    """
    figures: dict[str, float] = {}
    for prefix, measure in _MEASURES.items():
        if only and not (prefix.startswith(only) or only.startswith(prefix)):
            continue
        try:
            found = measure(streams)
        except NotMeasuredError as error:
            click.echo(f"{prefix}: not measured: {error}", err=True)
            continue
        figures.update(found)
        if not as_json:
            for key, value in found.items():
                click.echo(f"{key:<54} {value:>12,}")
    if as_json:
        click.echo(json.dumps(figures, indent=1))


def _beat_heap(_: Path | None) -> dict[str, float]:
    with Tree(image_of()) as tree:
        tree.record(HEAP_BEATS)
        told = tree.run([tool("micropython-i386"), "-X", "heapsize=512k"], "bench_beat",
                        str(tree.site), str(tree.readings), "heap")
    found = json.loads(told.splitlines()[-1])
    return {"beat.alloc_bytes": found["allocated"], "beat.i386_us": found["us"],
            "heap.core_after_init_bytes": found["core_bytes"]}


def _beat_arm(_: Path | None) -> dict[str, float]:
    from hil.bench_arm import beat

    return beat()


def _beat_ten(_: Path | None) -> dict[str, float]:
    from hil.bench_ten import beat

    return beat()


def _beat_arm_more(_: Path | None) -> dict[str, float]:
    from hil.bench_arm import commanded, examples

    return {**commanded(), **examples()}


def _plan(_: Path | None) -> dict[str, float]:
    from hil.bench_arm import plan
    from hil.bench_slices import slices_a_day

    return {"plan.slices_a_day": slices_a_day(), **plan()}


def _sizes(_: Path | None) -> dict[str, float]:
    from boards.build import BuildError, compile_module, core_modules, edge_modules

    try:
        image = image_of()
        size = {name: len(compile_module(name)) for name in edge_modules(image)}
    except BuildError as error:
        raise NotMeasuredError(str(error)) from error
    return {"size.core_mpy_bytes": sum(size[name] for name in core_modules(image)),
            "size.app_mpy_bytes": sum(size.values()),
            **{f"size.module.{name}": size[name] for name in sorted(size)}}


def _heap_rom(_: Path | None) -> dict[str, float]:
    try:
        from mpremote.romfs import make_romfs  # type: ignore[import-untyped]
    except ImportError:
        raise NotMeasuredError("no mpremote 1.25 or newer: make setup") from None
    interpreter = tool("micropython-i386")
    with Tree(image_of()) as tree:
        rom = tree.folder / "rom"
        with redirect_stdout(StringIO()):  # it lists what it takes
            rom.write_bytes(make_romfs(str(tree.folder), mpy_cross=None))
        done = subprocess.run([interpreter, "-X", "heapsize=512k",
                               str(ROOT / "hil" / "bench_rom.py"), str(rom), str(tree.site)],
                              capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise NotMeasuredError(done.stderr.strip().splitlines()[-1][:200])
    return {"heap.core_in_rom_bytes": int(done.stdout)}


def _heap_app(_: Path | None) -> dict[str, float]:
    from hil.bench_arm import commands_image, response_image

    images = {"": image_of(SITE), ".mill": image_of(MILL), ".commands": commands_image(),
              ".response": response_image(),
              ".root": commands_image("d7" * 32), ".quanta": image_of(SITE),
              ".sunspec": image_of(DAIRY), ".curtail": image_of(DAIRY, CURTAILED),
              ".kiln": image_of(ROOT / "examples" / "kiln" / "site.toml"),
              ".yard": image_of(ROOT / "examples" / "yard" / "site.toml")}
    images[".quanta"]["telemetry"]["step"] = _QUANTA
    return {f"heap.app_min_heapsize_bytes{name}": _least_kb(image) * 1024
            for name, image in images.items()}


def _least_kb(image: dict[str, Any]) -> int:
    """The smallest heap in which an application takes its beats, to 4 kB."""
    interpreter = tool("micropython-i386")
    with Tree(image, ("edge.port",)) as tree:  # of its board, not of its way up
        low, high = 16, 512  # lives at high, dies at low
        while high - low > 4:
            middle = (low + high) // 2
            try:
                with tempfile.TemporaryDirectory() as fresh:
                    tree.run([interpreter, "-X", f"heapsize={middle}k"], "bench_app",
                             str(tree.site), fresh, str(APP_BEATS))
                high = middle
            except NotMeasuredError as error:
                reason, low = error, middle
        if high == 512:
            raise NotMeasuredError(f"does not run in 512k: {reason}")
    return high


def _emulate(_: Path | None) -> dict[str, float]:
    figures = {}
    for key, arguments in (("day_1s", ["--days", "1", "--beat", "1"]),
                           ("year_60s", ["--days", "365", "--beat", "60"])):
        with tempfile.TemporaryDirectory() as out:
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            subprocess.run([sys.executable, "-m", "hil", "emulate", str(SITE), *arguments,
                            "--out", out], check=True, capture_output=True, cwd=ROOT)
            spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        figures[f"emulate.{key}_seconds"] = round(spent, 2)
    return figures


def _wire(streams: Path | None) -> dict[str, float]:
    from hil.bench_wire import measure

    return measure(streams)


def _wire_gateway(streams: Path | None) -> dict[str, float]:
    from boards.build import BuildError
    from hil.bench_modules import FailedError
    from hil.bench_wire import on_a_gateway

    try:
        with tempfile.TemporaryDirectory() as folder:
            return on_a_gateway(tool("micropython-i386"), counting(Path(folder)), streams)
    except (BuildError, FailedError) as error:
        raise NotMeasuredError(str(error)) from error


def _window(_: Path | None) -> dict[str, float]:
    from hil.bench_window import measure

    return measure(image_of())


def _evidence(_: Path | None) -> dict[str, float]:
    from boards.build import BuildError
    from hil import bench_evidence
    from hil.bench_modules import FailedError

    try:
        with tempfile.TemporaryDirectory() as folder:
            count, small = counting(Path(folder)), tool("micropython-i386")
            return {**bench_evidence.instructions(count), **bench_evidence.min_heap(small),
                    **bench_evidence.verifying(count, small)}
    except (BuildError, FailedError) as error:
        raise NotMeasuredError(str(error)) from error


def _ledger(_: Path | None) -> dict[str, float]:
    from boards.build import BuildError
    from hil.bench_ledger import measure
    from hil.bench_modules import FailedError

    try:
        with tempfile.TemporaryDirectory() as folder:
            return measure(counting(Path(folder)), tool("micropython-i386"))
    except (BuildError, FailedError) as error:
        raise NotMeasuredError(str(error)) from error


def _uplink(_: Path | None) -> dict[str, float]:
    from boards.build import BuildError
    from hil.bench_modules import FailedError
    from hil.bench_uplink import measure

    try:
        with tempfile.TemporaryDirectory() as folder:
            return measure(counting(Path(folder)))
    except (BuildError, FailedError) as error:
        raise NotMeasuredError(str(error)) from error


def _store(_: Path | None) -> dict[str, float]:
    from hil.bench_store import measure

    return measure()


def _crash(_: Path | None) -> dict[str, float]:
    from hil.bench_crash import measure

    return measure()


def _audit(_: Path | None) -> dict[str, float]:
    from hil.bench_audit import measure

    return measure()


def _oneway(_: Path | None) -> dict[str, float]:
    from boards.build import BuildError
    from hil import bench_oneway
    from hil.bench_modules import FailedError

    try:
        with tempfile.TemporaryDirectory() as folder:
            least_kb = _least_kb(image_of(bench_oneway.site_file(Path(folder))))
            return {**bench_oneway.measure(), **bench_oneway.instructions(counting(Path(folder))),
                    "oneway.app_min_heapsize_bytes": least_kb * 1024}
    except (BuildError, FailedError) as error:
        raise NotMeasuredError(str(error)) from error


def _query(_: Path | None) -> dict[str, float]:
    from hil.bench_query import measure

    return measure()


def _devices(_: Path | None) -> dict[str, float]:
    from hil.bench_devices import tables

    return tables()


def _devices_decode(_: Path | None) -> dict[str, float]:
    from hil.bench_devices import decoding

    return decoding()


_MEASURES: dict[str, Callable[[Path | None], dict[str, float]]] = {
    "beat": _beat_heap, "beat.arm": _beat_arm, "beat.arm_instructions": _beat_arm_more,
    "beat.ten_devices": _beat_ten,
    "plan": _plan, "size": _sizes, "heap": _heap_app,
    "heap.core_in_rom": _heap_rom,
    "wire.arm": _wire_gateway,
    "emulate": _emulate, "wire": _wire, "window": _window, "evidence": _evidence,
    "ledger": _ledger, "ledger.audit": _audit, "uplink": _uplink, "oneway": _oneway,
    "store": _store, "crash": _crash, "query": _query,
    "devices": _devices, "devices.decode": _devices_decode,
}
