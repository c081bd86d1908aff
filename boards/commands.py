"""The commands of `python -m boards`, each a thin skin over a module that it loads when called."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from boards.found import BoardFile
    from boards.site import Site

_SITE = click.argument("site", default="site.toml",
                       type=click.Path(exists=True, dir_okay=False, path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
_KEY = click.option("--broker-key", "key", envvar="PARKEDGE_BROKER_KEY", show_envvar=True,
                    type=click.Path(dir_okay=False, path_type=Path),
                    help="The secret key of [broker] certificate, PEM or DER.")
_BOARD = click.option("--board", "board_name", required=True, help="A board: see `list`.")


def _fail(*lines: str) -> NoReturn:
    for line in lines:
        click.echo(line, err=True)
    sys.exit(1)


def _load(path: Path) -> "Site":
    """The site, or its mistakes and exit status 1."""
    from boards.site import check

    checked = check(path)
    for line in checked.warnings:
        click.echo(f"warning: {line}", err=True)
    if checked.site is None:
        _fail(*checked.errors)
    return checked.site


def _board(name: str, site: "Site") -> "BoardFile":
    """A board that can run the site."""
    from boards.found import boards, misfits

    found = boards().get(name)
    if found is None:
        raise click.BadParameter(f"found {name}, expected one of {' '.join(boards())}",
                                 param_hint="--board")
    if wrong := misfits(site, found):
        _fail(*wrong)
    return found


@click.command("check")
@click.argument("sites", nargs=-1,
                type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_KEY
@_JSON
def check_(sites: tuple[Path, ...], key: Path | None, as_json: bool) -> None:
    """Judge a site file and tell what it is: devices, polling, rules, limits, tariff. Give all the
    files of gateways that share a limit, and it is judged whether they agree; with --broker-key,
    whether the key belongs to the certificate of the first.

    \b
    Example:
      parkedge check examples/foundry/site.toml
    """
    from boards.describe import summary, text
    from boards.group_checks import check_group
    from boards.site import check

    if not sites:
        sites = (Path("site.toml"),)
        if not sites[0].is_file():
            raise click.BadParameter("File 'site.toml' does not exist.", param_hint="SITES")
    checked = [check(path) for path in sites]
    errors, warnings = check_group([one.site for one in checked if one.site is not None])
    if key and checked[0].site is not None:
        from boards.broker import KeyFileError, broker_key

        try:
            broker_key(checked[0].site, key)
        except KeyFileError as error:
            errors = [*errors, str(error)]
    said = [summary(one) for one in checked]
    if as_json:
        together = {"sites": said, "errors": errors, "warnings": warnings}
        click.echo(json.dumps(said[0] if len(said) == 1 else together, indent=1,
                              ensure_ascii=False))
    else:
        whole = [text(one) for one in said if "site" in one]
        if whole:
            click.echo("\n\n".join(whole))
        for line in [*(line for one in checked for line in one.warnings), *warnings]:
            click.echo(f"warning: {line}", err=True)
        for line in [*(line for one in checked for line in one.errors), *errors]:
            click.echo(line, err=True)
    sys.exit(1 if errors or any(one.errors for one in checked) else 0)


@click.command("list")
@_JSON
def list_(as_json: bool) -> None:
    """What there is: boards, device profiles, rules, tariffs, clouds.

    \b
    Example:
      parkedge list
    """
    from boards import found, profiles, tariff
    from boards.site_tables import clouds, rules

    known = [profiles.load(name) for name in profiles.ids()]
    there = {
        "boards": {board.name: board.meaning for board in found.boards().values()},
        "profiles": {device.id: f"{device.vendor} {device.model} ({device.kind})"
                     for device in known},
        "rules": {rule.name: rule.meaning for rule in rules().values()},
        "tariffs": dict.fromkeys(tariff.shipped(), "edge/tariffs"),
        "clouds": {cloud.name: cloud.meaning for cloud in clouds().values()},
    }
    if as_json:
        click.echo(json.dumps(there, indent=1, ensure_ascii=False))
        return
    for kind, entries in there.items():
        click.echo(kind)
        for name, meaning in entries.items():
            click.echo(f"  {name:<18} {meaning}")


@click.command("schema")
def schema_() -> None:
    """The JSON schema of a site file, for editors.

    \b
    Example:
      parkedge schema > site.schema.json
    """
    from boards.schema import schema

    click.echo(json.dumps(schema(), indent=1, ensure_ascii=False))


@click.command("build")
@_SITE
@_BOARD
@click.option("--out", type=click.Path(file_okay=False, path_type=Path),
              help="Where to; build/GATEWAY-BOARD without it.")
@_JSON
def build_(site: Path, board_name: str, out: Path | None, as_json: bool) -> None:
    """Compile a site for a microcontroller, and hold its size against the budget.

    \b
    Example:
      parkedge build examples/foundry/site.toml --board w5500_evb_pico2
    """
    from boards import build

    found = _load(site)
    board = _board(board_name, found)
    gateway = found.sections["site"]["gateway"]
    folder = out or Path("build") / f"{gateway}-{board.name}"
    try:
        built = build.build(found, board)
        build.write(built, folder)
    except (build.BuildError, OSError) as error:
        _fail(str(error))
    if as_json:
        click.echo(json.dumps({"folder": str(folder), "sizes": dict(built.sizes),
                               "over": built.over, "files": len(built.files)}))
    else:
        for part, size in built.sizes.items():
            limit = build.BUDGETS.get(part)
            click.echo(f"{part:<6} {size:>6} bytes" + (f" of {limit}" if limit else ""))
        click.echo(f"{len(built.files)} files in {folder}")
    if built.over:
        _fail(*built.over)


@click.command("flash")
@_SITE
@_BOARD
@click.option("--port", help="Its serial port; found by itself without it.")
@_KEY
@click.option("--secrets", "own", type=Path, help="Folder of its keys and password: `gateway` of "
              "`parkedge cloud keys gateway`.")
def flash_(site: Path, board_name: str, port: str | None, key: Path | None, own: Path | None
           ) -> None:
    """Build, bring what differs onto the board, and prove every file by its hash. Keys and password
    are brought along; without --broker-key and --secrets those that are there stay.

    \b
    Example:
      parkedge flash examples/foundry/site.toml --board w5500_evb_pico2 --port /dev/ttyACM0
    """
    from boards import build
    from boards.broker import KEY_FILE, KeyFileError, broker_key
    from boards.flash import FlashError, flash, secrets
    from boards.usb_gateway import UsbGateway

    found = _load(site)
    try:
        secret = {KEY_FILE: broker_key(found, key)} if key else {}
        secret |= secrets(own) if own else {}
        built = build.build(found, _board(board_name, found))
        if built.over:
            _fail(*built.over)
        gateway = UsbGateway(port)
        try:
            with click.progressbar(length=100, label=gateway.port, file=sys.stderr) as bar:
                done = flash(gateway, {**built.files, **secret},
                             lambda now, total: bar.update(100 * now // total - bar.pos))
        finally:
            gateway.close()
    except (build.BuildError, FlashError, KeyFileError, OSError) as error:
        _fail(str(error))
    click.echo(f"{len(done.written)} files written, {done.kept} were there, {len(done.removed)} "
               f"removed; all {len(done.written) + done.kept} proven by hash, restarted")


@click.command("why")
@click.argument("journal", type=click.Path(exists=True, path_type=Path))
@click.option("--at", help='"10:05", "10:05:30" or "2025-11-22T10:05"; the newest row without it.')
@click.option("--gateway", help="PARK/GATEWAY, where a store holds several.")
@_JSON
def why_(journal: Path, at: str | None, gateway: str | None, as_json: bool) -> None:
    """Why the battery did what it did: both bounds in words, from the journal row of that second.

    JOURNAL is a journal file, a folder of them, or the bridge's store (its times are UTC).

    \b
    Example:
      parkedge why run/journal --at 10:05
    """
    from boards import why

    try:
        second = why.find(journal, at, gateway)
    except why.TimeError as error:
        raise click.BadParameter(str(error), param_hint="--at") from None
    except (why.JournalError, OSError) as error:
        _fail(str(error))
    click.echo(json.dumps(why.explain(second), ensure_ascii=False) if as_json
               else why.text(second))
