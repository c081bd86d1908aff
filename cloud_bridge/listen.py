"""`listen`: what comes through a one-way isolation device, into the store."""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click

from cloud_bridge.listener import Listener
from cloud_bridge.oneway import Keys
from cloud_bridge.store import Store, StoreError

_STOPS = (signal.SIGINT, signal.SIGTERM)


def _json_log(event: str, **values: Any) -> None:
    click.echo(json.dumps({"event": event, "utc": int(time.time()), **values}))


def _plain_log(event: str, **values: Any) -> None:
    if event != "status":
        click.echo(" ".join([event, *(f"{key} {value}" for key, value in values.items())]),
                   err=True)


def _address(ctx: click.Context, parameter: click.Parameter, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(f"found {text!r}, expected HOST:PORT")
    return host.strip("[]"), int(port)


@click.command("listen")
@click.option("--udp", "address", default="127.0.0.1:5140", show_default=True, callback=_address,
              metavar="HOST:PORT", help="Where the outer side of the isolation device sends to.")
@click.option("--store", "path", default="park.db", show_default=True,
              type=click.Path(dir_okay=False, path_type=Path), help="The SQLite file; is made.")
@click.option("--keys", "folder", required=True, metavar="DIR",
              type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="The gateways' uplink keys, DIR/PARK/GATEWAY/uplink.key.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object a line, and status lines.")
def main(address: tuple[str, int], path: Path, folder: Path, is_json: bool) -> None:
    """Store what comes through a one-way isolation device; nothing is ever answered.

    What no known gateway has sealed is refused and counted, some of it kept in the table
    quarantine. What never came is in the table gaps. Runs until it is told to stop (Ctrl-C or
    SIGTERM), and then ends with what has come committed.

    \b
    Example:
      python -m cloud_bridge listen --udp 127.0.0.1:5140 --store park.db --keys keys
    """
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.absolute().parent}",
                                 param_hint="--store")
    log = _json_log if is_json else _plain_log
    try:
        listener = Listener(address, lambda: Store(path), Keys(folder), log)
    except OSError as error:
        click.echo(f"Error: {address[0]}:{address[1]}: {error.strerror or error}", err=True)
        sys.exit(1)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--keys") from None

    def stop(*_: object) -> None:
        """Once is enough: another signal must not kill an interpreter that is ending."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        listener.stop()

    for number in _STOPS:
        signal.signal(number, stop)
    try:
        listener.run()
    except StoreError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    log("stopped", **listener.counts)
