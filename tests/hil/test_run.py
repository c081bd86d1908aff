"""`python -m hil run`: exit codes, what it prints, and the files it leaves."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil import scenario
from hil.run import command, misfit
from tests.conftest import Interpreter

HOPELESS = """
about = "It shall rest although nothing is wrong."
start = "10:00"
for = "30 s"
[set]
"rules.contract.import_max_w" = 250_000
[[watch]]
field = "command_w"
from = "10:00:20"
to = "10:00:25"
at_least = 0
at_most = 0
"""


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--out", str(folder)])


def test_what_goes_well(tmp_path: Path) -> None:
    done = run(tmp_path, "lockstep", "meter_silent", "bad_crc")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith(" + meter_silent")
    assert lines[1].startswith(" - bad_crc")
    assert "need a wire" in lines[1]
    assert "1 passed, 1 skipped" in done.output
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "0", "1")
    assert [case.get("name") for case in suite] == ["meter_silent", "bad_crc"]
    page = (tmp_path / "report.md").read_text()
    assert "| meter_silent | passed | 75 |" in page


def test_what_fails_says_how_to_see_it_again(tmp_path: Path) -> None:
    path = tmp_path / "hopeless.toml"
    path.write_text(HOPELESS)
    done = run(tmp_path, "lockstep", str(path))
    assert done.exit_code == 1
    assert "10:00:20: command_w was" in done.output
    again = f"python -m hil run lockstep {path}"
    assert f"again: {again}" in done.output
    case = ElementTree.parse(tmp_path / "junit.xml").getroot().find("testcase/failure")
    assert case is not None
    assert again in (case.text or "")
    assert f"`{again}`" in (tmp_path / "report.md").read_text()
    repeated = run(tmp_path, *again.split()[4:])
    assert [line for line in repeated.output.splitlines() if "command_w was" in line] == [
        line for line in done.output.splitlines() if "command_w was" in line]


def test_a_site_that_cannot_be_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "crooked.toml"
    path.write_text(HOPELESS.replace("250_000", "-1"))
    done = run(tmp_path, "lockstep", str(path))
    assert done.exit_code == 1
    assert "rules.contract.import_max_w: found -1" in done.output


def test_for_a_machine(tmp_path: Path) -> None:
    done = run(tmp_path, "wire", "meter_exception", "--json")
    assert done.exit_code == 0
    found = json.loads(done.output)
    assert found["rig"] == "wire"
    (one,) = found["scenarios"]
    assert one["verdict"] == "passed"
    assert one["figures"]["exceptions"] > 0
    assert one["figures"]["beats"] == 60


@pytest.mark.parametrize("arguments", [
    [], ["no-such-rig"], ["lockstep", "no-such-scenario"], ["lockstep", "--no-such-option"]])
def test_wrong_use_ends_with_two(tmp_path: Path, arguments: list[str]) -> None:
    assert run(tmp_path, *arguments).exit_code == 2


def test_a_slip_of_the_pen_is_understood(tmp_path: Path) -> None:
    assert 'did you mean "meter_silent"?' in run(tmp_path, "lockstep", "meter_silenced").output


def test_long_ones_are_not_played_in_real_time_unasked() -> None:
    file = scenario.read_rig(scenario.find("rigs", "wall"))
    long = scenario.read(scenario.find("scenarios", "normal_day_hours"))
    assert "30 min of real time" in misfit(file, long, named=False)
    assert misfit(file, long, named=True) == ""


def test_what_a_rig_cannot_tell_is_said(tmp_path: Path) -> None:
    done = run(tmp_path, "lockstep", "quiet_half_minute")
    assert done.exit_code == 0
    assert "not judged: what arrives in the cloud" in done.output
    assert "Not judged: what arrives in the cloud" in (tmp_path / "report.md").read_text("utf-8")
    assert "not judged" not in run(tmp_path, "lockstep", "meter_silent").output


def test_an_island_rig_leaves_out_what_is_timed_for_other_sites(tmp_path: Path) -> None:
    done = run(tmp_path, "island", "--json")
    assert done.exit_code == 0, done.output
    verdicts = {one["name"]: one["verdict"] for one in json.loads(done.output)["scenarios"]}
    assert verdicts["outage_short"] == verdicts["switch_lies"] == "passed"
    assert verdicts["quiet_half_minute"] == "skipped"


@pytest.mark.parametrize(("rig", "name", "words"), [
    ("mill", "laundered", ""), ("lockstep", "laundered", "a site with a ledger"),
    ("wire", "laundered", "a site with a ledger"),
    ("mill", "meter_silent", "a site without a direct line")])
def test_a_ledger_is_judged_where_one_is_kept(rig: str, name: str, words: str) -> None:
    file = scenario.read_rig(scenario.find("rigs", rig))
    said = misfit(file, scenario.read(scenario.find("scenarios", name)), named=False)
    assert bool(said) == bool(words)
    assert words in said


def test_a_controller_at_the_end_of_a_pipe_keeps_no_ledger_and_the_page_says_so(
        tmp_path: Path, micropython: Interpreter) -> None:
    done = run(tmp_path, "mill_micropython", "laundered")
    assert done.exit_code == 0
    assert "not judged: the carbon ledger" in done.output
