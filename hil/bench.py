"""`python -m hil bench`: what the design costs, measured now on this machine.

Bytes and instructions are counted on real MicroPython (i386 under heap lock, armhf under QEMU
with a counting plugin), sizes on the tree that `boards build` makes, times as the processor time
of a fresh process. A figure that cannot be measured here is left out, and the reason printed.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".cache" / "bin"
ARM_ROOT = ROOT / ".cache" / "micropython-armhf"
SITE = ROOT / "examples" / "foundry" / "site.toml"
HEAP_BEATS = 5000
ARM_BEATS = 1800  # half an hour: two windows close, two plans are made
FROM_S = 9 * 3600 + 50 * 60  # a busy hour of the factory day
APP_BEATS = 60


class NotMeasuredError(Exception):
    """Why a figure cannot be measured on this machine."""


@click.command("bench")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, nothing else.")
@click.option("--streams", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder of 1s|15s|60s.csv.gz telemetry blocks; generated ones without it.")
@click.option("--only", help="Only the keys that begin so, e.g. beat or size.")
def command(as_json: bool, streams: Path | None, only: str | None) -> None:
    """Measure the beat, the sizes, the emulator, the telemetry and a signature.

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


def _image() -> dict[str, Any]:
    from boards.image import compile_site
    from boards.site import check

    site = check(SITE).site
    if site is None:
        raise NotMeasuredError(f"{SITE} is not valid")
    return compile_site(site)


def _tool(name: str) -> str:
    path = BIN / name
    if not path.exists():
        raise NotMeasuredError(f"no {name}: make toolchain")
    return str(path)


class _Tree:
    """A temporary folder with the built bytecode, the image and recorded readings."""

    def __init__(self, beats: int = 0) -> None:
        self.image = _image()
        self.folder = Path(tempfile.mkdtemp(prefix="parkedge-bench-"))
        self.site = self.folder / "site.json"
        self.readings = self.folder / "readings"

    def __enter__(self) -> _Tree:
        from boards.build import BuildError, compile_module, edge_modules
        from boards.image import encode

        try:
            for name in [*edge_modules(self.image), "hil", "hil.lockstep", "hil.bench_beat",
                         "hil.bench_app"]:
                source = ROOT.joinpath(*name.split("."))
                source = source / "__init__.py" if source.is_dir() else source.with_suffix(".py")
                target = (self.folder / source.relative_to(ROOT)).with_suffix(".mpy")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(compile_module(name))
        except BuildError as error:
            raise NotMeasuredError(str(error)) from error
        self.site.write_bytes(encode(self.image))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def record(self, beats: int) -> None:
        """Readings of a closed loop in process, for MicroPython to run through again."""
        from edge.controller import Controller
        from edge.site import Site
        from hil import lockstep, plants, series

        site = Site(self.image)
        controller = Controller(site)
        battery = self.image["battery"]
        plant = plants.Plant(plants.Battery(
            battery["capacity_wh"], battery["charge_max_w"], battery["discharge_max_w"],
            tau_s=2))
        load, pv = series.factory_day(), series.clear_sky(series.factory_day().start, 90_000)
        row = array("i", [0] * len(lockstep.INPUTS))
        with self.readings.open("wb") as file:
            for number in range(beats):
                second = FROM_S + number
                plant.load_w, plant.pv_w = load.at(second), pv.at(second)
                now_ms = number * 1000 + 700
                store = plant.battery
                row[:] = array("i", (
                    number * 1000 + 1000, 9657, second, plant.grid_w, now_ms, store.power_w,
                    now_ms + 120, store.soc_now_pm, now_ms, plant.pv_w, now_ms,
                    battery["charge_max_w"], battery["discharge_max_w"], 1))
                file.write(row)
                plant.run(lockstep.beat(site, controller, row), 1)

    def run(self, command: list[str], script: str, *arguments: str) -> str:
        """Run a module of the tree; its standard output."""
        done = subprocess.run(
            [*command, "-c", f"import sys; sys.path.insert(0, {str(self.folder)!r}); "
             f"sys.argv[:] = {[script, *arguments]!r}; import hil.{script}"],
            capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            said = done.stderr.strip() or done.stdout.strip() or "no word"
            raise NotMeasuredError(said.splitlines()[-1][:200])
        return done.stdout


def _beat_heap(_: Path | None) -> dict[str, float]:
    with _Tree() as tree:
        tree.record(HEAP_BEATS)
        told = tree.run([_tool("micropython-i386"), "-X", "heapsize=512k"], "bench_beat",
                        str(tree.site), str(tree.readings), "heap")
    found = json.loads(told.splitlines()[-1])
    return {"beat.alloc_bytes": found["allocated"], "beat.i386_us": found["us"],
            "heap.core_after_init_bytes": found["core_bytes"]}


def _counting(folder: Path) -> list[str]:
    """Starts MicroPython for Arm where each write to standard error prints how many instructions
    were executed; the plugin that counts is compiled into `folder`."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NotMeasuredError("no C compiler for the counting plugin")
    plugin = folder / "count_insns.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(plugin),
                    str(ROOT / "hil" / "count_insns.c")], check=True)
    return [_tool("qemu-arm"), "-plugin", str(plugin), "-U", "LD_LIBRARY_PATH",
            "-L", str(ARM_ROOT), str(ARM_ROOT / "usr" / "bin" / "micropython"),
            "-X", "heapsize=512k"]


def _beat_arm(_: Path | None) -> dict[str, float]:
    with _Tree() as tree:
        tree.record(ARM_BEATS)
        told = tree.run(_counting(tree.folder), "bench_beat", str(tree.site), str(tree.readings),
                        "mark")
    counts = [int(line.split()[1]) for line in told.splitlines() if line.startswith("insns ")]
    beats = [after - begun - (begun - marked) for marked, begun, after in
             zip(counts[::3], counts[1::3], counts[2::3], strict=True)]
    if len(beats) != ARM_BEATS:
        raise NotMeasuredError(f"{len(beats)} beats counted, expected {ARM_BEATS}")
    return {"beat.arm_instructions": round(sum(beats) / len(beats)),
            "beat.arm_instructions_max": max(beats[60:])}  # past the start


def _sizes(_: Path | None) -> dict[str, float]:
    from boards.build import BuildError, compile_module, core_modules, edge_modules

    try:
        image = _image()
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
    interpreter = _tool("micropython-i386")
    with _Tree() as tree:
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
    interpreter = _tool("micropython-i386")
    with _Tree() as tree:
        low, high = 16, 512  # kB; lives at high, dies at low
        while high - low > 4:
            middle = (low + high) // 2
            try:
                tree.run([interpreter, "-X", f"heapsize={middle}k"], "bench_app",
                         str(tree.site), str(tree.folder), str(APP_BEATS))
                high = middle
            except NotMeasuredError as error:
                reason, low = error, middle
        if high == 512:
            raise NotMeasuredError(f"does not run in 512k: {reason}")
    return {"heap.app_min_heapsize_bytes": high * 1024}


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


def _window(_: Path | None) -> dict[str, float]:
    from hil.bench_window import measure

    return measure(_image())


def _evidence(_: Path | None) -> dict[str, float]:
    from boards.build import BuildError
    from hil import bench_evidence

    try:
        with tempfile.TemporaryDirectory() as folder:
            return {**bench_evidence.instructions(_counting(Path(folder))),
                    **bench_evidence.min_heap(_tool("micropython-i386"))}
    except (BuildError, bench_evidence.FailedError) as error:
        raise NotMeasuredError(str(error)) from error


_MEASURES: dict[str, Callable[[Path | None], dict[str, float]]] = {
    "beat": _beat_heap, "beat.arm": _beat_arm, "size": _sizes, "heap": _heap_app,
    "heap.core_in_rom": _heap_rom,
    "emulate": _emulate, "wire": _wire, "window": _window, "evidence": _evidence,
}
