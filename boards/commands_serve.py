"""`parkedge serve PROTOCOL FILE`: devices that speak something a gateway does not, for gateways.

A protocol is a file boards/serve_<protocol>.py with `main(path)`, which runs until it is stopped
and returns what it finds wrong, a line each, and perhaps `scan(path)`, which says who is there and
returns the like; the extra that brings its library bears its name.
"""

import ast
from pathlib import Path

import click

from boards.commands import _fail
from boards.parts import Part, PartError

_HERE = Path(__file__).parent
_PREFIX = "serve_"


class _Protocols(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(path.stem.removeprefix(_PREFIX) for path in _HERE.glob(_PREFIX + "*.py"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _command(cmd_name) if cmd_name in self.list_commands(ctx) else None


def _command(name: str) -> click.Command:
    path = _HERE / f"{_PREFIX}{name}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    usage, _, text = (ast.get_docstring(tree) or "").partition(": ")

    def run(file: Path, scan: bool = False) -> None:
        try:
            protocol = Part(f"boards.{_PREFIX}{name}", name, text).load()
        except PartError as error:
            raise click.ClickException(str(error)) from None
        if wrong := (protocol.scan if scan else protocol.main)(file):
            _fail(*wrong)

    params: list[click.Parameter] = [click.Argument(["file"], type=click.Path(
        exists=True, dir_okay=False, path_type=Path))]
    if any(isinstance(node, ast.FunctionDef) and node.name == "scan" for node in tree.body):
        params.append(click.Option(["--scan"], is_flag=True,
                                   help="Say who is there, as FILE takes it, and end."))
    example = f"\n\n\b\nExample:\n  {usage.strip('`').replace('FILE', name + '.toml')}"
    return click.Command(name, callback=run, params=params, help=text + example)


@click.group("serve", cls=_Protocols)
def serve_() -> None:
    """Serve devices that speak something a gateway does not, as Modbus TCP registers.

    \b
    Example:
      parkedge serve ocpp examples/chargers/ocpp.toml
    """
