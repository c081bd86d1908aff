"""`listen`: what comes through a one-way isolation device, into the store."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from cloud_bridge.databases import STORE, Database
from cloud_bridge.intake import StoreError
from cloud_bridge.listener import Listener
from cloud_bridge.logs import log_for
from cloud_bridge.oneway import Keys
from cloud_bridge.stopping import on_stop


def _address(ctx: click.Context, parameter: click.Parameter, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(f"found {text!r}, expected HOST:PORT")
    return host.strip("[]"), int(port)


@click.command("listen")
@click.option("--udp", "address", default="127.0.0.1:5140", show_default=True, callback=_address,
              metavar="HOST:PORT", help="Where the outer side of the isolation device sends to.")
@click.option("--store", "open_store", default="park.db", show_default=True, type=STORE,
              help="A SQLite file, which is made, or the address of a PostgreSQL.")
@click.option("--keys", "folder", required=True, metavar="DIR",
              type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="The gateways' uplink keys, DIR/PARK/GATEWAY/uplink.key.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object a line, and status lines.")
def main(address: tuple[str, int], open_store: Callable[[], Database], folder: Path,
         is_json: bool) -> None:
    """Store what comes through a one-way isolation device; nothing is ever answered.

    What no known gateway has sealed is refused and counted, some of it kept in the table
    quarantine. What never came is in the table gaps. Runs until it is told to stop (Ctrl-C or
    SIGTERM), and then ends with what has come committed.

    \b
    Example:
      python -m cloud_bridge listen --udp 127.0.0.1:5140 --store park.db --keys keys
    """
    log = log_for(is_json)
    try:
        listener = Listener(address, open_store, Keys(folder), log)
    except OSError as error:
        click.echo(f"Error: {address[0]}:{address[1]}: {error.strerror or error}", err=True)
        sys.exit(1)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--keys") from None
    on_stop(listener.stop)
    try:
        listener.run()
    except StoreError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    log("stopped", **listener.counts)
