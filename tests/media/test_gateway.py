"""From pulses to the indicators: a gateway whose power fails, mosquitto, bridge, store, queries,
report, as programs; the gateway on both interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cloud_bridge.__main__ import main as cloud_bridge
from cloud_bridge.carbon import readings
from cloud_bridge.media import Reading
from hil import amend
from hil.bench_tree import Tree
from hil.cloud import Cloud
from hil.emulate import image_of
from tests.carbon.papers import FIRST
from tests.conftest import ROOT, Interpreter

SCRIPT = ROOT / "tests" / "media" / "boiler_gateway.py"
STEAM = ROOT / "examples" / "steam" / "site.toml"
MIDNIGHT = 15 * FIRST  # of 2026-01-01 in Shanghai, minutes since 2000-01-01 UTC
DAY = 1440
WEIGHTS = {"town-water": (10, 48_213_470), "recycled": (100, 0), "boiler-gas": (1_000, 120_450_000),
           "district-heat": (1_000, 0), "steam-line": (10, 0)}


@contextmanager
def gateway(command: list[str], tree: Tree, folder: Path, minute: int
            ) -> Iterator[subprocess.Popen[str]]:
    paths = {**os.environ, "MICROPYPATH": f"{tree.folder}:.frozen", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*command, str(SCRIPT), str(tree.site), str(folder), str(minute)], cwd=tree.folder,
        env=paths, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(process: subprocess.Popen[str], words: str) -> list[str]:
    assert process.stdin
    assert process.stdout
    print(words, file=process.stdin, flush=True)
    return process.stdout.readline().split()


def run(*words: object, status: int = 0) -> str:
    done = CliRunner().invoke(cloud_bridge, [*map(str, words)], catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done.output


def made(cloud: Cloud) -> dict[str, Any]:
    raw = amend.change(amend.read(STEAM), {
        f"broker.{name}": value for name, value in cloud.keys.items() if value})
    del raw["ledger"]  # what a ledger does is tried in tests/ledger
    return image_of(amend.site(raw, STEAM), 60)


@pytest.mark.parametrize("python", ["cpython", "micropython"])
def test_what_flowed_stands_in_the_report_though_the_power_failed(
        python: str, micropython: Interpreter, tmp_path: Path) -> None:
    """A day in two lives. The power fails at noon for nine minutes, amid a quarter-hour: what
    flowed in these minutes and in the last one before is gone, and nothing is there twice."""
    command = [sys.executable, "-u"] if python == "cpython" else [
        *micropython.command, "-X", "heapsize=512k"]
    with Cloud(tmp_path) as cloud, Tree(made(cloud)) as tree:
        with gateway(command, tree, tmp_path, MIDNIGHT - 30) as first:
            before = ask(first, f"live {30 + 12 * 60 + 11}")
        with gateway(command, tree, tmp_path, MIDNIGHT + 12 * 60 + 20) as second:
            after = ask(second, "live 1")
            ask(second, f"live {DAY - 12 * 60 - 20 + 3}")
            assert ask(second, "end") == ["left", "0", "None"]
        out = tmp_path / "readings.jsonl"
        run("query", "media", "demo/steam", "--store", cloud.path, "--start", "2025-12-31",
            "--end", "2026-01-03", "--out", out)
        last = json.loads(run("query", "last", "demo/steam", "--store", cloud.path, "--json"))
    each = [weight * (place + 1) for place, (weight, _) in enumerate(WEIGHTS.values())]
    for one, other, most in zip(before[2:], after[2:], each, strict=True):
        assert 0 <= int(other) - int(one) <= most
    found = check(out, each)
    assert last["media"]["town-water"]["reading"] == found["town-water"][-1].value
    report(out, tmp_path, each)


def check(path: Path, each: list[int]) -> dict[str, list[Reading]]:
    """Every quarter-hour once, and only forward."""
    with path.open("rb") as lines:
        found = {meter.name: some for meter, some in readings.parse(lines, "x").items()}
    assert [*found] == [*WEIGHTS]
    for place, (name, some) in enumerate(found.items()):
        assert len({one.utc for one in some}) == len(some) == 97  # one ended without power
        values = [one.value for one in some]
        assert values == sorted(values)
        assert {one.refused for one in some} == {0}
        assert (values[0] - WEIGHTS[name][1]) % each[place] == 0
    return found


def report(path: Path, folder: Path, each: list[int]) -> None:
    """As an auditor reads it: the day's water of a statement gives way to what was measured."""
    quarters = folder / "quarters.jsonl"
    quarters.write_text("".join(json.dumps({
        "index": FIRST + place, "flows": [[15_000, 0, 0], *[[0, 0, 0]] * 4], "stored": [0] * 5,
        "minutes": 15}) + "\n" for place in range(96)))
    paper = folder / "water.toml"
    paper.write_text((ROOT / "examples" / "papers" / "water.toml").read_text()
                     .replace("2026-03-31", "2026-01-01"))
    said = json.loads(run("indicators", quarters, "--first", "2026-01-01", "--last", "2026-01-01",
                          "--park-tce", 250_000, "--readings", path, "--statement", paper,
                          "--json", status=1))
    by_name = {one["name"]: one for one in said["media"]}
    for place, (name, (weight, _)) in enumerate(WEIGHTS.items()):
        one = by_name[name]
        fine = Fraction(one["amount"]) * {"m3": 1000, "t": 1000, "mwh": 10**6}[one["unit"]]
        silent = 10 * each[place]  # minutes without power, and the pulses in memory
        assert DAY * each[place] - silent - weight * 2 * (place + 1) <= fine <= DAY * each[place]
        assert (one["covered"], one["events"]) == ("1", [])
    assert by_name["steam-line"]["not_counted"] == "shown only"
    assert len(said["media_for_statements"]) == 2
    table = {one["name"]: one for one in said["indicators"]}
    fresh, reused = (Fraction(by_name[name]["amount"]) for name in ("town-water", "recycled"))
    assert Fraction(table["water_share"]["values"]["declared"]) == reused / (fresh + reused)
    assert (table["water_share"]["complete"], table["water_share"]["verdict"]) == ("1", "met")
    text = run("indicators", quarters, "--first", "2026-01-01", "--last", "2026-01-01",
               "--park-tce", 250_000, "--readings", path, status=1)
    assert "100.00 % of the time measured" in text
