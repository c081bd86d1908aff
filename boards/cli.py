"""The console command `parkedge`: the commands of boards, and the groups of the other parts.

Nothing is loaded before it is called, so that `--help` and completion answer at once.
"""

import sys
from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS = {
    "check": "Judge a site file and tell what it is.",
    "list": "What there is: boards, device profiles, rules, tariffs.",
    "schema": "The JSON schema of a site file, for editors.",
    "build": "Compile a site for a microcontroller.",
    "flash": "Build, bring it onto the board, and prove every file.",
    "run": "Run a site on this machine.",
    "install": "Write the service that runs a site on a Raspberry Pi.",
    "why": "Why the battery did what it did, at any past second.",
}
PARTS = {
    "hil": ("hil.__main__", "Rigs: the real firmware against simulated devices."),
    "cloud": ("cloud_bridge.__main__", "The cloud's side: store, serve, audit."),
}


class Lazy(click.Group):
    """Commands by name: those of boards, and `parts`, groups that are `main` of a module."""

    def __init__(self, parts: Mapping[str, tuple[str, str]], **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self._parts = parts

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *self._parts]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            command: click.Command = getattr(import_module("boards.commands"), cmd_name + "_")
        elif cmd_name in self._parts:
            command = import_module(self._parts[cmd_name][0]).main
        else:
            return None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lines = [*COMMANDS.items(), *((name, part[1]) for name, part in self._parts.items())]
        with formatter.section("Commands"):
            formatter.write_dl(lines)


def _group(name: str, parts: Mapping[str, tuple[str, str]]) -> Lazy:
    return Lazy(parts, name=name, no_args_is_help=True, help=f"""\
        One control core for the energy assets of an industrial park.

        \b
        Example:
          {name} check examples/foundry/site.toml
        """, params=[click.Option(["--version"], is_flag=True, expose_value=False, is_eager=True,
                                  callback=_version, help="Show the version.")])


def _version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo("parkedge " + import_module("edge").__version__)
        ctx.exit()


parkedge = _group("parkedge", PARTS)
boards = _group("python -m boards", {})


def main(group: click.Group = parkedge) -> None:
    """Run; exit status 0 fine, 1 what was checked failed, 2 wrong use, 130 interrupted."""
    try:
        sys.exit(group.main(prog_name=group.name, standalone_mode=False) or 0)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
