"""The commands that run a site on this machine, as boards/commands.py has the others."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from boards.commands import _BOARD, _KEY, _SITE, _board, _fail, _load


@click.command("run")
@_SITE
@_BOARD
@click.option("--journal", "folder", type=click.Path(file_okay=False, path_type=Path),
              help="Where to keep journal and outbox.")
@_KEY
def run_(site: Path, board_name: str, folder: Path | None, key: Path | None) -> None:
    """Run a site on this machine's own ports: on a Raspberry Pi, or as an emulator. Where the site
    has a [page], it is told where that is; of [ledger] and [oneway] the key others need.

    \b
    Example:
      parkedge run examples/office/site.toml --board emulator --journal run
    """
    from boards.image import compile_site
    from edge.app import run

    found = _load(site)
    board = _board(board_name, found)
    if board.micropython:
        _fail(f"{board.name} runs by itself: parkedge flash {site} --board {board.name}")
    from boards.broker import KeyFileError, needed_key

    try:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _fail(str(error))
    try:
        needed_key(found, key)
    except KeyFileError as error:
        click.echo(f"warning: {error}; control runs without the broker until that changes",
                   err=True)
    image = compile_site(found)
    chosen: Any = import_module(f"boards.{board.name}").Board(image, folder)
    chosen.key_file = key
    kept = f", journal and outbox in {folder}" if folder else ""
    shown = _shown(**found.sections["page"])
    click.echo(f"{found.name} runs on {board.name}{kept}{shown}; Ctrl-C stops", err=True)
    if "ledger" in image:
        from boards.ledger import key_line

        click.echo(key_line(image, chosen.secret("ledger"), folder), err=True)
    if "iec104" in image:
        _listens(image["iec104"])
    if "oneway" in image:
        click.echo(import_module("boards.oneway").key_line(image, folder), err=True)
    run(image, chosen)


def _shown(address: str, port: int) -> str:
    if not port:
        return ""
    from boards.page import place, trouble

    if said := trouble(address, port):
        click.echo(f"warning: page.port: {said}; control runs without the page until that changes",
                   err=True)
    return f", page {place(address, port)}"


def _listens(keys: Mapping[str, Any]) -> None:
    from boards.page import trouble

    place = f"{keys['address']} port {keys['port']}"
    said = trouble(keys["address"], keys["port"])
    click.echo(f"warning: iec104.port: {said}; control runs without the dispatch centre until that "
               "changes" if said else f"IEC 104 station {keys['ca']} on {place}", err=True)


@click.command("install")
@click.argument("board", type=click.Choice(["pi"]))
@_SITE
@click.option("--dry-run", is_flag=True, help="Print the service, write nothing.")
def install_(board: str, site: Path, dry_run: bool) -> None:
    """Write the systemd service that runs a site on a Raspberry Pi.

    \b
    Example:
      parkedge install pi examples/office/site.toml --dry-run
    """
    from boards import service

    found = _load(site)
    _board(board, found)
    unit = service.unit(found)
    if dry_run:
        click.echo(unit, nl=False)
        return
    try:
        service.TARGET.write_text(unit, encoding="utf-8")
    except OSError as error:
        _fail(f"{service.TARGET}: {error.strerror}: run it with sudo, or with --dry-run")
    click.echo(f"{service.TARGET} written; now:\n{service.AFTERWARDS}")
