"""The command line: exit status, one line an error, examples that run, nothing loaded early."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from boards import cli, parts, service
from boards.cli import COMMANDS, boards, parkedge
from boards.schema import schema
from tests.boards.rows import DAY, row, write
from tests.boards.sites import FOUNDRY, OFFICE, ROOT, changed

BOARD = "w5500_evb_pico2"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the examples and a journal beside."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "run" / "journal").mkdir(parents=True)
    write(tmp_path / "run" / "journal" / "a.journal", [row(second=7500)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, group: click.Group = boards) -> Result:
    return CliRunner().invoke(group, arguments)


@pytest.mark.parametrize(("arguments", "status"), [
    ("--help", 0), ("--version", 0), ("nonsense", 2), ("check --nonsense", 2),
    ("check examples/foundry/site.toml", 0), ("check examples/office/site.toml --json", 0),
    ("check no-such-file.toml", 2), ("check bad.toml", 1), ("check bad.toml --json", 1),
    ("list", 0), ("list --json", 0), ("schema", 0),
    (f"build examples/foundry/site.toml --board {BOARD} --out full", 1),
    (f"build examples/office/site.toml --board {BOARD}", 1),
    (f"build bad.toml --board {BOARD}", 1), ("build examples/office/site.toml", 2),
    ("build examples/office/site.toml --board pi", 1),
    ("build examples/office/site.toml --board no-such-board", 2),
    (f"flash examples/foundry/site.toml --board {BOARD} --port /dev/no-such-port", 1),
    (f"build examples/foundry/site.toml --board {BOARD} --out bad.toml/x", 1),
    (f"run examples/foundry/site.toml --board {BOARD}", 1),
    ("run examples/office/site.toml --board emulator --journal bad.toml/x", 1),
    ("install pi examples/office/site.toml --dry-run", 0), ("install toaster", 2),
    ("why run/journal", 0), ("why run/journal --json", 0), ("why run/journal --at noon", 2),
    ("why run/journal --at 2025-01-01T00:00", 1), ("why bad.toml", 1), ("why nowhere", 2),
])
def test_exit_status(arguments, status, desk, monkeypatch: pytest.MonkeyPatch):
    (desk / "bad.toml").write_text(changed(("capacity_wh", "capacity_kwh")))
    (desk / "full").mkdir()
    (desk / "full" / "thesis").touch()
    monkeypatch.setattr("boards.build.BUDGETS", {})  # sizes are another test's matter
    result = run(*shlex.split(arguments))
    assert result.exit_code == status, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output


def test_every_help_ends_with_an_example_that_runs(desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("boards.build.BUDGETS", {})
    for name in COMMANDS:
        text = run(name, "--help").output
        example = re.search(r"Example:\n\s+(parkedge [^\n>]+)", text)
        assert example, name
        arguments = shlex.split(example[1])[1:]
        assert arguments[0] == name
        if name not in ("flash", "run", "serve"):  # they want hardware, or never end
            done = run(*arguments, group=parkedge)
            assert done.exit_code == 0, (name, done.output)


def test_the_command_and_its_parts_are_listed():
    text = run("--help", group=parkedge).output
    for name in [*COMMANDS, "hil", "cloud"]:
        assert re.search(rf"^  {name} ", text, re.MULTILINE)
    assert run("cloud", "--help", group=parkedge).exit_code == 0
    assert run("hil", group=boards).exit_code == 2


def test_a_part_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(parts.COMMANDS, "hil", parts.Part("no_such_module", "demo", ""))
    result = run("hil", group=parkedge)
    assert result.exit_code == 1
    assert "pip install 'parkedge[demo]'" in result.output


def test_help_loads_nothing():
    code = ("import sys; from boards.cli import parkedge;"
            "parkedge.main(['--help'], standalone_mode=False);"
            "print([name for name in sys.modules if name.split('.')[0] in"
            " ('edge', 'hil', 'cloud_bridge', 'rich', 'msgpack') or name == 'boards.site'])")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_listed_is_there_under_its_name():
    for name in COMMANDS:
        command = parkedge.get_command(click.Context(parkedge), name)
        assert command is not None
        assert command.name == name
        assert command.help


def test_check_tells_the_site(desk):
    text = run("check", "examples/foundry/site.toml").stdout
    for piece in ("demo/foundry  beat 1 s, Asia/Shanghai, battery 400 kWh, charge 180 kW",
                  "meter-line: rtu 0 at 9600 baud, 3 values in 2 requests",
                  "Acrel ADW300, unit 1, every 1000 ms: grid_w, import_wh, export_wh",
                  "50 contract  import_max_w 560000 W",
                  "0.3315 .. 1.0856 CNY a kWh; every day alike; highest demand at 42 a kW and "
                  "month",
                  "not verified in the profiles"):
        assert piece in text
    rules = re.findall(r"^ +\d+ (\w+)", text, re.MULTILINE)
    assert rules == ["fresh", "ramp", "reserve", "contract", "export", "demand", "self_use",
                     "tariff", "refill"]


def test_check_json_is_one_document(desk):
    said = json.loads(run("check", "examples/foundry/site.toml", "--json").stdout)
    assert said["errors"] == []
    assert [bus["name"] for bus in said["buses"]] == ["meter-line", "battery-line", "pcs-net",
                                                      "roof-net"]
    (desk / "bad.toml").write_text("")
    said = json.loads(run("check", "bad.toml", "--json").stdout)
    assert "bad.toml: battery: found nothing, expected a table [battery]" in said["errors"]
    assert "site" not in said


def test_errors_go_to_stderr_a_line_each(desk):
    (desk / "bad.toml").write_text(changed(("capacity_wh", "capacity_kwh"), ("sliding = 0",
                                                                             "sliding = 9")))
    result = run("check", "bad.toml")
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("warning: ")]
    assert len(lines) == 2


def test_list_finds_what_is_on_disk():
    said = json.loads(run("list", "--json").stdout)
    assert {"emulator", "pi", BOARD} <= set(said["boards"])
    assert "acrel_adw300" in said["profiles"]
    assert "demand" in said["rules"]
    assert "de_flat.toml" in said["tariffs"]


def test_schema_prints_the_schema():
    assert json.loads(run("schema").stdout) == schema()


def test_build_says_sizes_and_fails_beyond_the_budget(desk, monkeypatch: pytest.MonkeyPatch):
    arguments = ("build", str(FOUNDRY), "--board", BOARD, "--out", "out")
    monkeypatch.setattr("boards.build.BUDGETS", {"core": 1})
    result = run(*arguments)
    assert result.exit_code == 1
    assert re.search(r"^core: found \d+ bytes, expected at most 1$", result.stderr, re.MULTILINE)
    monkeypatch.setattr("boards.build.BUDGETS", {})
    said = json.loads(run(*arguments, "--json").stdout)
    assert said["over"] == []
    assert set(said["sizes"]) == {"core", "app", "board", "image"}
    assert (desk / "out" / "main.py").exists()


def test_install_writes_the_unit(desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service, "TARGET", desk / "parkedge.service")
    result = run("install", "pi", str(OFFICE))
    assert result.exit_code == 0
    assert "systemctl enable --now parkedge" in result.stdout
    assert run("install", "pi", str(OFFICE), "--dry-run").stdout == \
        (desk / "parkedge.service").read_text()
    monkeypatch.setattr(service, "TARGET", desk / "no" / "folder")
    assert run("install", "pi", str(OFFICE)).exit_code == 1


def test_why_tells_the_newest_second(desk):
    assert run("why", "run/journal").stdout.startswith("2025-11-22 10:05:00 +0800  demo/foundry\n")
    said = json.loads(run("why", "run/journal", "--json").stdout)
    assert said["row"]["day"] == DAY


def test_run_starts_the_app_on_the_board(desk, monkeypatch: pytest.MonkeyPatch):
    started = []
    monkeypatch.setattr("edge.app.run", lambda image, board: started.append((image, board)))
    result = run("run", str(OFFICE), "--board", "emulator", "--journal", str(desk / "state"))
    assert result.exit_code == 0, result.output
    ((image, board),) = started
    assert (image["name"], board.name) == ("demo/office", "emulator")
    assert "demo/office runs on emulator" in result.stderr


@pytest.mark.parametrize(("raised", "status"), [
    (click.Abort(), 130), (KeyboardInterrupt(), 130), (click.UsageError("x"), 2),
    (click.ClickException("x"), 1)])
def test_how_the_program_ends(raised, status):
    @click.group()
    def group() -> None:
        raise raised

    @group.command()
    def one() -> None:
        """Never reached."""

    def start(**settings: object) -> object:
        return click.Group.main(group, ["one"], **settings)  # type: ignore[arg-type]

    group.main = start  # type: ignore[method-assign,assignment]
    with pytest.raises(SystemExit) as ended:
        cli.main(group)
    assert ended.value.code == status
