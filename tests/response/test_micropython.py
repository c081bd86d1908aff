"""The agenda on a real 32-bit MicroPython: the same story, and small."""

import json
import random
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.response.events import T0, message

SCRIPT = ROOT / "tests" / "response" / "agenda_script.py"
FULL = message(intervals=[(15, 1, 750_000 + at) for at in range(96)])
LIMIT_BYTES = 2048


def story(seed):
    """Messages and times in no order, some of them no messages."""
    rng = random.Random(seed)
    found = [[FULL.hex(), T0 - 300]]
    for at in range(150):
        minute = T0 - 120 + 2 * at  # and sometimes back
        if rng.random() < 0.4:
            kinds = [rng.choice([(15, 1, 300_000), (30, 0, 0), (45, 4, -8_000_000), (5, 3, 0)])
                     for _ in range(rng.randrange(6))]
            data = bytearray(message(
                rng.randrange(1, 6), rng.randrange(4), rng.randrange(3), rng.randrange(8),
                T0 - rng.randrange(9), minute + rng.randrange(90),
                rng.choice([0, 90_000, 8_000_000]), rng.choice([0, 60]), kinds))
            if rng.random() < 0.2:
                data[rng.randrange(len(data))] = rng.randrange(256)
            found.append([data.hex(), minute])
        else:
            found.append([minute - 40 * (rng.random() < 0.1), rng.randrange(60), rng.randrange(6)])
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_same_story_on_both_interpreters(seed, tmp_path, micropython):
    path = tmp_path / "story.json"
    path.write_text(json.dumps(story(seed)))
    ours = subprocess.run([sys.executable, SCRIPT, path], cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=True, timeout=60)
    theirs = micropython.run(SCRIPT, path)
    assert len(set(ours.stdout.splitlines())) > 30
    assert theirs.stdout.splitlines()[:-1] == ours.stdout.splitlines()[:-1]
    assert 0 < int(theirs.stdout.splitlines()[-1]) <= LIMIT_BYTES
