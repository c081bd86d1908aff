"""The commands of `python -m hil`: how they are found, their exit codes, their one-line errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hil import __main__ as commands
from hil.__main__ import main
from tests.hil.little import FOUNDRY, ROOT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "hil", *arguments], cwd=ROOT, text=True,
                          capture_output=True, timeout=60, check=False)


def test_help_answers_without_loading_the_parts() -> None:
    script = ("import sys; from hil.__main__ import main; main(['--help'], standalone_mode=False);"
              "print([m for m in sys.modules if m.startswith(('edge', 'boards', 'rich', 'hil.'))])")
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, text=True,
                          capture_output=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "['hil.__main__']"


WAVE = '''
import click

@click.command()
def command() -> None:
    """Wave a hand.

    Twice."""
    click.echo("o/")
'''


def test_a_module_with_a_command_is_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                              ) -> None:
    (tmp_path / "wave.py").write_text(WAVE)
    (tmp_path / "quiet.py").write_text("x = 1\n")
    monkeypatch.setattr(commands, "_FOLDER", tmp_path)
    monkeypatch.setattr("hil.__path__", [str(tmp_path)])
    shown = CliRunner().invoke(main, ["--help"]).output
    assert "Wave a hand." in shown
    assert "quiet" not in shown
    assert CliRunner().invoke(main, ["wave"]).output == "o/\n"


def test_every_command_has_an_example() -> None:
    with click.Context(main) as context:
        for name in main.list_commands(context):
            command = main.get_command(context, name)
            assert command is not None
            assert f"python -m hil {name}" in (command.help or ""), name


@pytest.mark.parametrize("arguments", [
    ["no-such-command"], ["emulate"], ["emulate", "no-such-site.toml", "--out", "x"],
    ["emulate", str(FOUNDRY), "--out", "x", "--beat", "7"],
    ["emulate", str(FOUNDRY), "--out", "x", "--days", "0"],
    ["score", str(ROOT), "--battery", "huge", "--out", "x"],
    ["replay", "no-such-journal"],
])
def test_wrong_use_ends_with_two(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


def test_the_program_itself_ends_with_two() -> None:
    done = run("emulate")
    assert done.returncode == 2
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [
    ["emulate", str(FOUNDRY), "--beat", "60"], ["run", "lockstep", "quiet_half_minute"]])
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "file").touch()
    done = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "file" / "out")])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert len(done.stderr.splitlines()) == 1


SITE = FOUNDRY.read_text("utf-8")
BAD = [
    ("emulate", ["{site}", "--load", "{bad}"], "timestamp,kW\nx,1\ny,2\n", ":2:"),
    ("emulate", ["{site}", "--load", "{bad}"], "nothing\n", "expected columns timestamp,kW"),
    ("emulate", ["{site}", "--load", "{bad}", "--days", "2"],
     "timestamp,kW\n2026-01-01T00:00,1\n2026-01-01T00:15,2\n", "expected 2"),
    ("emulate", ["{site}", "--pv", "{bad}"],
     "timestamp,kW\n2026-01-01T00:00,1\n2026-01-01T00:15,2\n", "ends before 2026-07-01"),
    ("emulate", ["{bad}"], SITE.replace("beat_s = 1", "beat_s = 0"), "beat_s"),
    ("replay", ["{bad}", "--site", "{site}"], "not a journal\n", "not a journal"),
]


@pytest.mark.parametrize(("command", "arguments", "content", "words"), BAD)
def test_a_bad_file_is_one_line_and_one(tmp_path: Path, command: str, arguments: list[str],
                                        content: str, words: str) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(content, encoding="utf-8")
    filled = [part.format(site=FOUNDRY, bad=bad) for part in arguments]
    if command == "emulate":
        filled += ["--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [command, *filled])
    assert done.exit_code == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "bad.csv" in done.stderr
    assert done.stdout == ""
