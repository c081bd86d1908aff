"""Whoever reads an answer may stop reading, as `head` does: that is no error."""

import subprocess
import sys

from tests.conftest import ROOT
from tests.queries.stores import DAY_UTC, batch, birth, fill, row


def test_a_reader_that_has_had_enough(tmp_path):
    rows = [row(DAY_UTC + i, grid_w=i) for i in range(4_000)]  # more than a pipe holds
    fill(tmp_path / "park.db", [(1, 2, birth(1)), *((2 + i, 1, batch(rows[200 * i:200 * i + 200]))
                                                    for i in range(20))])
    command = [sys.executable, "-m", "cloud_bridge", "query", "range", "demo/hall", "--store",
               str(tmp_path / "park.db"), "--start", "2026-01-04", "--end", "2026-01-06",
               "--resolution", "raw"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as asked:
        assert asked.stdout
        assert asked.stderr
        assert asked.stdout.readline().startswith(b"time,")
        asked.stdout.close()
        assert asked.stderr.read() == b""
    assert asked.returncode == 1
