"""A gateway's ledger from end to end: outbox, mosquitto, bridge, store, export, audit, as
programs, with the power cut in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_bridge.__main__ import main as cloud_bridge
from cloud_bridge.evidence import bundle
from cloud_bridge.evidence.judge import judge
from cloud_bridge.notes import Key
from edge.ledger.leaf import GAP
from hil import amend
from hil.bench_tree import Tree
from hil.cloud import Cloud
from hil.emulate import image_of
from tests.boards.sites import MILL
from tests.conftest import ROOT, Interpreter
from tests.shown.served import wait
from tests.sync.test_mqtt_brokers import Watcher

SCRIPT = ROOT / "tests" / "ledger" / "mill_gateway.py"
LOG = Key("demo/mill", Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
          .public_bytes_raw())
START = 9678 * 1440 + 600
Start = Callable[[int, int], subprocess.Popen[str]]


def starter(command: list[str], tree: Tree, folder: Path) -> Start:
    paths = {**os.environ, "MICROPYPATH": f"{tree.folder}:.frozen", "PYTHONPATH": str(ROOT)}

    def start(minute: int, quarters: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, str(SCRIPT), str(tree.site), str(folder), str(minute), str(quarters)],
            cwd=tree.folder, env=paths, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    return start


def live(process: subprocess.Popen[str], quarters: int) -> None:
    """Let it live through so many."""
    assert process.stdin
    assert process.stdout
    for number in range(quarters):
        print(file=process.stdin, flush=True)
        assert process.stdout.readline() == f"quarter {number}\n"


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe
            pipe.close()


@pytest.mark.parametrize("python", ["cpython", "micropython"])
def test_what_a_gateway_books_an_auditor_finds_whatever_happens_to_it(
        python: str, micropython: Interpreter, tmp_path: Path) -> None:
    command = [sys.executable, "-u"] if python == "cpython" else [
        *micropython.command, "-X", "heapsize=512k"]
    with Cloud(tmp_path) as cloud:
        site = amend.site(amend.change(amend.read(MILL), {
            f"broker.{name}": value for name, value in cloud.keys.items() if value}
            | {"live.period_s": 60}), MILL)
        keys = SimpleNamespace(**cloud.keys)
        with Tree(image_of(site, 60)) as tree, Watcher(keys, "parkedge/demo/mill/now") as seen:
            start = starter(command, tree, tmp_path)
            with ended(start(START, 99)) as first:
                live(first, 3)
                assert first.stdin
                print(file=first.stdin, flush=True)  # and amid the next the power goes
                first.kill()
            with ended(start(START + 100, 4)) as second:
                live(second, 4)
                assert second.stdout
                assert second.stdout.readline() == "left 0 0 \n"
                assert second.wait(30) == 0
            wait(lambda: any(json.loads(one)["battery_mg_per_kwh"] for _, one, _ in seen.got),
                 "nothing of carbon on the topic")
        evidence = tmp_path / "evidence"
        run("export", "--store", cloud.path, "--gateway", "demo/mill", "--out", evidence)
    assert "the books stand" in run("audit", evidence, "--key", LOG)
    assert (evidence / "key.txt").read_text().strip() == str(LOG)
    told = [json.loads(payload) for _, payload, _ in seen.got]
    assert {one["export_mg_per_kwh"] for one in told} == {None}
    assert any(one["load_mg_per_kwh"] for one in told)
    judged(evidence)


def judged(evidence: Path) -> None:
    """Quarter-hours without a hole, one gap, and every Wh that the registers counted."""
    found = judge(bundle.read(evidence), [LOG])
    sites = [site for site, _ in found.accounts]
    assert sites[-1].quarter == (START + 100 + 60) // 15 - 1
    assert [site.quarter - site.values["span"] for site in sites[1:]] == [
        site.quarter for site in sites[:-1]]
    gaps = [site for site in sites if site.values["flags"] & GAP]
    assert len(gaps) == 1
    assert gaps[0].values["span"] > 1
    assert all(site.values["steps"] == 15 for site in sites if site not in gaps)
    moved = sites[-1].register_wh(0) - sites[0].register_wh(0)
    assert moved == sum(sum(site.flows[:3]) for site in sites[1:])
    assert moved > 200_000


def run(*words: object) -> str:
    done = CliRunner().invoke(cloud_bridge, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output
