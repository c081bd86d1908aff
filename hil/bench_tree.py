"""A built tree to measure on: its bytecode, the image of a site, and recorded readings.

MicroPython runs a script of it (hil/bench_*.py); on the Arm under an emulator that counts
instructions.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hil.bench_memory import remember

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".cache" / "bin"
ARM_ROOT = ROOT / ".cache" / "micropython-armhf"
SITE = ROOT / "examples" / "foundry" / "site.toml"
_SCRIPTS = ("hil", "hil.lockstep", "hil.inputs", "hil.bench_memory", "hil.bench_beat",
            "hil.bench_app", "hil.bench_plan")
_FROM_S = 9 * 3600 + 50 * 60  # a busy hour of the factory day
_TIMEOUT_S = 300


class NotMeasuredError(Exception):
    """Why a figure cannot be measured on this machine."""


def image_of(path: Path = SITE, keys: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The image of a site file, with other values for some keys (hil/amend.py)."""
    from boards.image import compile_site
    from boards.site import SiteError
    from hil import amend

    try:
        return compile_site(amend.site(amend.change(amend.read(path), keys or {}), path))
    except SiteError as error:
        raise NotMeasuredError(f"{path} is not valid: {error}") from None


def tool(name: str) -> str:
    """The path of a program of the toolchain."""
    path = BIN / name
    if not path.exists():
        raise NotMeasuredError(f"no {name}: make toolchain")
    return str(path)


def counting(folder: Path) -> list[str]:
    """Starts MicroPython for Arm where each write to standard error prints how many instructions
    were executed; the plugin that counts is compiled into `folder`."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NotMeasuredError("no C compiler for the counting plugin")
    plugin = folder / "count_insns.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(plugin),
                    str(ROOT / "hil" / "count_insns.c")], check=True)
    return [tool("qemu-arm"), "-plugin", str(plugin), "-U", "LD_LIBRARY_PATH",
            "-L", str(ARM_ROOT), str(ARM_ROOT / "usr" / "bin" / "micropython"),
            "-X", "heapsize=512k"]


class Tree:
    """A temporary folder with the built bytecode, the image and recorded readings. `more`: modules
    of edge/ that the image does not name."""

    def __init__(self, image: dict[str, Any], more: Sequence[str] = ()) -> None:
        self.image, self._more = image, more
        self.folder = Path(tempfile.mkdtemp(prefix="parkedge-bench-"))
        self.site = self.folder / "site.json"
        self.readings = self.folder / "readings"

    def __enter__(self) -> Tree:
        from boards.build import BuildError, closure, compile_module, edge_modules
        from boards.image import encode

        try:
            named = closure([*self._more, "edge.clouds.plain"])  # bench_app gives it a broker
            for name in [*edge_modules(self.image) | named, *_SCRIPTS]:
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

    def record(self, beats: int, remembers: bool = False) -> None:
        """Readings of a closed loop in process, for MicroPython to run through again; with four
        weeks remembered, or with none."""
        from edge.controller import Controller
        from edge.site import Site
        from hil import lockstep, plants, series

        site = Site(self.image)
        if remembers:
            remember(site.planner, 9657)
        controller = Controller(site)
        battery = self.image["battery"]
        plant = plants.Plant(plants.Battery(
            battery["capacity_wh"], battery["charge_max_w"], battery["discharge_max_w"],
            tau_s=2))
        load, pv = series.factory_day(), series.clear_sky(series.factory_day().start, 90_000)
        row = array("i", [0] * len(lockstep.INPUTS))
        with self.readings.open("wb") as file:
            for number in range(beats):
                second = _FROM_S + number
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
            capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        if done.returncode:
            said = done.stderr.strip() or done.stdout.strip() or "no word"
            raise NotMeasuredError(said.splitlines()[-1][:200])
        return done.stdout

    def counted(self, script: str, *arguments: str) -> list[int]:
        """Run a module on the Arm; the instructions of each piece of work, around which it has
        written a byte twice before and once after."""
        told = self.run(counting(self.folder), script, *arguments)
        counts = [int(line.split()[1]) for line in told.splitlines() if line.startswith("insns ")]
        return [after - begun - (begun - marked) for marked, begun, after in
                zip(counts[::3], counts[1::3], counts[2::3], strict=True)]
