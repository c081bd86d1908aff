"""The properties of gate and ledger catch real bugs: each one planted here makes them fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.mutate import Bug, NotFoundError

ROOT = Path(__file__).resolve().parent.parent.parent
GATE = "test_gate.py", "keeps_every_promise or cuts_no_more"
ACCOUNT = "test_account.py", "whole_wh or below_zero or gross_register"
WINDOW = "test_demand_window.py", "month_begins or changes_every_second"
LAW = "test_demand_law.py", "held_from_the_second_window_on"

BUGS = {
    "discharges at the floor": (GATE, Bug(
        "gate.py", "allow_w", "now.soc_pm <= floor_pm", "now.soc_pm < floor_pm")),
    "forgets the battery at the connection": (GATE, Bug(
        "gate.py", "allow_w", "net_w = now.grid_w + now.store_w", "net_w = now.grid_w")),
    "believes a converter that is not ready": (GATE, Bug(
        "gate.py", "allow_w", "now.grid_age_ms > age_ms or now.store_age_ms > age_ms"
        " or now.soc_age_ms > soc_age_ms or not now.ready",
        "now.grid_age_ms > age_ms or now.store_age_ms > age_ms or now.soc_age_ms > soc_age_ms")),
    "steps from rest although it charged": (GATE, Bug(
        "gate.py", "allow_w", "most_w -= last_w", "most_w += last_w")),
    "drops the carry of a register": (ACCOUNT, Bug(
        "ledger/account.py", "post", "self._ws = ws - wh * _WS_PER_WH", "self._ws = 0")),
    "cannot go below zero": (ACCOUNT, Bug(
        "ledger/account.py", "post", "self.units += self.e4 // 10000", "self.units += 0")),
    "turns the sign of export": (ACCOUNT, Bug(
        "ledger/flows.py", "post", "flows.export_ws -= w * span_s",
        "flows.export_ws += w * span_s")),
    "lets the peak fall": (WINDOW, Bug(
        "ledger/demand.py", "_close_window", "self.demand_w > self.peak_w", "True")),
    "keeps last month's peak": (WINDOW, Bug(
        "ledger/demand.py", "new_month", "self.peak_w = 0", "pass")),
    "adds what the window has used": (LAW, Bug(
        "ledger/demand.py", "weigh",
        "target_w * _MINUTES - self._used_wmin - running_wmin",
        "target_w * _MINUTES + self._used_wmin - running_wmin")),
}

# In the copy: the same examples every time, and no time spent on making a failure small.
CONFTEST = """
from pathlib import Path
import edge
from hypothesis import Phase, settings
assert Path(edge.__file__).is_relative_to(Path(__file__).parent), "tests must see the copy"
settings.register_profile("seeded", derandomize=True, deadline=None, database=None,
                          phases=(Phase.explicit, Phase.generate))
settings.load_profile("seeded")
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The core and its tests, to be spoilt."""
    for folder in ("edge", "boards", "hil", "tests/core"):
        shutil.copytree(ROOT / folder, tmp_path / folder,
                        ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\npythonpath = .\naddopts = --import-mode=importlib -p no:cacheprovider\n")
    return tmp_path


def run(copy: Path, *tests: tuple[str, str]) -> subprocess.CompletedProcess[str]:
    """These tests of the copy, up to the first that fails."""
    files = [f"tests/core/{file}" for file, _ in tests]
    names = " or ".join(name for _, name in tests)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", "-k", names, *files], cwd=copy,
        capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "",
             "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})  # starts three times as fast


def test_without_a_bug_they_pass(copy):
    done = run(copy, GATE, ACCOUNT, WINDOW, LAW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize(("tests", "bug"), BUGS.values(), ids=BUGS.keys())
def test_with_a_bug_they_fail(tests, bug, copy):
    bug.plant(copy)
    done = run(copy, tests)
    assert done.returncode == 1, f"{bug} went unnoticed:\n{done.stdout}{done.stderr}"
    assert "AssertionError" in done.stdout or "assert" in done.stdout, done.stdout


def test_a_bug_that_fits_nowhere_is_not_taken_for_planted(copy):
    with pytest.raises(NotFoundError):
        Bug("gate.py", "allow_w", "w > 123456", "w >= 123456").plant(copy)
