"""The console command `parkedge`: the commands of boards, and the groups of the other parts.

Nothing is loaded before it is called, so that `--help` and completion answer at once.
"""

import sys
from collections.abc import Mapping
from importlib import import_module

import click

from boards import parts
from boards.parts import Part, PartError

COMMANDS = {
    "check": "Judge a site file and tell what it is.",
    "list": "What there is: boards, device profiles, rules, tariffs.",
    "devices": "Every device profile: class, signals, requests, ms a poll, what is unverified.",
    "schema": "The JSON schema of a site file, for editors.",
    "build": "Compile a site for a microcontroller.",
    "flash": "Build, bring it onto the board, and prove every file.",
    "run": "Run a site on this machine.",
    "install": "Write the service that runs a site on a Raspberry Pi.",
    "serve": "Devices that speak something a gateway does not, as Modbus TCP registers.",
    "why": "Why the battery did what it did, at any past second.",
}
_MODULES = {"devices": "boards.commands_devices", "run": "boards.commands_run",
            "install": "boards.commands_run", "serve": "boards.commands_serve"}


class Lazy(click.Group):
    """Commands by name: those of boards, and `others`, groups that are `main` of a module."""

    def __init__(self, others: Mapping[str, Part], **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self._parts = others

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *self._parts]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module = import_module(_MODULES.get(cmd_name, "boards.commands"))
            command: click.Command = getattr(module, cmd_name + "_")
        elif cmd_name in self._parts:
            try:
                command = self._parts[cmd_name].load().main
            except PartError as error:
                raise click.ClickException(str(error)) from None
        else:
            return None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lines = [*COMMANDS.items(), *((name, part.help) for name, part in self._parts.items())]
        with formatter.section("Commands"):
            formatter.write_dl(lines)


def _group(name: str, others: Mapping[str, Part]) -> Lazy:
    return Lazy(others, name=name, no_args_is_help=True, help=f"""\
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


parkedge = _group("parkedge", parts.COMMANDS)
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
