"""`dr openadr3`: a server of OpenADR 3.1 calls, a gateway delivers, the server hears of it."""

import sys
import time
from pathlib import Path

import click

from cloud_bridge.command import reaching
from cloud_bridge.databases import opener
from cloud_bridge.fields import DocumentError, mistake
from cloud_bridge.identity import NAME, read_private
from cloud_bridge.logs import log_for
from cloud_bridge.response.asking import amount
from cloud_bridge.response.deliver import Delivery, heard
from cloud_bridge.response.feed import Feed
from cloud_bridge.response.openadr3.asks import Reading
from cloud_bridge.response.openadr3.baseline import Baseline
from cloud_bridge.response.openadr3.client import Client
from cloud_bridge.response.openadr3.memory import Memory
from cloud_bridge.response.openadr3.vtn import Vtn
from cloud_bridge.said import FILE, FOLDER, refusing
from cloud_bridge.stopping import on_stop
from edge.response.event import ALL_OR_NOTHING


@click.command("openadr3")
@click.argument("gateway", metavar="PARK/GATEWAY")
@click.option("--vtn", "url", required=True, metavar="URL",
              help="The server's base, e.g. https://host/openadr3/3.1.0.")
@click.option("--client-id", required=True, metavar="ID")
@click.option("--secret-file", required=True, type=FILE,
              help="The client's secret, mode 0600.")
@click.option("--token-url", metavar="URL", help="Where tokens are.  [default: VTN/auth/token]")
@click.option("--vtn-ca", type=FILE, help="The certificate to trust instead of the system's.")
@click.option("--insecure", is_flag=True, help="Plain http to another machine than this one.")
@click.option("--program", required=True, metavar="NAME", help="The server's program.")
@click.option("--target", "targets", multiple=True, metavar="NAME",
              help="What the server has granted this site, for events that are not for all.")
@click.option("--ven-name", metavar="NAME", help="What reports are signed with.  [default: ID]")
@click.option("--level", "levels", multiple=True, metavar="N=KW",
              help="By how much SIMPLE level N (1 to 3) lowers the import.")
@click.option("--programme", "rules", metavar="NAME",
              help="Rules by which a change has a baseline: of edge/programmes, or a file.")
@click.option("--all-or-nothing", is_flag=True,
              help="Left out where less than 0.8 of it can be delivered.")
@click.option("--poll", "poll_s", type=click.IntRange(1, 3600), default=30, show_default=True,
              help="Seconds between two looks at the server.")
@click.option("--once", is_flag=True, help="Look once; exit status 1 where no list came.")
@click.option("--state", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="What was told; kept from one start to the next.")
@click.option("--store", required=True, metavar="FILE|postgresql://...", help="The bridge's.")
@click.option("--keys", "folder", type=FOLDER, required=True,
              help="The folder `cloud` of `keys gateway`.")
@reaching(30)
def main(gateway: str, url: str, client_id: str, secret_file: Path, token_url: str | None,
         vtn_ca: Path | None, insecure: bool, program: str, targets: tuple[str, ...],
         ven_name: str | None, levels: tuple[str, ...], rules: str | None, all_or_nothing: bool,
         poll_s: int, once: bool, state: Path, store: str, folder: Path, broker: str,
         ca: str | None, wait_s: int, as_json: bool) -> None:
    """Be a client (VEN) of an OpenADR 3.1 server for GATEWAY: what the server's program asks is
    handed over as signed commands, and what becomes of it is reported.

    A list that does not come, or not whole, calls nothing off; the gateway delivers what it has
    without anybody. See docs/openadr3.md for what is taken, and how.

    \b
    Example:
      python -m cloud_bridge dr openadr3 demo/mill --vtn https://vtn.example.com/openadr3/3.1.0 --client-id mill --secret-file vtn.secret --program shed --level 1=100 --state mill.json --store park.db --keys mill/cloud
    """  # noqa: E501  # a command is one line
    with refusing(2):
        if not NAME.fullmatch(gateway):
            raise mistake("PARK/GATEWAY", gateway, "e.g. demo/mill")
        try:
            open_store = opener(store, create=False)
        except (ValueError, ImportError) as error:
            raise DocumentError(f"store: {error}") from None
        vtn = Vtn(url, client_id, _secret(secret_file), token_url,
                  str(vtn_ca) if vtn_ca else None, insecure)
        relative = Baseline(rules, gateway, store, None, _now) if rules else None
        reading = Reading(_levels(levels), relative, ALL_OR_NOTHING * all_or_nothing,
                          relative.hush_min if relative else 0)
        client = Client(vtn, program, Delivery(gateway, folder, broker, ca, wait_s), Feed(state),
                        Memory(state.with_name(state.name + ".seen")),
                        lambda: heard(open_store, gateway), reading, ven_name or client_id,
                        gateway.partition("/")[2], log_for(as_json), targets)
        if once:
            sys.exit(0 if client.turn(_now()) else 1)
        on_stop(client.stop)
        client.run(poll_s, _now)


def _now() -> int:
    return int(time.time())


def _secret(path: Path) -> str:
    """One line of text. DocumentError, which never shows it."""
    try:
        text = read_private(path).decode().strip()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable() or len(text) > 4096:
        raise DocumentError(f"{path}: found no secret, expected one line of text")
    return text


def _levels(found: tuple[str, ...]) -> dict[int, int]:
    levels = {}
    for one in found:
        number, _, kw = one.partition("=")
        if number not in ("1", "2", "3") or int(number) in levels:
            raise mistake("level", one, "e.g. 1=100, each of 1 to 3 once at most")
        levels[int(number)] = int(amount("level", kw) * 1000)
        if not 0 < levels[int(number)] <= 8_000_000:
            raise mistake("level", one, "more than 0, at most 8000 kW")
    return levels
