"""A slice of every target of `python -m tools.fuzz`, and that what goes wrong is found and told."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from importlib import import_module

import pytest

from tests.conftest import ROOT
from tools.fuzz import targets
from tools.fuzz_one import mutated

INPUTS = 1_000


@pytest.mark.parametrize("name", targets())
def test_a_slice_of_it(name):
    target = import_module(f"tests.fuzz.{name}")
    rnd = random.Random(name)
    assert target.SEEDS, "it begins with what is right"
    for seed in target.SEEDS:
        target.one(seed)
    for _ in range(INPUTS):
        data = mutated(target.SEEDS, rnd)
        try:
            target.one(data)
        except Exception as error:
            error.add_note(f"{name}.one(bytes.fromhex({data.hex()!r}))")
            raise


PLANTED = {
    "an error": ("if data[:3] == b'abd': [][1]", "IndexError"),
    "a wrong answer": ("assert b'\\x7f' not in data", "AssertionError"),
    "no end": ("while data[:1] == b'b': pass", "HangError"),
    "nothing": ("pass", ""),
}


@pytest.mark.parametrize("how", PLANTED)
def test_it_finds(how, tmp_path):
    line, error = PLANTED[how]
    done = subprocess.run([sys.executable, "-c", f"""
import random
from pathlib import Path
from tools import fuzz_one
fuzz_one._HANG_S = 0.3
def one(data):
    {line}
watch = fuzz_one.Watch("planted", one, 3000, Path({str(tmp_path)!r}))
fuzz_one.plain(watch, [b"abc"], random.Random(1))"""], cwd=ROOT, capture_output=True, text=True,
        check=False)
    told = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == bool(error)
    assert told["found"].startswith(error)
    if not error:
        assert (told["inputs"], told["found"]) == (3000, "")
        return
    kept = list(tmp_path.iterdir())
    assert len(kept) == 1
    assert f"--replay {kept[0]}" in told["found"]
    assert "Traceback" in done.stderr


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tools.fuzz", *map(str, words)], cwd=ROOT,
                          capture_output=True, text=True, check=False)


def test_the_command(tmp_path):
    done = run("dns", "--runs", 500, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["target"], told["inputs"], told["found"]) == ("dns", 500, "")
    assert not (tmp_path / "out").exists()
    noise = tmp_path / "noise"
    noise.write_bytes(b"any")
    assert run("dns", "--replay", noise).returncode == 0
    done = run("nobody")
    assert done.returncode == 2
    assert "found nobody, expected some of ack announcement" in done.stderr
