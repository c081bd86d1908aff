"""`parkedge serve mbus` in a process of its own, and gateways that read what it serves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boards.image import compile_site
from hil import amend
from tests.boards.sites import FOUNDRY
from tests.conftest import ROOT, Interpreter, _missing
from tests.shown.served import free_port, wait

PATIENCE_S = 30
# A pseudo-terminal has no parity bit.
LINE = '[line]\npath = "{path}"\nbaud = 38400\nparity = "N"\n'
METERS = """
[serve]
port = 0

[[meter]]
name = "heat"
unit = 1
address = 17
medium = "heat"
poll_s = 1

[[meter]]
name = "water"
unit = 2
secondary = "70112345 ELS"
medium = "water"
poll_s = 1

[[meter]]
name = "nobody"
unit = 3
address = 99
medium = "gas"
"""


@contextmanager
def serving(folder: Path, path: str) -> Iterator[tuple[int, Path]]:
    """The command on a line: the port it serves at, and what it says."""
    file, log = folder / "meters.toml", folder / "serve.log"
    file.write_text(LINE.format(path=path) + METERS)
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "boards", "serve", "mbus", str(file)],
                                   cwd=ROOT, stdout=out, stderr=out)
    try:
        wait(lambda: process.poll() is not None or re.search(r"port (\d+);", log.read_text()),
             "it does not serve")
        found = re.search(r"port (\d+);", log.read_text())
        assert found, log.read_text()
        yield int(found[1]), log
        assert process.poll() is None, log.read_text()
        process.terminate()
        assert process.wait(PATIENCE_S) == 0, log.read_text()
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def site(port: int, page: int) -> Any:
    """The foundry's site with two meters of media behind Modbus TCP; nothing else is there."""
    raw = amend.read(FOUNDRY)
    raw.pop("telemetry", None)
    raw = amend.change(raw, {"broker.host": "", "page": {"port": page, "address": "127.0.0.1"}})
    for number, bus in enumerate(raw["bus"]):
        if "path" in bus:
            bus["path"] = f"/dev/no-such-line-{number}"
    raw["bus"].append({"name": "media", "link": "tcp", "host": "127.0.0.1", "port": port})
    for unit, (name, medium, unit_word, signal) in enumerate((
            ("heat", "heat", "MWh", "heat_wh"), ("water", "water", "m3", "volume_l")), 1):
        raw["device"].append({"name": f"{name}-meter", "profile": "mbus_medium", "bus": "media",
                              "unit": unit, "poll_ms": 1000})
        raw.setdefault("medium", []).append(
            {"name": name, "medium": medium, "unit": unit_word, "device": f"{name}-meter",
             "signal": signal, "most_per_h": f"10 {unit_word}"})
    return raw


@contextmanager
def gateway(kind: str, folder: Path, port: int) -> Iterator[Any]:
    """A whole gateway on either interpreter; `now()` is what its page tells."""
    page = free_port()
    raw = site(port, page)
    if kind == "cpython":
        path = folder / "site.toml"
        path.write_text(amend.text(raw))
        command = [sys.executable, "-m", "boards", "run", str(path), "--board", "emulator"]
    else:
        (folder / "image.json").write_text(json.dumps(compile_site(amend.site(raw, FOUNDRY))))
        command = [*Interpreter("i386").command, "-X", "heapsize=1m",
                   str(ROOT / "hil" / "unix_gateway.py"), str(folder / "image.json"),
                   str(folder / "rows"), str(folder / "outbox"), "1000000"]
        if not Path(command[0]).exists():
            _missing("micropython-i386")
    paths = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen", "PYTHONPATH": str(ROOT)}
    log = folder / "gateway.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT if kind == "cpython" else folder, env=paths,
                                   stdout=out, stderr=out)

    def now() -> dict[str, Any]:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{page}/now.json", timeout=5) as reply:
                told: dict[str, Any] = json.load(reply)
                return told
        except OSError:
            return {}

    try:
        yield now
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
